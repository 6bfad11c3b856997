import { matchesHost, portOf } from '../egress/rules.ts'

/** Where a secret may be sent: hosts like `api.example.com`, `*.example.com`, `[::1]`; one scheme and port each. */
export interface BoundHost {
  readonly protocol: 'https:' | 'http:'
  readonly host: string
  readonly port: number
}

const LENGTH_MAX = 255
const DEFAULT_PORTS = { 'https:': 443, 'http:': 80 } as const

/** Reads `api.example.com`, `*.example.com`, `host:8443` (all of https) or `http://host:8080`; a text says what is wrong with it. */
export function readBoundHost(text: string): BoundHost | string {
  if (text.length > LENGTH_MAX) return `has ${text.length} characters; at most ${LENGTH_MAX} are allowed`
  const [, scheme, star = '', rest = ''] = /^(https:\/\/|http:\/\/)?(\*\.)?([^/?#@\\\s*]+)$/i.exec(text) ?? []
  const protocol = scheme?.toLowerCase() === 'http://' ? 'http:' : 'https:'
  const url = rest === '' ? null : URL.parse(`${protocol}//${rest}`)
  if (url === null) return 'must be a host: api.example.com, *.example.com, host:8443 or http://host:8080'
  const host = url.hostname.replace(/\.$/, '')
  if (star !== '' && !/^(?=.*[a-z])[^.[\]]+(\.[^.[\]]+)+$/.test(host)) return 'must have two names after "*."'
  return { protocol, host: star + host, port: url.port === '' ? DEFAULT_PORTS[protocol] : Number(url.port) }
}

/** The one spelling of it. */
export function boundHostText({ protocol, host, port }: BoundHost): string {
  return `${protocol === 'http:' ? 'http://' : ''}${host}${port === DEFAULT_PORTS[protocol] ? '' : `:${port}`}`
}

/** Whether a request to a URL goes to one of them. */
export function isBoundTo(hosts: readonly BoundHost[], url: URL): boolean {
  return hosts.some(
    ({ protocol, host, port }) => url.protocol === protocol && portOf(url) === port && matchesHost(host, url.hostname),
  )
}
