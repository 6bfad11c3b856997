import { viewBytes } from './buffer-source.ts'
import { Codec, type Direction } from './codec.ts'
import { createDemandStream } from './demand-stream.ts'
import type { ReadableStream, WritableStream } from './streams.ts'
import { finishInterface, needArguments, toDOMString } from './webidl.ts'

const FORMATS: readonly string[] = ['brotli', 'deflate', 'deflate-raw', 'gzip']

interface Pair {
  readonly readable: ReadableStream
  readonly writable: WritableStream
}

/** Compression, "CompressionStream". */
export class CompressionStream {
  readonly #pair: Pair

  constructor(format: unknown) {
    needArguments(arguments.length, 1, 'CompressionStream')
    this.#pair = createPair('compress', format)
  }

  get readable(): ReadableStream {
    return this.#pair.readable
  }
  get writable(): WritableStream {
    return this.#pair.writable
  }
}

/** Compression, "DecompressionStream". */
export class DecompressionStream {
  readonly #pair: Pair

  constructor(format: unknown) {
    needArguments(arguments.length, 1, 'DecompressionStream')
    this.#pair = createPair('decompress', format)
  }

  get readable(): ReadableStream {
    return this.#pair.readable
  }
  get writable(): WritableStream {
    return this.#pair.writable
  }
}

finishInterface(CompressionStream, 'CompressionStream', 'readable', 'writable')
finishInterface(DecompressionStream, 'DecompressionStream', 'readable', 'writable')

function createPair(direction: Direction, format: unknown): Pair {
  const name = toDOMString(format)
  if (!FORMATS.includes(name))
    throw new TypeError(`${name} is no format of compression: there are ${FORMATS.join(', ')}`)
  const codec = new Codec(direction, name)
  return createDemandStream({
    async *feed(chunk, wanted) {
      await wanted()
      yield* codec.feed(ownBytes(chunk), wanted)
    },
    finish: (wanted) => codec.finish(wanted),
    close: () => codec.close(),
  })
}

/** A copy: what has been written may be changed or moved away before all of it is read. */
function ownBytes(chunk: unknown): Uint8Array {
  const bytes = viewBytes(chunk, 'a chunk')
  if (!(bytes.buffer instanceof ArrayBuffer)) throw new TypeError('a chunk must not be of shared memory')
  return new Uint8Array(bytes)
}
