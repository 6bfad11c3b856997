import { viewBytes } from './buffer-source.ts'
import type { Decoder } from './encoding/decoder.ts'
import { encodingOf } from './encoding/labels.ts'
import { Utf8Decoder } from './encoding/utf8.ts'
import { finishInterface, toDOMString, toDictionary } from './webidl.ts'

/** Bytes of any encoding of the web as text: Encoding, "TextDecoder". */
export class TextDecoder {
  readonly #encoding: string
  readonly #fatal: boolean
  readonly #ignoreBOM: boolean
  #decoder: Decoder | undefined
  /** Whether the last piece said that more would come. */
  #streaming = false
  #begun = false

  constructor(label: unknown = 'utf-8', options: unknown = undefined) {
    const { fatal, ignoreBOM } = toDictionary(options, 'the options of TextDecoder')
    const encoding = label === 'utf-8' ? label : encodingOf(toDOMString(label))
    if (encoding === undefined || encoding === 'replacement') {
      throw new RangeError(`${toDOMString(label)} is no encoding that can be decoded`)
    }
    this.#encoding = encoding
    this.#fatal = Boolean(fatal)
    this.#ignoreBOM = Boolean(ignoreBOM)
  }

  get encoding(): string {
    return this.#encoding
  }

  get fatal(): boolean {
    return this.#fatal
  }

  get ignoreBOM(): boolean {
    return this.#ignoreBOM
  }

  decode(input: unknown = undefined, options: unknown = undefined): string {
    const bytes = input === undefined ? undefined : viewBytes(input, 'what TextDecoder decodes')
    const stream = Boolean(toDictionary(options, 'the options of decode')['stream'])
    if (!this.#streaming) {
      this.#decoder = undefined
      this.#begun = false
    }
    this.#streaming = stream
    this.#decoder ??= this.#createDecoder()
    const text = this.#decoder.decode(bytes ?? new Uint8Array(0), stream ? 'more' : 'last')
    if (this.#begun || text === '') return text
    this.#begun = true
    const marked = !this.#ignoreBOM && text.charCodeAt(0) === 0xfeff && this.#encoding.startsWith('utf-')
    return marked ? text.slice(1) : text
  }

  #createDecoder(): Decoder {
    const mode = this.#fatal ? 'fatal' : 'replacement'
    if (this.#encoding === 'utf-8') return new Utf8Decoder(mode)
    const { createLegacyDecoder } = require('./encoding/decoders.ts') as typeof import('./encoding/decoders.ts')
    return createLegacyDecoder(this.#encoding, mode)
  }
}

finishInterface(TextDecoder, 'TextDecoder', 'encoding', 'fatal', 'ignoreBOM', 'decode')
