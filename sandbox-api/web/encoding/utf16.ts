import { type Decoder, type ErrorMode, joined, malformed, textOf } from './decoder.ts'

const NONE = new Uint8Array(0)

/** UTF-16 in either order of bytes: the units are there, they have to be whole and in pairs. */
export class Utf16Decoder implements Decoder {
  readonly #mode: ErrorMode
  readonly #highFirst: boolean
  /** An odd byte, half of a surrogate pair, or both. */
  #rest = NONE

  constructor(order: 'big-endian' | 'little-endian', mode: ErrorMode) {
    this.#highFirst = order === 'big-endian'
    this.#mode = mode
  }

  decode(piece: Uint8Array, last: 'last' | 'more'): string {
    const bytes = joined(this.#rest, piece)
    const units = new Uint16Array(bytes.length >> 1)
    const low = this.#highFirst ? 1 : 0
    for (let index = 0; index < units.length; index += 1) {
      units[index] = (bytes[2 * index + low] as number) | ((bytes[2 * index + 1 - low] as number) << 8)
    }
    const halved = ((units.at(-1) ?? 0) & 0xfc00) === 0xd800
    const end = halved ? units.length - 1 : units.length
    const incomplete = 2 * end < bytes.length
    this.#rest = incomplete && last === 'more' ? bytes.slice(2 * end) : NONE
    const text = textOf(units.subarray(0, end))
    if (this.#mode === 'replacement') return text.toWellFormed() + (incomplete && last === 'last' ? '\uFFFD' : '')
    if (!text.isWellFormed() || (incomplete && last === 'last')) throw malformed()
    return text
  }
}
