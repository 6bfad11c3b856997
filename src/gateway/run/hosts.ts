import type { IncomingMessage } from 'node:http'
import type { ForwardedTrust } from './request.ts'
import type { RunTarget } from './target.ts'

/** Where a host name leads: absent parts are in the path, or are the first label of the name. */
interface Place {
  readonly tenant?: string
  readonly function?: string
}

/** Host names that lead to functions, and to nothing else of this host. */
export interface FunctionHosts {
  /** Undefined if the request's host is none of them; `nowhere` if its path names no function. */
  find(request: IncomingMessage): RunTarget | 'nowhere' | undefined
}

/** Reads what the knob `functionHosts` says, which has been checked. */
export function readFunctionHosts(text: string | undefined, trust: ForwardedTrust): FunctionHosts {
  const names = new Map<string, Place>()
  const domains = new Set<string>()
  for (const entry of text?.split(',') ?? []) {
    const [name = '', place = ''] = entry.split('=')
    const [tenant, only] = place.split('/')
    if (name.startsWith('*.')) domains.add(name.slice(2))
    else names.set(name, { ...(tenant && { tenant }), ...(only && { function: only }) })
  }
  const placeOf = (host: string): Place | undefined => {
    const dot = host.indexOf('.')
    return names.get(host) ?? (dot > 0 && domains.has(host.slice(dot + 1)) ? { tenant: host.slice(0, dot) } : undefined)
  }
  return {
    find(request) {
      if (names.size === 0 && domains.size === 0) return undefined
      const place = placeOf(hostOf(request, trust))
      return place === undefined ? undefined : targetOf(place, request.url ?? '/')
    },
  }
}

function targetOf({ tenant = '', function: only }: Place, given: string): RunTarget | 'nowhere' {
  const url = given.replace(/^https?:\/\/[^/?#]*/i, '')
  const site = 'own'
  if (only !== undefined)
    return { tenant, function: only, rest: url.startsWith('/') ? url : `/${url}`, prefix: '', site }
  const [, name, path = '/', query = ''] = /^\/([^/?#]+)(\/[^?]*)?(\?.*)?$/.exec(url) ?? []
  return name === undefined ? 'nowhere' : { tenant, function: name, rest: path + query, prefix: `/${name}`, site }
}

/** In lower case, without a port and without a dot at the end. */
function hostOf({ headers }: IncomingMessage, trust: ForwardedTrust): string {
  const forwarded = trust === 'proxy' ? headers['x-forwarded-host'] : undefined
  const host = typeof forwarded === 'string' ? forwarded : (headers.host ?? '')
  return host.toLowerCase().replace(/\.?(?::\d*)?$/, '')
}
