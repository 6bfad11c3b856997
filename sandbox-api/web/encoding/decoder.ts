/** What turns the bytes of one encoding into text. It holds what one piece of a stream leaves for the next. */
export interface Decoder {
  /**
   * Decodes one piece; `last` ends the stream. What is no character becomes U+FFFD, or throws TypeError in a decoder that
   * was made to. Does not keep `bytes`.
   */
  decode(bytes: Uint8Array, last: 'last' | 'more'): string
}

/** What becomes of bytes that are no character. */
export type ErrorMode = 'replacement' | 'fatal'

/** What stands in a text for what could not be decoded. */
export const REPLACEMENT = 0xfffd

export function malformed(): TypeError {
  return new TypeError('the bytes are not of this encoding')
}

const { fromCharCode } = String
const { apply } = Reflect

/** Units that are made into text at once: far below what a function takes as arguments. */
const PIECE = 4_096

/** Text of UTF-16 units. */
export function textOf(units: Uint16Array | Uint8Array): string {
  if (units.length <= PIECE) return apply(fromCharCode, undefined, units as unknown as number[])
  let text = ''
  for (let from = 0; from < units.length; from += PIECE) {
    text += apply(fromCharCode, undefined, units.subarray(from, from + PIECE) as unknown as number[])
  }
  return text
}

/** Gathers text by code points. */
export class TextBuilder {
  readonly #units = new Uint16Array(PIECE)
  #length = 0
  #text = ''

  add(codePoint: number): void {
    if (this.#length + 2 > PIECE) this.#flush()
    if (codePoint > 0xffff) {
      this.#units[this.#length] = 0xd7c0 + (codePoint >> 10)
      this.#units[this.#length + 1] = 0xdc00 + (codePoint & 0x3ff)
      this.#length += 2
    } else {
      this.#units[this.#length] = codePoint
      this.#length += 1
    }
  }

  /** What was gathered; the next text begins. */
  take(): string {
    this.#flush()
    const text = this.#text
    this.#text = ''
    return text
  }

  #flush(): void {
    this.#text += textOf(this.#units.subarray(0, this.#length))
    this.#length = 0
  }
}

/** `first` and then `second`, in bytes of their own if there are any in `first`. */
export function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}
