import { ReadableStream } from './streams.ts'

/** What the library keeps of a stream, as the standard names it. */
interface StreamState {
  readonly _disturbed: boolean
}

const { hasOwn } = Object
const { getReader } = ReadableStream.prototype

export type ByteStream = ReadableStream<unknown>

export function isReadableStream(value: unknown): value is ByteStream {
  return value instanceof ReadableStream && hasOwn(value, '_readableStreamController')
}

/** Whether anything has been read from a stream, or it was cancelled. */
export function isDisturbed(stream: ByteStream): boolean {
  return (stream as unknown as StreamState)._disturbed
}

/** A byte stream of what is there already. The bytes are the stream's from then on. */
export function streamOfBytes(take: () => Uint8Array): ByteStream {
  return new ReadableStream({
    type: 'bytes',
    pull(controller) {
      const bytes = take()
      if (bytes.length > 0) controller.enqueue(bytes as Uint8Array<ArrayBuffer>)
      controller.close()
      controller.byobRequest?.respond(0)
    },
  })
}

/** Makes a stream what it is once all of it was read: disturbed, and locked for good. */
export function exhaust(stream: ByteStream): ByteStream {
  void Reflect.apply(getReader, stream, []).cancel()
  return stream
}

/** A reader of a stream, whatever the guest has made of the stream's own method. */
export function readerOf(stream: ByteStream): ReadableStreamDefaultReader<unknown> {
  return Reflect.apply(getReader, stream, []) as ReadableStreamDefaultReader<unknown>
}

/** Reads a stream to its end; undefined, and the stream cancelled, if it has more than `bytesMax`. */
export async function readStream(stream: ByteStream, bytesMax: number): Promise<Uint8Array | undefined> {
  const reader = readerOf(stream)
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return join(chunks, length)
    if (!(value instanceof Uint8Array)) throw new TypeError('a chunk of the body is no Uint8Array')
    length += value.length
    if (length > bytesMax) {
      await reader.cancel(new RangeError('the body is longer than it may be'))
      return undefined
    }
    chunks.push(value)
  }
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [first] = chunks
  if (chunks.length === 1 && first !== undefined) return first
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}
