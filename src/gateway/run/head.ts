import { HEADERS_MAX, HEADER_BYTES_MAX } from '../../core/exchange.ts'

/** The head of a response, checked. */
export interface ResponseHead {
  readonly status: number
  /** Empty for the usual phrase. */
  readonly statusText: string
  /** Names and values by turns. */
  readonly headers: readonly string[]
  /** Length of the body that a HEAD request was told of. */
  readonly toldLength: string | undefined
}

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
// oxlint-disable-next-line no-control-regex
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const LENGTH = /^\d{1,15}$/

/** What frames a message or speaks of the connection is this host's to say, as is all that starts with `x-cloister-`. */
const DROPPED = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * Reads the head of a response as a cell describes it: trust nothing in it. Returns the fault of one that cannot be sent.
 *
 * Invariant: nothing that passes can end a header or the head early, or say where the body ends.
 */
export function readHead(given: unknown): ResponseHead | string {
  if (typeof given !== 'object' || given === null) return 'the head of the response is no object'
  const { status, statusText, headers } = given as Readonly<Record<string, unknown>>
  if (typeof status !== 'number' || !Number.isInteger(status) || status < 200 || status > 599) {
    return 'the status of the response must be a whole number from 200 to 599'
  }
  if (typeof statusText !== 'string' || statusText.length > 1_000 || !VALUE.test(statusText)) {
    return 'the statusText of the response has a character that a status line cannot have, or too many'
  }
  if (!Array.isArray(headers)) return 'the headers of the response are no list'
  if (headers.length > HEADERS_MAX) return `the response has more than ${HEADERS_MAX} headers`
  return readHeaders(headers, { status, statusText })
}

function readHeaders(
  given: readonly unknown[],
  { status, statusText }: Pick<ResponseHead, 'status' | 'statusText'>,
): ResponseHead | string {
  const headers: string[] = []
  let toldLength: string | undefined
  let size = 0
  for (const pair of given) {
    const [name, value] = Array.isArray(pair) ? (pair as readonly unknown[]) : []
    if (typeof name !== 'string' || !NAME.test(name)) return 'the response has a header whose name is none'
    if (typeof value !== 'string' || !VALUE.test(value)) return `the header ${name} has a character that it cannot have`
    size += name.length + value.length
    if (size > HEADER_BYTES_MAX) return `the headers of the response have more than ${HEADER_BYTES_MAX} bytes`
    if (name === 'content-length' && LENGTH.test(value)) toldLength = value
    if (!DROPPED.has(name) && !name.startsWith('x-cloister-')) headers.push(name, value)
  }
  return { status, statusText, headers, toldLength }
}

/** Whether a response of this status never has a body (RFC 9110, 6.4.1). */
export function isBodyless(status: number): boolean {
  return status === 204 || status === 205 || status === 304
}
