/** Where the components of a URL are in its `href`. */
export interface UrlParts {
  /** Behind the colon of the scheme. */
  readonly schemeEnd: number
  /** Whether there is a host, if only an empty one. */
  readonly hasHost: boolean
  readonly userEnd: number
  /** Behind the password, where the `@` is if there are credentials. */
  readonly credentialsEnd: number
  readonly hostStart: number
  readonly hostEnd: number
  /** Behind the port. */
  readonly pathStart: number
  readonly pathEnd: number
  readonly searchEnd: number
}

/**
 * Reads the components off a serialised URL. What has a meaning to this scan is escaped by the parser wherever it stands
 * for itself, so it takes no other knowledge: URL, "URL serializing".
 */
export function partsOf(href: string): UrlParts {
  const schemeEnd = href.indexOf(':') + 1
  const hash = href.indexOf('#', schemeEnd)
  const searchEnd = hash < 0 ? href.length : hash
  const query = href.indexOf('?', schemeEnd)
  const pathEnd = query < 0 || query > searchEnd ? searchEnd : query
  if (!href.startsWith('//', schemeEnd)) {
    // A path that would look like a host has `/.` before it, which is no part of the path.
    const pathStart = href.startsWith('/.//', schemeEnd) ? schemeEnd + 2 : schemeEnd
    return {
      schemeEnd,
      hasHost: false,
      userEnd: schemeEnd,
      credentialsEnd: schemeEnd,
      hostStart: schemeEnd,
      hostEnd: schemeEnd,
      pathStart,
      pathEnd,
      searchEnd,
    }
  }
  const start = schemeEnd + 2
  const slash = href.indexOf('/', start)
  const pathStart = slash < 0 || slash > pathEnd ? pathEnd : slash
  const at = href.indexOf('@', start)
  const credentialsEnd = at < 0 || at > pathStart ? start : at
  const hostStart = credentialsEnd === start ? start : credentialsEnd + 1
  const colon = href.indexOf(':', start)
  const userEnd = colon < 0 || colon > credentialsEnd ? credentialsEnd : colon
  const bracket = href.charCodeAt(hostStart) === 0x5b ? href.indexOf(']', hostStart) : hostStart
  const portColon = href.indexOf(':', bracket)
  const hostEnd = portColon < 0 || portColon > pathStart ? pathStart : portColon
  return { schemeEnd, hasHost: true, userEnd, credentialsEnd, hostStart, hostEnd, pathStart, pathEnd, searchEnd }
}
