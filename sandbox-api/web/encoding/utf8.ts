import { callNative } from '../native.ts'
import { type Decoder, type ErrorMode, joined, textOf } from './decoder.ts'

const NONE = new Uint8Array(0)

/** Bytes that go to native code at once: each is copied twice on its way. */
const PIECE = 1 << 20

/** Up to so many bytes are decoded here: a call of native code costs more, even where there is no JIT. */
const SHORT = 256

const scratch = new Uint16Array(SHORT)

/** UTF-8. Native code decodes; the bytes of a character that a piece ends within are kept for the next one. */
export class Utf8Decoder implements Decoder {
  readonly #mode: ErrorMode
  #rest = NONE

  constructor(mode: ErrorMode) {
    this.#mode = mode
  }

  decode(bytes: Uint8Array, last: 'last' | 'more'): string {
    if (this.#rest.length === 0 && bytes.length <= SHORT) {
      const length = readShort(bytes)
      if (length >= 0) return textOf(scratch.subarray(0, length))
    }
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

/** Decodes to {@link scratch}: how many units; less than none if a byte is not of a whole character. */
function readShort(bytes: Uint8Array): number {
  let length = 0
  for (let index = 0; index < bytes.length;) {
    const byte = bytes[index] as number
    if (byte < 0x80) {
      scratch[length] = byte
      index += 1
    } else {
      const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
      if (byte < 0xc2 || byte > 0xf4 || !mayFollow(byte, bytes[index + 1])) return -1
      let codePoint = byte & (0x7f >> size)
      for (let next = index + 1; next < index + size; next += 1) {
        const more = bytes[next] ?? 0
        if ((more & 0xc0) !== 0x80) return -1
        codePoint = (codePoint << 6) | (more & 0x3f)
      }
      if (size === 4) {
        scratch[length] = 0xd7c0 + (codePoint >> 10)
        length += 1
        codePoint = 0xdc00 | (codePoint & 0x3ff)
      }
      scratch[length] = codePoint
      index += size
    }
    length += 1
  }
  return length
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
