import { encodeInto, encodeUtf8 } from './encoding/encode.ts'
import { finishInterface, needArguments, toUSVString } from './webidl.ts'

const { getOwnPropertyDescriptor, getPrototypeOf } = Object
const tagOfArray = getOwnPropertyDescriptor(getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
  ?.get as () => unknown

/** Text as UTF-8: Encoding, "TextEncoder". */
export class TextEncoder {
  // Tells an instance from what only has this prototype.
  readonly #encoding = 'utf-8'

  get encoding(): string {
    return this.#encoding
  }

  encode(input: unknown = ''): Uint8Array<ArrayBuffer> {
    void this.#encoding
    return encodeUtf8(input === undefined ? '' : `${input as string}`)
  }

  encodeInto(source: unknown, destination: unknown): { read: number; written: number } {
    void this.#encoding
    needArguments(arguments.length, 2, 'encodeInto')
    const text = toUSVString(source)
    if (Reflect.apply(tagOfArray, destination, []) !== 'Uint8Array') {
      throw new TypeError('what encodeInto writes to must be a Uint8Array')
    }
    return encodeInto(text, destination as Uint8Array)
  }
}

finishInterface(TextEncoder, 'TextEncoder', 'encoding', 'encode', 'encodeInto')
