import { decodeBase64 } from './base64.ts'
import { textOf } from './encoding/decoder.ts'
import { encodeUtf8 } from './encoding/encode.ts'
import { trimBlanks } from './header-rules.ts'
import { type MimeType, parseMimeType } from './mime-type.ts'

export interface DataUrl {
  readonly type: MimeType
  readonly bytes: Uint8Array
}

const BASE64 = /; *base64$/i
const FALLBACK: MimeType = { essence: 'text/plain', parameters: new Map([['charset', 'US-ASCII']]) }

/** Fetch, "data: URL processor", of a URL as it is written in full, without its fragment. Undefined for what holds no data. */
export function readDataUrl(href: string): DataUrl | undefined {
  const input = href.slice('data:'.length)
  const comma = input.indexOf(',')
  if (comma < 0) return undefined
  const text = trimBlanks(input.slice(0, comma), '\t\n\f\r ')
  const bytes = percentDecode(encodeUtf8(input.slice(comma + 1)))
  if (!BASE64.test(text)) return { type: toType(text), bytes }
  const decoded = decodeBase64(textOf(bytes))
  return decoded === undefined ? undefined : { type: toType(text.replace(BASE64, '')), bytes: decoded }
}

function toType(text: string): MimeType {
  return parseMimeType(text.startsWith(';') ? `text/plain${text}` : text) ?? FALLBACK
}

/** URL, "percent-decode". In place. */
function percentDecode(bytes: Uint8Array): Uint8Array {
  let length = 0
  for (let at = 0; at < bytes.length; at += 1) {
    const value = bytes[at] === 0x25 ? hexPair(bytes[at + 1], bytes[at + 2]) : -1
    bytes[length] = value < 0 ? (bytes[at] as number) : value
    length += 1
    if (value >= 0) at += 2
  }
  return bytes.subarray(0, length)
}

function hexPair(high: number | undefined, low: number | undefined): number {
  const [first, second] = [hexDigit(high), hexDigit(low)]
  return first < 0 || second < 0 ? -1 : first * 16 + second
}

function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}
