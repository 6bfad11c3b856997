import { CloisterError } from '../../core/errors.ts'
import type { HttpConfig, HttpRoute } from '../../core/http-config.ts'
import { quoted } from '../quoted.ts'

/** The route that a request takes, and what its path says. */
export interface Matched {
  readonly route: HttpRoute
  /** Its place in the configuration. */
  readonly index: number
  readonly params: Readonly<Record<string, string>>
}

/** Refuses a request of a method that no route of its path has. */
export class MethodRefused extends CloisterError {
  readonly allowed: string

  constructor(method: string, allowed: string) {
    super('METHOD_NOT_ALLOWED', `${method} is not allowed here; ${allowed} are`)
    this.allowed = allowed
  }
}

const ANY: HttpRoute = Object.freeze({ path: '/*' })

/** The first route that fits. Throws NOT_FOUND, or METHOD_NOT_ALLOWED if only the method does not. */
export function matchRoute({ routes }: HttpConfig, method: string, path: string): Matched {
  if (routes === undefined) return { route: ANY, index: 0, params: {} }
  const allowed = new Set<string>()
  for (const [index, route] of routes.entries()) {
    const params = paramsOf(route.path, path)
    if (params === undefined) continue
    if (takes(route, method)) return { route, index, params }
    for (const each of route.methods ?? []) allowed.add(each)
  }
  if (allowed.size > 0) throw new MethodRefused(method, [...allowed].join(', '))
  throw new CloisterError('NOT_FOUND', `the function has no route ${quoted(`${method} ${path}`)}`)
}

function takes({ methods }: HttpRoute, method: string): boolean {
  return methods === undefined || methods.includes(method) || (method === 'HEAD' && methods.includes('GET'))
}

/** What stands for the parameters; undefined if the path is another. A slash at the end makes no difference. */
function paramsOf(pattern: string, path: string): Record<string, string> | undefined {
  const [wanted, given] = [segmentsOf(pattern), segmentsOf(path)]
  const params: Record<string, string> = {}
  for (const [index, segment] of wanted.entries()) {
    if (segment.startsWith('*')) {
      if (segment.length > 1) params[segment.slice(1)] = given.slice(index).map(decoded).join('/')
      return params
    }
    const found = given[index]
    if (found === undefined) return undefined
    if (segment.startsWith(':')) {
      if (found === '') return undefined
      params[segment.slice(1)] = decoded(found)
    } else if (segment !== found) return undefined
  }
  return given.length === wanted.length ? params : undefined
}

function segmentsOf(path: string): readonly string[] {
  const segments = path.slice(1).split('/')
  return segments.at(-1) === '' ? segments.slice(0, -1) : segments
}

/** Throws INVALID_REQUEST for an escape that is none. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw new CloisterError('INVALID_REQUEST', `the path has an escape that is none in ${quoted(segment)}`)
  }
}
