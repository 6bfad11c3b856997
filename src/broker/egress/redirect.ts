import { CapabilityError } from '../capability.ts'
import { type Header, headerOf, withoutBody, withoutCredentials } from './headers.ts'
import type { ResponseHead } from './exchange.ts'

/** One of the requests that a fetch is made of. */
export interface Hop {
  readonly method: string
  readonly url: URL
  readonly headers: readonly Header[]
  readonly body: Buffer | 'stream' | null
}

const STATUSES = new Set([301, 302, 303, 307, 308])

/**
 * Where a response sends the request on: Fetch, "HTTP-redirect fetch". Undefined if it is no redirect. The place is not checked
 * yet. Throws REDIRECT_REFUSED for one that cannot be followed.
 */
export function redirectOf(
  hop: Hop,
  { status, headers }: ResponseHead,
): (Hop & { readonly location: string }) | undefined {
  const location = headerOf(headers, 'location')
  if (!STATUSES.has(status) || location === undefined) return undefined
  // Servers send UTF-8; headers are read as one character a byte.
  const url = URL.parse(Buffer.from(location, 'latin1').toString(), hop.url)
  if (url === null) throw new CapabilityError('REDIRECT_REFUSED', 'the response redirects to what is no URL')
  const isPost = (status === 301 || status === 302) && hop.method === 'POST'
  const becomesGet = isPost || (status === 303 && hop.method !== 'GET' && hop.method !== 'HEAD')
  if (!becomesGet && hop.body === 'stream') {
    throw new CapabilityError('REDIRECT_REFUSED', 'the response redirects a body that was streamed and is gone')
  }
  const kept = url.origin === hop.url.origin ? hop.headers : withoutCredentials(hop.headers)
  return {
    location: url.href,
    url,
    method: becomesGet ? 'GET' : hop.method,
    headers: becomesGet ? withoutBody(kept) : kept,
    body: becomesGet ? null : hop.body,
  }
}
