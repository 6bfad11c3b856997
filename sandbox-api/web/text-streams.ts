import { type ReadableStream, TransformStream, type WritableStream } from './streams.ts'
import { TextDecoder } from './text-decoder.ts'
import { TextEncoder } from './text-encoder.ts'
import { finishInterface, toDOMString } from './webidl.ts'

const { decode } = TextDecoder.prototype
const { encode } = TextEncoder.prototype
const { apply } = Reflect

/** Encoding, "TextDecoderStream". */
export class TextDecoderStream {
  readonly #decoder: TextDecoder
  readonly #transform: TransformStream<unknown, string>

  constructor(label: unknown = 'utf-8', options: unknown = undefined) {
    const decoder = new TextDecoder(label, options)
    this.#decoder = decoder
    this.#transform = new TransformStream<unknown, string>({
      transform(chunk, controller) {
        if (chunk === undefined) throw new TypeError('a chunk must be an ArrayBuffer or a view of one')
        const text = apply(decode, decoder, [chunk, { stream: true }])
        if (text !== '') controller.enqueue(text)
      },
      flush(controller) {
        const text = apply(decode, decoder, [])
        if (text !== '') controller.enqueue(text)
      },
    })
  }

  get encoding(): string {
    return this.#decoder.encoding
  }
  get fatal(): boolean {
    return this.#decoder.fatal
  }
  get ignoreBOM(): boolean {
    return this.#decoder.ignoreBOM
  }
  get readable(): ReadableStream<string> {
    return this.#transform.readable
  }
  get writable(): WritableStream {
    return this.#transform.writable
  }
}

/** Encoding, "TextEncoderStream". */
export class TextEncoderStream {
  readonly #transform: TransformStream<unknown, Uint8Array>

  constructor() {
    const encoder = new TextEncoder()
    // The first half of a surrogate pair whose other half may come with the next chunk.
    let half = ''
    this.#transform = new TransformStream<unknown, Uint8Array>({
      transform(chunk, controller) {
        const text = half + toDOMString(chunk)
        half = /[\uD800-\uDBFF]$/.exec(text)?.[0] ?? ''
        const whole = half === '' ? text : text.slice(0, -1)
        if (whole !== '') controller.enqueue(apply(encode, encoder, [whole]))
      },
      flush(controller) {
        if (half !== '') controller.enqueue(apply(encode, encoder, [half]))
      },
    })
  }

  get encoding(): string {
    void this.#transform
    return 'utf-8'
  }
  get readable(): ReadableStream<Uint8Array> {
    return this.#transform.readable
  }
  get writable(): WritableStream {
    return this.#transform.writable
  }
}

finishInterface(TextDecoderStream, 'TextDecoderStream', 'encoding', 'fatal', 'ignoreBOM', 'readable', 'writable')
finishInterface(TextEncoderStream, 'TextEncoderStream', 'encoding', 'readable', 'writable')
