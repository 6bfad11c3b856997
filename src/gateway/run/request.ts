import type { IncomingMessage } from 'node:http'
import { CloisterError } from '../../core/errors.ts'
import { HEADERS_MAX } from '../../core/exchange.ts'
import { hasBody } from '../body-reader.ts'
import type { RunTarget } from './target.ts'

type Header = readonly [name: string, value: string]

/** An HTTP request as the guest's runtime takes it: `handler.ts` of the guest half. */
export interface RequestDescription {
  readonly method: string
  readonly url: string
  readonly headers: readonly Header[]
  readonly bodyBase64?: string
  readonly bodyStreams?: true
}

/** Whose word counts for who the client is: the connection's, or that of a proxy in front. */
export type ForwardedTrust = 'none' | 'proxy'

/** Headers of one connection (RFC 9110, 7.6.1), and those that only this host sets. They end here. */
const DROPPED = new Set([
  'connection',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
/** What proxies say of the client, and clients could make up. */
const FORWARDED =
  /^(?:forwarded|x-forwarded-.*|x-real-ip|true-client-ip|cf-connecting-ip|x-client-ip|x-cluster-client-ip)$/
const OURS = /^x-cloister-/
const TENANT_KEY = /\bclk_[0-9a-f]{16}_/i
const HOST = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/

interface Parts {
  readonly target: RunTarget
  readonly trust: ForwardedTrust
  /** Whether the Authorization header was for this host. */
  readonly authorization: 'used' | 'passed on'
}

/** Describes a request to the guest, without its body. Throws INVALID_REQUEST for one that should not be passed on. */
export function describeRequest(request: IncomingMessage, { target, trust, authorization }: Parts): RequestDescription {
  const { rawHeaders, method = 'GET', socket } = request
  if (rawHeaders.length > 2 * HEADERS_MAX) {
    throw new CloisterError('INVALID_REQUEST', `the request has more than ${HEADERS_MAX} headers`)
  }
  const isTrusted = trust === 'proxy'
  const named = namedByConnection(request.headers.connection)
  const headers: Header[] = []
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase()
    const value = rawHeaders[index + 1] ?? ''
    if (DROPPED.has(name) || named.has(name) || OURS.test(name)) continue
    if (!isTrusted && FORWARDED.test(name)) continue
    // A key of this host is never for a guest, also when somebody sends it to a function that did not ask.
    if (name === 'authorization' && (authorization === 'used' || TENANT_KEY.test(value))) continue
    if (name !== 'cookie') headers.push([name, value])
  }
  // Several lines of cookies are one (RFC 9113, 8.2.3); joined by commas, as other headers are, they would be none.
  const { cookie } = request.headers
  if (cookie !== undefined && !named.has('cookie')) headers.push(['cookie', cookie])
  const forwarded = (name: string, value: string): string => {
    const given = isTrusted ? request.headers[name] : undefined
    if (typeof given === 'string') return given
    headers.push([name, value])
    return value
  }
  const client = socket.remoteAddress ?? ''
  if (client !== '') forwarded('x-forwarded-for', client)
  const scheme = forwarded('x-forwarded-proto', 'http') === 'https' ? 'https' : 'http'
  const host = checkHost(forwarded('x-forwarded-host', request.headers.host ?? 'localhost'))
  forwarded('x-forwarded-prefix', target.prefix)
  return { method, url: `${scheme}://${host}${escapeRest(target.rest)}`, headers }
}

/** The address of the client: the connection's, or what the proxy in front says first. */
export function clientOf({ headers, socket }: IncomingMessage, trust: ForwardedTrust): string {
  const forwarded = trust === 'proxy' ? headers['x-forwarded-for'] : undefined
  const told = typeof forwarded === 'string' ? forwarded.split(',')[0]?.trim().slice(0, 64) : undefined
  return told ?? socket.remoteAddress ?? ''
}

/** Whether a request has a body that its handler can read: those of GET and HEAD mean nothing (RFC 9110, 9.3.1). */
export function hasReadableBody(request: IncomingMessage): boolean {
  return request.method !== 'GET' && request.method !== 'HEAD' && hasBody(request)
}

function namedByConnection(connection: string | undefined): ReadonlySet<string> {
  if (connection === undefined || /^(?:keep-alive|close)$/i.test(connection)) return NONE
  return new Set(connection.split(',').map((name) => name.trim().toLowerCase()))
}

const NONE: ReadonlySet<string> = new Set()

function checkHost(host: string): string {
  if (HOST.test(host)) return host
  throw new CloisterError('INVALID_REQUEST', 'the Host header is not the name of a host, or an address, with a port')
}

/** Node reads the target as Latin-1: what is not ASCII are bytes, and a fragment has no place in a request. */
function escapeRest(rest: string): string {
  return rest.replaceAll(
    /[#\u0080-\u00ff]/g,
    (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`,
  )
}
