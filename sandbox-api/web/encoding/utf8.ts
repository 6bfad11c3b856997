import { callNative } from '../native.ts'
import { type Decoder, type ErrorMode, joined, textOf } from './decoder.ts'

const NONE = new Uint8Array(0)

/** Bytes that go to native code at once: each is copied twice on its way. */
const PIECE = 1 << 20

/** Fewer bytes than this are first tried as ASCII, here: a call of native code costs as much. */
const SHORT = 64

/** UTF-8. Native code decodes; the bytes of a character that a piece ends within are kept for the next one. */
export class Utf8Decoder implements Decoder {
  readonly #mode: ErrorMode
  #rest = NONE

  constructor(mode: ErrorMode) {
    this.#mode = mode
  }

  decode(bytes: Uint8Array, last: 'last' | 'more'): string {
    if (this.#rest.length === 0 && bytes.length < SHORT && isAscii(bytes)) return textOf(bytes)
    let text = ''
    for (let from = 0; from < bytes.length; from += PIECE) {
      text += this.#decodePiece(bytes.subarray(from, from + PIECE))
    }
    if (last === 'more') return text
    const { length } = this.#rest
    const rest = this.#rest
    this.#rest = NONE
    return length === 0 ? text : text + this.#native(rest)
  }

  #decodePiece(piece: Uint8Array): string {
    const bytes = joined(this.#rest, piece)
    const end = endOfWhole(bytes)
    this.#rest = end === bytes.length ? NONE : bytes.slice(end)
    return end === 0 ? '' : this.#native(bytes.subarray(0, end))
  }

  #native(bytes: Uint8Array): string {
    return callNative('encoding.decode', bytes, this.#mode) as string
  }
}

function isAscii(bytes: Uint8Array): boolean {
  for (let index = 0; index < bytes.length; index += 1) if ((bytes[index] as number) > 0x7f) return false
  return true
}

/** Where the last character begins if the bytes end within it, and it can still become one; else their end. */
function endOfWhole(bytes: Uint8Array): number {
  const { length } = bytes
  for (let back = 1; back <= 3 && back <= length; back += 1) {
    const byte = bytes[length - back] as number
    if (byte < 0x80) return length
    if (byte < 0xc0) continue
    const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
    const whole = size <= back || byte < 0xc2 || byte > 0xf4 || !mayFollow(byte, bytes[length - back + 1])
    return whole ? length : length - back
  }
  return length
}

/** Whether a second byte makes no overlong form, no half of a surrogate pair and nothing above U+10FFFF. */
function mayFollow(first: number, second: number | undefined): boolean {
  if (second === undefined) return true
  if (first === 0xe0) return second >= 0xa0
  if (first === 0xed) return second < 0xa0
  if (first === 0xf0) return second >= 0x90
  return first !== 0xf4 || second < 0x90
}
