import type { ByteSource } from './byte-source.ts'

/** What a guest gets of a body in one call. */
export interface BodyPiece {
  /** Base64. */
  readonly body: string
  readonly done: boolean
}

/** Longest piece of a response's body in one call. */
const PIECE_BYTES_MAX = 256 << 10
/** How long a piece that is there waits for more that is just coming in: most bodies are short, and then go in one call. */
const GATHER_MS = 2

/** Hands out a response's body in pieces of a bounded size, as few as there can be without waiting for what is not there. */
export class ResponseBody {
  readonly #source: ByteSource
  /** A read of the source that no call has waited for to its end. */
  #pending: Promise<Buffer | undefined> | undefined
  #rest: Buffer | undefined

  constructor(source: ByteSource) {
    this.#source = source
  }

  /** The next piece; waits for a first byte unless `mode` is `now`. */
  async next(mode: 'wait' | 'now'): Promise<BodyPiece> {
    const pieces: Buffer[] = []
    let size = 0
    let done = false
    const late = timer(GATHER_MS)
    while (size < PIECE_BYTES_MAX) {
      const piece = this.#rest ?? (await this.#readUnless(size > 0 || mode === 'now' ? late : undefined))
      this.#rest = undefined
      if (piece === 'late') break
      if (piece === undefined) {
        done = true
        break
      }
      const room = PIECE_BYTES_MAX - size
      if (piece.length > room) this.#rest = piece.subarray(room)
      pieces.push(piece.subarray(0, room))
      size += Math.min(piece.length, room)
    }
    return { body: Buffer.concat(pieces).toString('base64'), done }
  }

  cancel(): void {
    this.#source.cancel()
  }

  async #readUnless(late: Promise<'late'> | undefined): Promise<Buffer | undefined | 'late'> {
    this.#pending ??= this.#source.read()
    const reading = this.#pending
    if (late !== undefined) {
      // Whoever asks next learns of its failure.
      reading.catch(() => undefined)
      if ((await Promise.race([reading.then(always), late])) === 'late') return 'late'
    }
    this.#pending = undefined
    return await reading
  }
}

function always(): 'there' {
  return 'there'
}

function timer(ms: number): Promise<'late'> {
  return new Promise((resolve) => setTimeout(() => resolve('late'), ms))
}
