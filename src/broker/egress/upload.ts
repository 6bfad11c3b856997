import { Readable } from 'node:stream'
import { CapabilityError } from '../capability.ts'

const HIGH_WATER = 256 << 10

/** The body of a request that the guest gives piece by piece, at the pace at which the server takes it. */
export class Upload implements Disposable {
  readonly stream: Readable
  readonly #bytesMax: number
  #size = 0
  #wanted = Promise.withResolvers<void>()

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
    this.stream = new Readable({ highWaterMark: HIGH_WATER, read: () => this.#wanted.resolve() })
    // A request that has failed says so itself.
    this.stream.on('error', () => undefined)
    this.stream.on('close', () => this.#wanted.resolve())
  }

  /** Takes a piece; null is the end. Resolves when there is room for another: false if nobody wants any more. */
  async write(piece: Buffer | null): Promise<boolean> {
    this.#size += piece?.length ?? 0
    if (this.#size > this.#bytesMax) {
      const error = requestTooLarge(this.#bytesMax)
      this.stream.destroy(error)
      throw error
    }
    if (this.stream.destroyed || this.stream.readableEnded) return false
    this.#wanted = Promise.withResolvers()
    if (!this.stream.push(piece) && piece !== null) await this.#wanted.promise
    return !this.stream.destroyed
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
