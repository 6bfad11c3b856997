/** What the path of an HTTP trigger names. */
export interface RunTarget {
  readonly tenant: string
  readonly function: string
  /** What follows in the request's URL, as it was sent: a path that starts with a slash, and the query. */
  readonly rest: string
  /** What comes before it in the URL that was asked. */
  readonly prefix: string
  /** Whether other tenants are at the same origin. */
  readonly site: 'own' | 'shared'
}

const TARGET = /^\/run\/([^/?#]+)\/([^/?#]+)(\/[^?]*)?(\?.*)?$/

/** Reads `/run/{tenant}/{function}/*`. Undefined for any other target; nothing is decoded, names have nothing to decode. */
export function readRunTarget(url: string): RunTarget | undefined {
  if (!url.startsWith('/run/')) return undefined
  const found = TARGET.exec(url)
  if (found === null) return undefined
  const [, tenant = '', name = '', path = '/', query = ''] = found
  return { tenant, function: name, rest: path + query, prefix: `/run/${tenant}/${name}`, site: 'shared' }
}
