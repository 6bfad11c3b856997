import type { IncomingMessage } from 'node:http'
import { CloisterError } from '../core/errors.ts'
import type { Bytes } from '../core/quantity.ts'
import type { Pace } from './pace.ts'
import { quoted } from './quoted.ts'

interface Parts {
  /** Longest body. */
  readonly sizeMax: Bytes
  /** Of all bodies that are arriving, together. */
  readonly arrivingMax: Bytes
  /** Of a refused body that is read and dropped. */
  readonly discardMax: Bytes
  /** Shared with whatever else a request has the host do. */
  readonly pace: Pace
}

/** A body that came in pieces, or in one that is longer, is taken in at the host's pace. */
const AT_ONCE_MAX = 16 << 10

/** Reads request bodies as the bytes they are, and bounds what that takes in memory. */
export class BodyReader {
  readonly #parts: Parts
  #arriving = 0

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /**
   * Waits for the whole body. Throws or rejects with UNSUPPORTED_MEDIA, TOO_LARGE or OVERLOADED, and INVALID_REQUEST
   * when the connection ends first. After a refusal what still comes is dropped, so that the client sees the answer.
   */
  read(request: IncomingMessage): Promise<Buffer> {
    checkMedia(request)
    const declared = request.headers['content-length']
    if (declared === undefined || Number(declared) <= this.#parts.sizeMax) return this.collect(request)
    this.discard(request)
    throw tooLarge(this.#parts.sizeMax)
  }

  /**
   * The body of a request piece by piece, whatever its type; nothing is read before it is asked for. Rejects with
   * UNSUPPORTED_MEDIA, and with INVALID_REQUEST when the connection ends first.
   */
  async *stream(request: IncomingMessage): AsyncGenerator<Buffer, void, undefined> {
    checkCoding(request)
    const { pace } = this.#parts
    try {
      for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        const { length } = chunk
        if (length > AT_ONCE_MAX && pace.spend(length) === 'wait') {
          await new Promise<void>((resolve) => pace.later(length, resolve))
        }
        yield chunk
      }
    } catch (error) {
      throw new CloisterError('INVALID_REQUEST', 'the connection ended before the body did', { cause: error })
    } finally {
      if (!request.readableEnded && !request.destroyed) this.discard(request)
    }
  }

  /** Lets what still comes of a request run dry; cuts the connection if there is no end to it. */
  discard(request: IncomingMessage): void {
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > this.#parts.discardMax) request.destroy()
      else this.#slow(request, chunk)
    })
  }

  /** Lets others have a turn when this one has taken in enough, whoever it came from. */
  #slow(request: IncomingMessage, { length }: Buffer): void {
    const { pace } = this.#parts
    if (length <= AT_ONCE_MAX || pace.spend(length) === 'go on') return
    request.pause()
    pace.later(length, () => request.resume())
  }

  /** Waits for a body of any kind. Rejects as {@link read} does. */
  collect(request: IncomingMessage): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      let size = 0
      let open = true
      const settle = (): void => {
        open = false
        this.#arriving -= size
      }
      const refuse = (error: CloisterError): void => {
        settle()
        this.discard(request)
        request.off('data', onData)
        reject(error)
      }
      const onData = (chunk: Buffer): void => {
        size += chunk.length
        this.#arriving += chunk.length
        chunks.push(chunk)
        if (size > this.#parts.sizeMax) refuse(tooLarge(this.#parts.sizeMax))
        else if (this.#arriving > this.#parts.arrivingMax) refuse(overloaded())
        else this.#slow(request, chunk)
      }
      request.on('data', onData)
      request.on('end', () => {
        if (!open) return
        settle()
        const [first = NOTHING] = chunks
        if (size <= AT_ONCE_MAX) resolve(chunks.length === 1 ? first : Buffer.concat(chunks))
        // Whoever waits for it goes on in the same turn: putting a large body together, checking it and reading it is one bit.
        else this.#parts.pace.later(size, () => resolve(Buffer.concat(chunks)))
      })
      request.on('close', () => {
        // Comes after every body; only before its end does it mean something.
        if (!open) return
        settle()
        reject(new CloisterError('INVALID_REQUEST', 'the connection ended before the body did'))
      })
    })
  }
}

const NOTHING = Buffer.alloc(0)

/** Whether a request says that it has a body. */
export function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

function checkMedia(request: IncomingMessage): void {
  const { headers } = request
  const type = headers['content-type']
  if (type !== 'application/json' && !/^application\/json *(;|$)/i.test(type ?? '')) {
    const found = type === undefined ? 'no content-type' : quoted(type)
    throw new CloisterError('UNSUPPORTED_MEDIA', `the body must be application/json; the request has ${found}`)
  }
  checkCoding(request)
}

function checkCoding({ headers }: IncomingMessage): void {
  const coding = headers['content-encoding']
  if (coding !== undefined && coding !== 'identity') {
    throw new CloisterError('UNSUPPORTED_MEDIA', 'the body must come without a content-encoding')
  }
}

function tooLarge(bound: Bytes): CloisterError {
  return new CloisterError('TOO_LARGE', `the body is longer than ${bound} bytes, the most that this host takes`)
}

function overloaded(): CloisterError {
  return new CloisterError('OVERLOADED', 'too many bodies are arriving at once; nothing was started', {
    retryAfterMs: 1_000,
  })
}
