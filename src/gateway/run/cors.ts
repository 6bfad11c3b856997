import type { IncomingMessage } from 'node:http'
import type { Cors } from '../../core/http-config.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']
const MAX_AGE_SECONDS = 600
/** Names of headers with commas between them: what a page may ask to send. */
const NAMES = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:\s*,\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+)*$/

/** Whether a browser asks if a page of another origin may send a request (Fetch standard, 4.8). */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined
}

/** What an answer says of who may read it, names and values by turns. */
export function corsHeaders(cors: Cors | undefined, { headers: { origin } }: IncomingMessage): readonly string[] {
  if (cors === undefined) return []
  const anybody = cors.origins.includes('*')
  // Also without an origin: a cache must not give the answer to one page that was meant for another.
  const vary = anybody ? [] : ['vary', 'origin']
  if (origin === undefined || !(anybody || cors.origins.includes(origin))) return vary
  return [
    ...vary,
    'access-control-allow-origin',
    anybody ? '*' : origin,
    ...(cors.credentials === true ? ['access-control-allow-credentials', 'true'] : []),
    ...(cors.exposedHeaders === undefined ? [] : ['access-control-expose-headers', cors.exposedHeaders.join(', ')]),
  ]
}

/** The answer to a preflight request: for an origin that may not, one that says nothing. */
export function preflightHeaders(cors: Cors, request: IncomingMessage): readonly string[] {
  const allowed = corsHeaders(cors, request)
  if (!allowed.includes('access-control-allow-origin')) return allowed
  const asked = request.headers['access-control-request-headers'] ?? ''
  const headers = cors.headers?.join(', ') ?? (NAMES.test(asked) ? asked : '')
  return [
    ...allowed,
    'access-control-allow-methods',
    (cors.methods ?? METHODS).join(', '),
    ...(headers === '' ? [] : ['access-control-allow-headers', headers]),
    'access-control-max-age',
    String(cors.maxAgeSeconds ?? MAX_AGE_SECONDS),
    'vary',
    'access-control-request-headers',
  ]
}

/** Headers of a guest's response with those of its configuration in the place of its own. */
export function withCors(guest: readonly string[], cors: readonly string[]): readonly string[] {
  if (cors.length === 0) return guest
  const kept: string[] = []
  for (let index = 0; index < guest.length; index += 2) {
    const name = guest[index] ?? ''
    if (!name.toLowerCase().startsWith('access-control-')) kept.push(name, guest[index + 1] ?? '')
  }
  return [...kept, ...cors]
}
