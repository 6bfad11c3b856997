import { StringFunction, cut, getPrototypeOf, isArray, ownKeys, stringify } from './primordials.ts'

/** How deep the search for the culprit goes; deeper values are blamed as a whole. */
const DEPTH_MAX = 64
/** How many values the search looks at, so that it ends soon in a large result. */
const VALUES_MAX = 100_000

/** A result as JSON text, or why it cannot be one. Both fields are always there: a guest can give any object more. */
export interface EncodedResult {
  readonly json: string | undefined
  readonly fault: string | undefined
}

/** A result as JSON text, or why it cannot be one, naming the path of the value at fault. */
export function encodeResult(value: unknown): EncodedResult {
  const kind = typeof value
  if (value === undefined) return { json: 'null', fault: undefined }
  if (kind === 'function' || kind === 'symbol' || kind === 'bigint')
    return { json: undefined, fault: `result is ${article(kind)}, which JSON cannot hold` }
  try {
    const json = stringify(value)
    // toJSON may have turned the value into something that JSON leaves out.
    return { json: json === undefined ? 'null' : json, fault: undefined }
  } catch (error) {
    const found = search(value)
    return { json: undefined, fault: found ?? `result cannot be turned into JSON: ${describe(error).message}` }
  }
}

/** Where the search is, from the inside out. Not a list: a guest can catch what is put into those. */
interface Place {
  readonly value: object
  readonly name: string
  readonly depth: number
  readonly outer: Place | undefined
}

interface Search {
  left: number
}

/** Finds the first value that JSON cannot hold. Runs guest getters, hence inside the run's time limit only. */
function search(root: unknown): string | undefined {
  return visit(root, 'result', undefined, { left: VALUES_MAX })
}

function visit(value: unknown, name: string, outer: Place | undefined, state: Search): string | undefined {
  state.left -= 1
  if (state.left < 0) return undefined
  if (typeof value === 'bigint') return `${name} is a BigInt, which JSON cannot hold`
  if (typeof value !== 'object' || value === null) return undefined
  for (let place = outer; place !== undefined; place = place.outer) {
    if (place.value === value) return `${name} refers back to ${place.name}: JSON cannot hold a cycle`
  }
  const depth = (outer?.depth ?? 0) + 1
  if (depth > DEPTH_MAX) return `${name} is nested deeper than ${DEPTH_MAX} levels`
  return visitMembers({ value, name, depth, outer }, state)
}

function visitMembers(place: Place, state: Search): string | undefined {
  const { value, name } = place
  let keys: (string | symbol)[]
  try {
    keys = ownKeys(value)
  } catch (error) {
    return `${name} cannot be read: ${describe(error).message}`
  }
  for (let index = 0; index < keys.length; index += 1) {
    const key = keys[index]
    if (typeof key !== 'string' || (isArray(value) && key === 'length')) continue
    const path = cut(isArray(value) ? `${name}[${key}]` : `${name}.${key}`, 500)
    let member: unknown
    try {
      member = (value as Record<string, unknown>)[key]
    } catch (error) {
      return `${path} cannot be read: ${describe(error).message}`
    }
    const fault = visit(member, path, place, state)
    if (fault !== undefined) return fault
  }
  return undefined
}

function article(kind: string): string {
  return kind === 'bigint' ? 'a BigInt' : `a ${kind}`
}

/** An error as text: what crosses the boundary of one. */
export interface ErrorText {
  readonly name: string
  readonly message: string
  readonly stack: string
}

/** An error as JSON text. The table has no prototype: a guest's `toJSON` on objects is not asked. */
export function encodeError({ name, message, stack }: ErrorText): string {
  return stringify({ __proto__: null, name, message, stack })
}

/** What was thrown, as text. Never throws itself, whatever getters, proxies and `toString` methods the guest made. */
export function describe(thrown: unknown): ErrorText {
  if (typeof thrown === 'function' || typeof thrown === 'symbol') {
    return { name: 'Error', message: `a ${typeof thrown} was thrown`, stack: '' }
  }
  if (typeof thrown !== 'object' || thrown === null) {
    return { name: 'Error', message: cut(StringFunction(thrown), 4_096), stack: '' }
  }
  const name = read(thrown, 'name', 200)
  const message = read(thrown, 'message', 4_096)
  return {
    name: name ?? constructorName(thrown) ?? 'Error',
    message: message ?? show(thrown),
    stack: read(thrown, 'stack', 8_192) ?? '',
  }
}

function read(from: object, name: string, length: number): string | undefined {
  try {
    const value = (from as Record<string, unknown>)[name]
    if (value === undefined || value === null) return undefined
    // A string object or anything else that is not a primitive would run guest code when it is used.
    return typeof value === 'object' || typeof value === 'function' || typeof value === 'symbol'
      ? undefined
      : cut(StringFunction(value), length)
  } catch {
    return undefined
  }
}

function constructorName(thrown: object): string | undefined {
  try {
    const prototype = getPrototypeOf(thrown) as { constructor?: { name?: unknown } } | null
    const name = prototype?.constructor?.name
    return typeof name === 'string' ? cut(name, 200) : undefined
  } catch {
    return undefined
  }
}

function show(thrown: object): string {
  try {
    return cut(stringify(thrown) ?? 'an object was thrown', 4_096)
  } catch {
    return 'an object was thrown that cannot be shown'
  }
}
