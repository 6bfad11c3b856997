import { isIP } from 'node:net'
import type { EgressRule, FetchGrant } from '../../core/policy.ts'
import { invalid } from '../arguments.ts'
import { CapabilityError } from '../capability.ts'

const URL_LENGTH_MAX = 16_384
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 }

/**
 * Reads where a request is to go, and checks that the policy lets it. The host is in its one spelling then: in lower case,
 * international names as ASCII, addresses of whatever notation as usual ones, no dot at the end.
 * Throws INVALID_ARGUMENT and EGRESS_REFUSED.
 */
export function targetOf(text: string, method: string, { allow }: Pick<FetchGrant, 'allow'>): URL {
  const url = readUrl(text)
  const port = portOf(url)
  if (allow.some((rule) => allows(rule, url.hostname, port, method))) return url
  throw new CapabilityError(
    'EGRESS_REFUSED',
    `the policy does not allow ${method} to ${url.hostname.slice(0, 255)} on port ${port} (capabilities.fetch.allow)`,
  )
}

/** The port that a URL of http or https leads to. */
export function portOf(url: URL): number {
  return url.port === '' ? (DEFAULT_PORTS[url.protocol] ?? 0) : Number(url.port)
}

/** Whether a host is meant by a pattern: itself, `*.domain` of any name below the domain, `*`. */
export function matchesHost(pattern: string, hostname: string): boolean {
  if (pattern === '*' || pattern === hostname) return true
  return pattern.startsWith('*.') && isIP(hostname) === 0 && hostname.endsWith(pattern.slice(1))
}

function readUrl(text: string): URL {
  if (text.length > URL_LENGTH_MAX) throw invalid(`url has ${text.length} characters; at most ${URL_LENGTH_MAX}`)
  const url = URL.parse(text)
  if (url === null) throw invalid('url is not a URL in full')
  if (!Object.hasOwn(DEFAULT_PORTS, url.protocol)) throw invalid(`url must be of http or https, not ${url.protocol}`)
  if (url.username !== '' || url.password !== '') throw invalid('url may have no user and no password in it')
  url.hash = ''
  const plain = url.hostname.replace(/\.$/, '')
  if (plain === '' || plain.endsWith('.')) throw invalid('url has no host')
  if (plain !== url.hostname) url.hostname = plain
  return url
}

function allows({ host, ports, methods }: EgressRule, hostname: string, port: number, method: string): boolean {
  return matchesHost(host, hostname) && ports.includes(port) && (methods.includes('*') || methods.includes(method))
}
