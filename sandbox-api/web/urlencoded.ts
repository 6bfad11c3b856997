import { Utf8Decoder } from './encoding/utf8.ts'
import { encodeUtf8 } from './encoding/encode.ts'

export type Pair = [name: string, value: string]

/** Reads `application/x-www-form-urlencoded`: URL Standard, "urlencoded parsing". */
export function parseUrlencoded(text: string): Pair[] {
  const pairs: Pair[] = []
  for (let from = 0; from <= text.length;) {
    const found = text.indexOf('&', from)
    const end = found < 0 ? text.length : found
    if (end > from) {
      const equals = text.indexOf('=', from)
      const nameEnd = equals < 0 || equals > end ? end : equals
      pairs.push([unescape(text.slice(from, nameEnd)), unescape(text.slice(nameEnd + 1, end))])
    }
    from = end + 1
  }
  return pairs
}

/** The other way: URL Standard, "urlencoded serializing". */
export function serializeUrlencoded(pairs: readonly Pair[]): string {
  let text = ''
  for (let index = 0; index < pairs.length; index += 1) {
    const [name, value] = pairs[index] as Pair
    text += `${index === 0 ? '' : '&'}${escape(name)}=${escape(value)}`
  }
  return text
}

function unescape(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  if (!spaced.includes('%')) return spaced
  try {
    // The language's own function does it when everything escaped is UTF-8, and throws otherwise.
    return decodeURIComponent(spaced)
  } catch {
    return unescapeAny(spaced)
  }
}

function unescapeAny(text: string): string {
  const bytes = encodeUtf8(text)
  let length = 0
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] as number
    const value = byte === 0x25 ? hexByte(bytes, at + 1) : -1
    bytes[length] = value < 0 ? byte : value
    length += 1
    if (value >= 0) at += 2
  }
  return new Utf8Decoder('replacement').decode(bytes.subarray(0, length), 'last')
}

function hexByte(bytes: Uint8Array, at: number): number {
  const high = hexDigit(bytes[at])
  const low = hexDigit(bytes[at + 1])
  return high < 0 || low < 0 ? -1 : 16 * high + low
}

function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

const PLAIN = /^[A-Za-z0-9*._-]*$/
/** What `encodeURIComponent` leaves and this format does not, and a space, which it writes otherwise. */
const DIFFERENT = /[!'()~]|%20/g

function escape(text: string): string {
  if (PLAIN.test(text)) return text
  return encodeURIComponent(text).replace(DIFFERENT, (part) =>
    part === '%20' ? '+' : `%${part.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
