import { isToken, trimBlanks, trimEnd } from './header-rules.ts'

export interface MimeType {
  /** `type/subtype`, in lower case. */
  readonly essence: string
  /** By name in lower case, in the order in which they came. */
  readonly parameters: ReadonlyMap<string, string>
}

const QUOTABLE = /^[\t\x20-\x7e\x80-\xff]*$/

/** MIME Sniffing, "parse a MIME type"; undefined for what is none. Takes linear time. */
export function parseMimeType(given: string): MimeType | undefined {
  const text = trimBlanks(given)
  const semicolon = indexOrEnd(text, ';', 0)
  const [type, subtype, ...rest] = trimBlanks(text.slice(0, semicolon)).split('/')
  if (type === undefined || subtype === undefined || rest.length > 0) return undefined
  if (!isToken(type) || !isToken(subtype)) return undefined
  return { essence: `${type}/${subtype}`.toLowerCase(), parameters: parseParameters(text, semicolon) }
}

function parseParameters(text: string, from: number): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  let at = from
  while (at < text.length) {
    at += 1
    while (isBlank(text, at)) at += 1
    const nameEnd = Math.min(indexOrEnd(text, ';', at), indexOrEnd(text, '=', at))
    const name = text.slice(at, nameEnd).toLowerCase()
    at = nameEnd
    if (text[at] !== '=') continue
    const { value, end, isQuoted } = parseValue(text, at + 1)
    at = end
    if (value === '' && !isQuoted) continue
    if (isToken(name) && QUOTABLE.test(value) && !parameters.has(name)) parameters.set(name, value)
  }
  return parameters
}

/** The value that begins at `from`, and where the next semicolon after it is. */
function parseValue(text: string, from: number): { value: string; end: number; isQuoted: boolean } {
  if (text[from] !== '"') {
    const end = indexOrEnd(text, ';', from)
    return { value: trimEnd(text.slice(from, end)), end, isQuoted: false }
  }
  const { value, end } = unquote(text, from)
  return { value, end: indexOrEnd(text, ';', end), isQuoted: true }
}

/** A quoted string that begins with the quotation mark at `from`, and where it has ended. */
export function unquote(text: string, from: number): { value: string; end: number } {
  const parts: string[] = []
  let at = from + 1
  let start = at
  for (; at < text.length && text[at] !== '"'; at += 1) {
    if (text[at] !== '\\') continue
    parts.push(text.slice(start, at))
    // A backslash at the very end stands for itself.
    start = at + 1 < text.length ? at + 1 : at
    at += 1
  }
  parts.push(text.slice(start, at))
  return { value: parts.join(''), end: at + 1 }
}

export function serializeMimeType({ essence, parameters }: MimeType): string {
  let text = essence
  for (const [name, value] of parameters) {
    text += `;${name}=${isToken(value) ? value : `"${value.replace(/["\\]/g, (mark) => `\\${mark}`)}"`}`
  }
  return text
}

/** Fetch, "extract a MIME type", of the combined value of a `Content-Type` header. */
export function extractMimeType(header: string | null): MimeType | undefined {
  let found: MimeType | undefined
  let charset: string | undefined
  for (const part of splitByCommas(header ?? '')) {
    const type = parseMimeType(part)
    if (type === undefined || type.essence === '*/*') continue
    if (type.essence !== found?.essence) {
      charset = type.parameters.get('charset')
      found = type
    } else if (!type.parameters.has('charset') && charset !== undefined) {
      found = { ...type, parameters: new Map([...type.parameters, ['charset', charset]]) }
    } else {
      found = type
    }
  }
  return found
}

/** Fetch, "get, decode, and split": commas inside of quotation marks separate nothing. */
function splitByCommas(value: string): readonly string[] {
  const parts: string[] = []
  let start = 0
  let at = 0
  while (at < value.length) {
    const character = value[at]
    if (character === '"') {
      at = unquote(value, at).end
      continue
    }
    if (character === ',') {
      parts.push(value.slice(start, at))
      start = at + 1
    }
    at += 1
  }
  parts.push(value.slice(start))
  return parts
}

function isBlank(text: string, at: number): boolean {
  const character = text[at]
  return character === ' ' || character === '\t' || character === '\n' || character === '\r'
}

function indexOrEnd(text: string, part: string, from: number): number {
  const found = text.indexOf(part, from)
  return found < 0 ? text.length : found
}
