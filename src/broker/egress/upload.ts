import { Readable } from 'node:stream'
import { CapabilityError } from '../capability.ts'

const HIGH_WATER = 256 << 10
const NOTHING = Buffer.alloc(0)

/** The body of a request that the guest gives piece by piece, at the pace at which the server takes it. */
export class Upload implements Disposable {
  readonly stream: Readable
  readonly #bytesMax: number
  /** What is sent in place of a piece; null is the end, and gives what was kept back. */
  #transform = (piece: Buffer | null): Buffer => piece ?? NOTHING
  #size = 0
  #wanted = Promise.withResolvers<void>()

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
    this.stream = new Readable({ highWaterMark: HIGH_WATER, read: () => this.#wanted.resolve() })
    // A request that has failed says so itself.
    this.stream.on('error', () => undefined)
    this.stream.on('close', () => this.#wanted.resolve())
  }

  /** From now on pieces are sent as `transform` makes them. What it throws ends the request. */
  through(transform: (piece: Buffer | null) => Buffer): void {
    this.#transform = transform
  }

  /** Takes a piece; null is the end. Resolves when there is room for another: false if nobody wants any more. */
  async write(piece: Buffer | null): Promise<boolean> {
    const bytes = this.#accept(piece)
    if (this.stream.destroyed || this.stream.readableEnded) return false
    this.#wanted = Promise.withResolvers()
    const hasRoom = bytes.length === 0 || this.stream.push(bytes)
    if (piece === null) this.stream.push(null)
    else if (!hasRoom) await this.#wanted.promise
    return !this.stream.destroyed
  }

  #accept(piece: Buffer | null): Buffer {
    try {
      const bytes = this.#transform(piece)
      this.#size += bytes.length
      if (this.#size > this.#bytesMax) throw requestTooLarge(this.#bytesMax)
      return bytes
    } catch (error) {
      this.stream.destroy(error as Error)
      throw error
    }
  }

  [Symbol.dispose](): void {
    this.stream.destroy()
  }
}

/** Why a body is not sent. */
export function requestTooLarge(bytesMax: number): CapabilityError {
  return new CapabilityError(
    'REQUEST_TOO_LARGE',
    `the body of a request may have ${bytesMax} bytes (capabilities.fetch.requestBytes)`,
  )
}
