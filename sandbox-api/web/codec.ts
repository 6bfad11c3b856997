import type { NativeValue } from '../bridge.ts'
import { callNative, startNative } from './native.ts'

/** What native code takes in one step. */
const PIECE_BYTES_MAX = 64 << 10

export type Direction = 'compress' | 'decompress'

/** Native codecs whose owner is gone and that could not be closed yet. */
const orphans: number[] = []
const collected = new FinalizationRegistry<number>((handle) => {
  orphans.push(handle)
  closeOrphans()
})

function closeOrphans(): void {
  try {
    for (let handle = orphans.at(-1); handle !== undefined; handle = orphans.at(-1)) {
      callNative('compression.close', handle)
      orphans.pop()
    }
  } catch {
    // Collected while no run was using the realm: closed when the next codec is opened.
  }
}

/**
 * A compressor or decompressor of native code. It is opened when it is first used, and let go when it ends, fails or is
 * collected. `wanted` is awaited before each piece but the first of what is left at the end.
 */
export class Codec {
  readonly #direction: Direction
  readonly #format: string
  #handle: number | undefined
  #closed = false

  constructor(direction: Direction, format: string) {
    this.#direction = direction
    this.#format = format
  }

  /** What becomes of the next input. The bytes must not change meanwhile. */
  async *feed(input: Uint8Array, wanted: () => Promise<void>): AsyncGenerator<Uint8Array, void> {
    for (let from = 0; from < input.length; from += PIECE_BYTES_MAX) {
      await wanted()
      yield* this.#step(wanted, 'compression.feed', input.subarray(from, from + PIECE_BYTES_MAX))
    }
  }

  /** What is left, once there is no more input. Throws TypeError if the input has ended too early. */
  async *finish(wanted: () => Promise<void>): AsyncGenerator<Uint8Array, void> {
    yield* this.#step(wanted, 'compression.finish')
    this.close()
  }

  close(): void {
    const handle = this.#handle
    this.#closed = true
    this.#handle = undefined
    if (handle === undefined) return
    collected.unregister(this)
    callNative('compression.close', handle)
  }

  async *#step(
    wanted: () => Promise<void>,
    operation: string,
    ...args: readonly NativeValue[]
  ): AsyncGenerator<Uint8Array, void> {
    if (this.#closed) return
    const handle = (this.#handle ??= this.#open())
    let piece = (await startNative(operation, handle, ...args)) as Uint8Array
    while (!this.#closed) {
      if (piece.length > 0) yield piece
      if (this.#closed || (callNative('compression.idle', handle) as boolean)) return
      await wanted()
      if (this.#closed) return
      piece = (await startNative('compression.take', handle)) as Uint8Array
    }
  }

  #open(): number {
    closeOrphans()
    const handle = callNative('compression.open', this.#direction, this.#format) as number
    collected.register(this, handle, this)
    return handle
  }
}
