import type { Blob } from './blob.ts'
import type { ByteStream } from './body-stream.ts'
import { encodeUtf8 } from './encoding/encode.ts'
import { Utf8Decoder } from './encoding/utf8.ts'

/** What a body is made of. It is never changed, so that copies of the body share it. */
export type Source = Uint8Array | string | Blob

/**
 * The body of a request or a response: Fetch, "body". Most are texts or bytes that are read whole, so that there is a stream
 * only of what came as one, or was asked for one.
 */
export class Body {
  /** Undefined for a body that came as a stream. */
  readonly source: Source | undefined
  #stream: ByteStream | undefined
  /** Makes the stream when somebody asks for it. */
  #open: (() => ByteStream) | undefined
  #isRead = false

  constructor(source: Source | undefined, stream?: ByteStream | (() => ByteStream)) {
    this.source = source
    if (typeof stream === 'function') this.#open = stream
    else this.#stream = stream
  }

  /** Whether anything has been read of it. */
  get isUsed(): boolean {
    return this.#isRead || (this.#stream !== undefined && streams().isDisturbed(this.#stream))
  }

  /** Whether it cannot be read any more by anybody new. */
  get isUnusable(): boolean {
    return this.isUsed || this.#stream?.locked === true
  }

  get stream(): ByteStream {
    if (this.#stream !== undefined) return this.#stream
    const stream = this.#open?.() ?? this.#makeStream()
    this.#stream = stream
    return stream
  }

  #makeStream(): ByteStream {
    return this.#isRead ? streams().exhaust(emptyStream()) : streamOf(this.source)
  }

  /** Reads all of it. Undefined if that is more than `bytesMax`. Rejects with TypeError if somebody else reads it. */
  async read(bytesMax: number = Infinity): Promise<Uint8Array | string | undefined> {
    if (this.isUnusable) throw new TypeError('the body has been read already, or is being read')
    if (this.source === undefined) return await streams().readStream(this.stream, bytesMax)
    this.#markRead()
    const { source } = this
    if (typeof source === 'string') return source.length > bytesMax ? undefined : source
    if (source instanceof Uint8Array) return source.length > bytesMax ? undefined : source
    return source.size > bytesMax ? undefined : new Uint8Array(await source.arrayBuffer())
  }

  /** Another body of the same content. What comes as a stream goes to both at the pace of the faster. */
  copy(): Body {
    if (this.isUnusable) throw new TypeError('a body that has been read, or is being read, cannot be copied')
    if (this.source !== undefined) return new Body(this.source)
    const [mine, other] = this.stream.tee()
    this.#stream = mine
    return new Body(undefined, other)
  }

  /** Another body that gets the content, after which this one is used. */
  move(): Body {
    if (this.isUnusable) throw new TypeError('a body that has been read, or is being read, cannot be sent on')
    if (this.source === undefined) {
      const { TransformStream } = require('./streams.ts') as typeof import('./streams.ts')
      return new Body(undefined, this.stream.pipeThrough(new TransformStream()))
    }
    this.#markRead()
    return new Body(this.source)
  }

  #markRead(): void {
    this.#isRead = true
    if (this.#stream !== undefined) streams().exhaust(this.#stream)
  }
}

/** Content as bytes. They may be the body's own: to be copied before a guest has them. */
export function toBytes(content: Uint8Array | string): Uint8Array {
  return typeof content === 'string' ? encodeUtf8(content) : content
}

/** Content as text, with its byte order mark if it has one: what the parser of forms wants. */
export function toMarkedText(content: Uint8Array | string): string {
  return typeof content === 'string' ? content.toWellFormed() : new Utf8Decoder('replacement').decode(content, 'last')
}

/** Content as text, without a byte order mark. */
export function toText(content: Uint8Array | string): string {
  const text = toMarkedText(content)
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}

function streamOf(source: Source | undefined): ByteStream {
  if (typeof source === 'string') return streams().streamOfBytes(() => encodeUtf8(source))
  if (source instanceof Uint8Array) return streams().streamOfBytes(() => source.slice())
  return source === undefined ? emptyStream() : (source.stream() as ByteStream)
}

function emptyStream(): ByteStream {
  return streams().streamOfBytes(() => new Uint8Array(0))
}

/** Read late: most bodies need no streams. */
function streams(): typeof import('./body-stream.ts') {
  return require('./body-stream.ts') as typeof import('./body-stream.ts')
}
