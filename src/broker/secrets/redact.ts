import type { ByteSource } from '../egress/byte-source.ts'
import type { Matcher, MatcherState } from './matcher.ts'

/** What is looked for, and what stands in its place. */
export interface Redaction {
  readonly matcher: Matcher
  readonly replacementOf: (name: string) => string
}

/** Bytes of the stream from `start` to before `end` that are a secret. */
interface Found {
  readonly start: number
  readonly end: number
  /** Empty once it has been said. */
  readonly text: string
}

/**
 * Takes secrets out of bytes that come piece by piece. Of each piece only that is kept back which may be the beginning of
 * a secret, so never more than the longest form of one.
 */
export class Redactor {
  readonly #redaction: Redaction
  #state: MatcherState = 0
  /** What has not been given out, and where in the stream it begins. */
  #held = Buffer.alloc(0)
  #base = 0
  /** In order, and apart from each other. */
  #found: Found[] = []

  constructor(redaction: Redaction) {
    this.#redaction = redaction
  }

  /** What can be given out now that these bytes have come. */
  push(piece: Uint8Array): Buffer {
    const { matcher } = this.#redaction
    const from = this.#base + this.#held.length
    this.#held = this.#held.length === 0 ? Buffer.from(piece) : Buffer.concat([this.#held, piece])
    for (let index = 0; index < piece.length; index += 1) {
      this.#state = matcher.step(this.#state, piece[index] ?? 0)
      const length = matcher.matchAt(this.#state)
      if (length > 0) this.#note(from + index + 1, length)
    }
    return this.#giveUpTo(from + piece.length - matcher.depthOf(this.#state))
  }

  /** The rest. */
  end(): Buffer {
    return this.#giveUpTo(this.#base + this.#held.length)
  }

  /** One that overlaps what was found before makes it longer. */
  #note(end: number, length: number): void {
    const { matcher, replacementOf } = this.#redaction
    let found: Found = { start: end - length, end, text: replacementOf(matcher.nameAt(this.#state)) }
    for (let last = this.#found.at(-1); last !== undefined && last.end > found.start; last = this.#found.at(-1)) {
      this.#found.pop()
      found = last.start <= found.start ? { ...last, end } : found
    }
    this.#found.push(found)
  }

  #giveUpTo(safe: number): Buffer {
    const parts: Uint8Array[] = []
    let at = this.#base
    const held = (from: number, to: number): Buffer => this.#held.subarray(from - this.#base, to - this.#base)
    for (const { start, end, text } of this.#found) {
      if (start >= safe) break
      parts.push(held(at, start), Buffer.from(text))
      at = Math.min(end, safe)
    }
    if (at < safe) parts.push(held(at, safe))
    this.#found = this.#found
      .filter(({ end }) => end > safe)
      .map((found) => (found.start < safe ? { ...found, start: safe, text: '' } : found))
    this.#held = Buffer.from(this.#held.subarray(safe - this.#base))
    this.#base = safe
    return Buffer.concat(parts)
  }
}

/** The same bytes without the secrets. */
export function redacted(source: ByteSource, redaction: Redaction): ByteSource {
  const redactor = new Redactor(redaction)
  let isOver = false
  return {
    async read() {
      while (!isOver) {
        const piece = await source.read()
        isOver = piece === undefined
        const out = piece === undefined ? redactor.end() : redactor.push(piece)
        if (out.length > 0) return out
      }
      return undefined
    },
    cancel: () => source.cancel(),
  }
}

/** A text of one character a byte, as headers are read, without the secrets. */
export function redactedText(text: string, redaction: Redaction): string {
  const redactor = new Redactor(redaction)
  return Buffer.concat([redactor.push(Buffer.from(text, 'latin1')), redactor.end()]).toString('latin1')
}
