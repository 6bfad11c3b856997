import { toByteString } from './webidl.ts'

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const BLANKS = '\t\n\r '

/**
 * What a request's headers cannot be given: they are the transport's. Fetch, "forbidden request-header", without those that
 * protect a browser's cookies and origins, of which there are none here (WinterTC's Fetch leaves them out, too).
 */
const FORBIDDEN = new Set([
  'accept-charset',
  'accept-encoding',
  'connection',
  'content-length',
  'date',
  'dnt',
  'expect',
  'host',
  'keep-alive',
  'referer',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
])
const OVERRIDES = new Set(['x-http-method', 'x-http-method-override', 'x-method-override'])
const FORBIDDEN_METHODS = new Set(['CONNECT', 'TRACE', 'TRACK'])

export function isToken(text: string): boolean {
  return TOKEN.test(text)
}

export function isForbiddenMethod(method: string): boolean {
  return FORBIDDEN_METHODS.has(method.toUpperCase())
}

/** Whether a header of this name and value cannot be put on a request. The name is in lower case. */
export function isForbiddenRequestHeader(name: string, value: string): boolean {
  if (FORBIDDEN.has(name) || name.startsWith('proxy-') || name.startsWith('sec-')) return true
  return OVERRIDES.has(name) && value.split(',').some((method) => isForbiddenMethod(trimBlanks(method)))
}

/** The name of a header, in lower case. Throws TypeError for what is none. */
export function toHeaderName(value: unknown): string {
  const name = toByteString(value, 'the name of a header')
  if (!isToken(name)) throw new TypeError(`${JSON.stringify(name.slice(0, 100))} is not the name of a header`)
  return name.toLowerCase()
}

/** The value of a header without blanks around it. Throws TypeError for what could end the header. */
export function toHeaderValue(value: unknown): string {
  return checkHeaderValue(trimBlanks(toByteString(value, 'the value of a header')))
}

function checkHeaderValue(value: string): string {
  if (value.includes('\0') || value.includes('\n') || value.includes('\r')) {
    throw new TypeError('the value of a header has a line break or a zero in it')
  }
  return value
}

/** Without HTTP whitespace at both ends; in linear time, which an expression for it would not be. */
export function trimBlanks(text: string, blanks: string = BLANKS): string {
  let start = 0
  while (start < text.length && blanks.includes(text.charAt(start))) start += 1
  return trimEnd(text.slice(start), blanks)
}

export function trimEnd(text: string, blanks: string = BLANKS): string {
  let end = text.length
  while (end > 0 && blanks.includes(text.charAt(end - 1))) end -= 1
  return text.slice(0, end)
}
