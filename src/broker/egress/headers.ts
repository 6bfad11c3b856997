import { invalid } from '../arguments.ts'

/** A header's name, in lower case, and its value. */
export type Header = readonly [name: string, value: string]

const COUNT_MAX = 200
const BYTES_MAX = 64 << 10
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** What only the host may say: where a request goes, how it is framed, and by whom and for whom it was passed on. */
const OURS = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'expect',
  'forwarded',
  'host',
  'http2-settings',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
  'x-real-ip',
])
/** Proxies' own, who something was forwarded for, and what metadata services of clouds take for proof of a local caller. */
const OUR_PREFIXES = [
  'proxy-',
  'x-forwarded-',
  'x-aws-ec2-metadata-',
  'metadata-flavor',
  'x-google-metadata-',
  'x-envoy-',
]
/** Which of a request's headers its body is described by. */
const OF_BODY = new Set(['content-encoding', 'content-language', 'content-location', 'content-type'])
const OF_ORIGIN = new Set(['authorization', 'cookie'])

/** The headers that a guest gave, checked, without those that are not for it to say. Throws INVALID_ARGUMENT. */
export function headersOf(given: unknown): readonly Header[] {
  if (!Array.isArray(given)) throw invalid('headers must be a list of pairs')
  if (given.length > COUNT_MAX) throw invalid(`headers are ${given.length}; at most ${COUNT_MAX} are allowed`)
  let size = 0
  const headers: Header[] = []
  for (const pair of given as unknown[]) {
    if (!Array.isArray(pair) || pair.length !== 2) throw invalid('headers must be pairs of a name and a value')
    const [name, value] = pair as readonly unknown[]
    if (typeof name !== 'string' || !NAME.test(name)) throw invalid('a header has a name that HTTP does not allow')
    if (typeof value !== 'string') throw invalid(`the header ${name} must have text as its value`)
    checkHeaderValue(name, value)
    size += name.length + value.length
    if (!isOurs(name.toLowerCase())) headers.push([name.toLowerCase(), value])
  }
  if (size > BYTES_MAX) throw invalid(`headers have ${size} bytes; at most ${BYTES_MAX} are allowed`)
  return headers
}

/** Throws INVALID_ARGUMENT for a value that could end its header. */
export function checkHeaderValue(name: string, value: string): void {
  if (!VALUE.test(value)) throw invalid(`the header ${name} has a line break or another character that HTTP forbids`)
}

/** What the host adds to a request. */
export function withDefaults(headers: readonly Header[]): readonly Header[] {
  const names = new Set(headers.map(([name]) => name))
  const defaults: readonly Header[] = [
    ['accept', '*/*'],
    ['user-agent', 'Cloister'],
  ]
  return [
    ...headers,
    ...defaults.filter(([name]) => !names.has(name)),
    // Last, and always: the host is who decodes.
    ['accept-encoding', 'gzip, br'],
  ]
}

/** Without what describes a body that is not sent again. */
export function withoutBody(headers: readonly Header[]): readonly Header[] {
  return headers.filter(([name]) => !OF_BODY.has(name))
}

/** Without what proves to one origin who is asking, for another one. */
export function withoutCredentials(headers: readonly Header[]): readonly Header[] {
  return headers.filter(([name]) => !OF_ORIGIN.has(name))
}

/** undici's list of names and values in turn, as pairs. */
export function readRawHeaders(raw: unknown): readonly Header[] {
  if (!Array.isArray(raw)) return []
  const texts = (raw as (Buffer | string)[]).map((part) => (typeof part === 'string' ? part : part.toString('latin1')))
  const headers: Header[] = []
  for (let index = 0; index + 1 < texts.length; index += 2) {
    headers.push([(texts[index] ?? '').toLowerCase(), texts[index + 1] ?? ''])
  }
  return headers
}

/** The one value of a header; undefined if there is none. */
export function headerOf(headers: readonly Header[], name: string): string | undefined {
  return headers.find(([each]) => each === name)?.[1]
}

interface Head {
  readonly headers: readonly Header[]
  readonly host?: string
  readonly body?: unknown
}

/** Bytes of a first line and headers on the wire. */
export function headSize(line: string, { headers, host, body }: Head): number {
  const pairs = headers.reduce((sum, [name, value]) => sum + name.length + value.length + 4, line.length + 4)
  const own = host === undefined ? 0 : `host: ${host}\r\nconnection: keep-alive\r\n`.length
  return pairs + own + framing(body).length
}

function framing(body: unknown): string {
  if (Buffer.isBuffer(body)) return `content-length: ${body.length}\r\n`
  return body === null || body === undefined ? '' : 'transfer-encoding: chunked\r\n'
}

function isOurs(name: string): boolean {
  return OURS.has(name) || name === 'metadata' || OUR_PREFIXES.some((prefix) => name.startsWith(prefix))
}
