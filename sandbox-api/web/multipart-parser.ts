import { encodeUtf8 } from './encoding/encode.ts'
import { Utf8Decoder } from './encoding/utf8.ts'
import { isToken, trimBlanks } from './header-rules.ts'

/** One part of `multipart/form-data`. Without a file name it is a text field. */
export interface FormPart {
  readonly name: string
  readonly filename: string | undefined
  readonly type: string | undefined
  /** Where its content lies in the body. */
  readonly content: Uint8Array
}

/** RFC 2046: longest boundary. */
const BOUNDARY_MAX = 70
/** Bytes of the headers of one part. */
const HEADERS_MAX = 16 << 10

const [CR, LF, DASH] = [0x0d, 0x0a, 0x2d]

/**
 * Reads `multipart/form-data`. Throws TypeError for anything that is none: no part is left out or guessed at. Each byte is
 * looked at a bounded number of times, whatever the boundary and the content are.
 */
export function parseMultipart(bytes: Uint8Array, boundary: string): FormPart[] {
  if (boundary.length === 0 || boundary.length > BOUNDARY_MAX || /[\r\n]/.test(boundary)) {
    throw malformed(`its boundary is not of 1 to ${BOUNDARY_MAX} characters`)
  }
  const delimiter = encodeUtf8(`--${boundary}`)
  const parts: FormPart[] = []
  let at = skipLineBreaks(bytes)
  if (!startsWith(bytes, delimiter, at)) throw malformed('it does not begin with its boundary')
  at += delimiter.length
  while (!isLast(bytes, at)) {
    const start = endOfLine(bytes, at)
    const { end, ...headers } = readHeaders(bytes, start)
    const contentEnd = findDelimiter(bytes, delimiter, end)
    parts.push({ ...headers, content: bytes.subarray(end, contentEnd) })
    at = contentEnd + 2 + delimiter.length
  }
  return parts
}

/** Whether the delimiter that ends here was the last one: two dashes, and nothing after them that would be lost. */
function isLast(bytes: Uint8Array, at: number): boolean {
  if (bytes[at] !== DASH || bytes[at + 1] !== DASH) return false
  const end = at + 2
  if (end !== bytes.length && !isLineBreak(bytes, end)) throw malformed('something stands behind its end')
  return true
}

function endOfLine(bytes: Uint8Array, at: number): number {
  if (!isLineBreak(bytes, at)) throw malformed('a boundary in it is not followed by a line break')
  return at + 2
}

/** The headers of a part, and where its content begins. */
function readHeaders(bytes: Uint8Array, start: number): Omit<FormPart, 'content'> & { end: number } {
  let disposition: { name: string; filename: string | undefined } | undefined
  let type: string | undefined
  let at = start
  while (!isLineBreak(bytes, at)) {
    const end = bytes.indexOf(CR, at)
    if (end < 0 || end - start > HEADERS_MAX || !isLineBreak(bytes, end)) {
      throw malformed(`the headers of a part do not end within ${HEADERS_MAX} bytes`)
    }
    const line = decode(bytes.subarray(at, end))
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon)).toLowerCase()
    if (!isToken(name)) throw malformed('a header of a part has no name')
    const value = trimBlanks(line.slice(colon + 1))
    if (name === 'content-disposition') disposition = parseDisposition(value)
    else if (name === 'content-type') type = value
    at = end + 2
  }
  if (disposition === undefined) throw malformed('a part has no Content-Disposition')
  return { ...disposition, type, end: at + 2 }
}

/** `form-data; name="…"; filename="…"`, where quotation marks and line breaks in a name are escaped with a percent sign. */
function parseDisposition(value: string): { name: string; filename: string | undefined } {
  const parameters = new Map<string, string>()
  let at = indexOrEnd(value, ';', 0)
  if (trimBlanks(value.slice(0, at)).toLowerCase() !== 'form-data') throw malformed('a part is no form-data')
  while (at < value.length) {
    const equals = indexOrEnd(value, '=', at)
    const key = trimBlanks(value.slice(at + 1, equals)).toLowerCase()
    if (!isToken(key)) throw malformed('a name of a part has none itself')
    const isQuoted = value[equals + 1] === '"'
    const start = equals + (isQuoted ? 2 : 1)
    const end = indexOrEnd(value, isQuoted ? '"' : ';', start)
    at = indexOrEnd(value, ';', end)
    const isWhole = isQuoted ? end < value.length && trimBlanks(value.slice(end + 1, at)) === '' : end > start
    if (!isWhole) throw malformed('a name of a part does not end')
    if (!parameters.has(key)) parameters.set(key, unescape(value.slice(start, end)))
  }
  const name = parameters.get('name')
  if (name === undefined) throw malformed('a part has no name')
  return { name, filename: parameters.get('filename') }
}

function unescape(text: string): string {
  return text.replace(/%(0A|0D|22)/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}

/** Where the line break before the next delimiter is. A delimiter has no CR in it, so that no two tries overlap. */
function findDelimiter(bytes: Uint8Array, delimiter: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(CR, from); at >= 0; at = bytes.indexOf(CR, at + 1)) {
    if (bytes[at + 1] === LF && startsWith(bytes, delimiter, at + 2)) return at
  }
  throw malformed('a part in it does not end')
}

function startsWith(bytes: Uint8Array, part: Uint8Array, at: number): boolean {
  for (let index = 0; index < part.length; index += 1) if (bytes[at + index] !== part[index]) return false
  return true
}

function skipLineBreaks(bytes: Uint8Array): number {
  let at = 0
  while (isLineBreak(bytes, at)) at += 2
  return at
}

function isLineBreak(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === CR && bytes[at + 1] === LF
}

function decode(bytes: Uint8Array): string {
  return new Utf8Decoder('replacement').decode(bytes, 'last')
}

function indexOrEnd(text: string, part: string, from: number): number {
  const found = text.indexOf(part, from)
  return found < 0 ? text.length : found
}

function malformed(why: string): TypeError {
  return new TypeError(`the body is not multipart/form-data: ${why}`)
}
