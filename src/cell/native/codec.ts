import type { Transform } from 'node:stream'
import {
  constants,
  createBrotliCompress,
  createBrotliDecompress,
  createDeflate,
  createDeflateRaw,
  createGunzip,
  createGzip,
  createInflate,
  createInflateRaw,
} from 'node:zlib'
import { NativeFault } from './fault.ts'

/** Longest input and longest output of one step: about a millisecond of a thread's time. */
export const PIECE_BYTES_MAX = 64 << 10

// Read ahead by one piece at most: what is not taken is not made.
const FLOW = { chunkSize: PIECE_BYTES_MAX, highWaterMark: 1 }
const STRICT = { ...FLOW, rejectGarbageAfterEnd: true }
/** Brotli's own default takes a hundred times as long as the others and 16 MiB of memory. */
const BROTLI = {
  ...FLOW,
  params: { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_LGWIN]: 19 },
}

interface Kind {
  readonly make: () => Transform
  /** What one holds of the cell's memory at the most. */
  readonly bytes: number
}

/** By direction and format of the Compression standard. */
export const CODECS: Readonly<Record<string, Kind>> = {
  'compress gzip': { make: () => createGzip(FLOW), bytes: 512 << 10 },
  'compress deflate': { make: () => createDeflate(FLOW), bytes: 512 << 10 },
  'compress deflate-raw': { make: () => createDeflateRaw(FLOW), bytes: 512 << 10 },
  'compress brotli': { make: () => createBrotliCompress(BROTLI), bytes: 8 << 20 },
  'decompress gzip': { make: () => createGunzip(STRICT), bytes: 256 << 10 },
  'decompress deflate': { make: () => createInflate(STRICT), bytes: 256 << 10 },
  'decompress deflate-raw': { make: () => createInflateRaw(STRICT), bytes: 256 << 10 },
  // A window of 16 MiB, as the header of its input can ask for.
  'decompress brotli': { make: () => createBrotliDecompress(STRICT), bytes: 18 << 20 },
}

const NOTHING = new Uint8Array(0)

/**
 * A compressor or decompressor that works in steps: one piece of input is fed, its output taken piece by piece. Works in
 * the thread pool, and not before it is asked for the next piece: a bomb of a megabyte costs what is taken of it.
 */
export class Codec {
  /** What is reserved for it of the cell's memory. */
  readonly bytes: number
  readonly #stream: Transform
  #fault: Error | undefined
  /** Whether the last input is used up. */
  #fed = true
  #taking = false
  #wake: () => void = () => {}

  constructor({ make, bytes }: Kind) {
    this.bytes = bytes
    this.#stream = make()
    const wake = (): void => this.#wake()
    this.#stream.on('readable', wake).on('end', wake).on('close', wake)
    this.#stream.on('error', (error) => {
      this.#fault ??= error
      wake()
    })
  }

  /** Whether everything that was fed has been used up and its output taken. Never after a fault, which the next step tells. */
  get idle(): boolean {
    const { errored, readableEnded, readableLength } = this.#stream
    return errored === null && (this.#fed || readableEnded) && !this.#taking && readableLength === 0
  }

  /** Takes the next input in, and gives the first piece of its output. Throws InvalidStateError if the last is not used up. */
  feed(input: Uint8Array): Promise<Uint8Array> {
    this.#begin()
    this.#stream.write(input, this.#used)
    return this.take()
  }

  /** There is no more input. Gives the first piece of what is left. */
  finish(): Promise<Uint8Array> {
    this.#begin()
    // Not its callback, which comes before the last output: the stream ends when all of it has been taken.
    this.#stream.end()
    return this.take()
  }

  /** The next piece; an empty one if the input is used up. Throws TypeError for input that is not of the format. */
  async take(): Promise<Uint8Array> {
    if (this.#taking) throw busy()
    this.#taking = true
    try {
      return await this.#next()
    } finally {
      this.#taking = false
    }
  }

  /** Ends it at once; a step that is under way gives nothing. */
  close(): void {
    this.#stream.destroy()
  }

  async #next(): Promise<Uint8Array> {
    const stream = this.#stream
    for (;;) {
      if (stream.readableLength > 0) return stream.read(Math.min(stream.readableLength, PIECE_BYTES_MAX)) as Uint8Array
      const fault = this.#fault ?? stream.errored
      if (fault) throw new NativeFault('TypeError', `the data cannot be decoded: ${fault.message}`)
      if (this.#fed || stream.readableEnded || stream.destroyed) return NOTHING
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      stream.read(0)
      await woken
    }
  }

  #begin(): void {
    if (this.#taking || !this.#fed || this.#stream.writableEnded) throw busy()
    this.#fed = false
  }

  readonly #used = (error?: Error | null): void => {
    this.#fed = true
    if (error) this.#fault ??= error
    this.#wake()
  }
}

function busy(): NativeFault {
  return new NativeFault('InvalidStateError', 'it is busy')
}
