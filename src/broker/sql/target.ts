/** Where a database is and how to get in. Holds the password: never log it, never answer with it. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: string
  readonly tls: TlsMode
}

/** `verify-full`: encrypted, and the server proves its name. `require`: encrypted, with anybody. `disable`: in the clear. */
export type TlsMode = 'verify-full' | 'require' | 'disable'

const TLS_MODES: readonly TlsMode[] = ['verify-full', 'require', 'disable']
const LENGTH_MAX = 2_048
const PORT = 5432

/** A URL that names a database, or every fault of it. No fault repeats any of the URL: it holds a password. */
export type ReadTarget = { readonly target: Target } | { readonly faults: readonly string[] }

/**
 * Reads `postgres://user:password@host:port/database?sslmode=verify-full`. No other parameter is known: those of libpq can
 * name files of the host, or change what a connection does.
 */
export function readTarget(text: string): ReadTarget {
  if (text.length > LENGTH_MAX) return { faults: [`has ${text.length} characters; at most ${LENGTH_MAX} are allowed`] }
  const url = URL.parse(text)
  if (url === null) return { faults: ['is not a URL; it looks like postgres://user:password@host:5432/database'] }
  const faults: string[] = []
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') faults.push('must start with postgres://')
  const [user, password, database] = [url.username, url.password, url.pathname.slice(1)].map(decode)
  if (user === undefined || password === undefined || database === undefined) {
    faults.push('holds a % that is no escape, or a NUL')
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (!/^[A-Za-z0-9._:-]{1,253}$/.test(host)) faults.push('must name a host')
  if (user === '') faults.push('must name a user')
  if (database === '') faults.push('must name a database')
  if (url.hash !== '') faults.push('has a # that is not escaped as %23')
  const tls = tlsOf(url.searchParams, faults)
  if (faults.length > 0 || user === undefined || password === undefined || database === undefined) return { faults }
  const port = url.port === '' ? PORT : Number(url.port)
  return { target: { host, port, database, user, password, tls } }
}

function tlsOf(parameters: URLSearchParams, faults: string[]): TlsMode {
  for (const name of new Set(parameters.keys())) {
    if (name !== 'sslmode') faults.push('has a parameter that is not known; there is sslmode')
    else if (parameters.getAll(name).length > 1) faults.push('has sslmode twice')
  }
  const given = parameters.get('sslmode')
  const mode = given === null ? 'verify-full' : TLS_MODES.find((one) => one === given)
  if (mode === undefined) faults.push(`must have one of ${TLS_MODES.join(', ')} as sslmode`)
  return mode ?? 'verify-full'
}

function decode(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text)
    return decoded.includes('\0') ? undefined : decoded
  } catch {
    return undefined
  }
}
