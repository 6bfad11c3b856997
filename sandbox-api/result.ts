import { StringFunction, cut, getPrototypeOf, isArray, ownKeys, stringify } from './primordials.ts'

/** How deep the search for the culprit goes; deeper values are blamed as a whole. */
const DEPTH_MAX = 64
/** How many values the search looks at, so that it ends soon in a large result. */
const VALUES_MAX = 100_000

/** A result as JSON text, or why it cannot be one, naming the path of the value at fault. */
export function encodeResult(value: unknown): { readonly json: string } | { readonly fault: string } {
  const kind = typeof value
  if (value === undefined) return { json: 'null' }
  if (kind === 'function' || kind === 'symbol' || kind === 'bigint')
    return { fault: `result is ${article(kind)}, which JSON cannot hold` }
  try {
    const json = stringify(value)
    // toJSON may have turned the value into something that JSON leaves out.
    return { json: json === undefined ? 'null' : json }
  } catch (error) {
    const found = search(value)
    return { fault: found ?? `result cannot be turned into JSON: ${describe(error).message}` }
  }
}

interface Search {
  left: number
  readonly path: { value: object; name: string }[]
}

/** Finds the first value that JSON cannot hold. Runs guest getters, hence inside the run's time limit only. */
function search(root: unknown): string | undefined {
  return visit(root, 'result', { left: VALUES_MAX, path: [] })
}

function visit(value: unknown, name: string, state: Search): string | undefined {
  state.left -= 1
  if (state.left < 0) return undefined
  if (typeof value === 'bigint') return `${name} is a BigInt, which JSON cannot hold`
  if (typeof value !== 'object' || value === null) return undefined
  for (let index = 0; index < state.path.length; index += 1) {
    if (state.path[index]?.value === value)
      return `${name} refers back to ${state.path[index]?.name}: JSON cannot hold a cycle`
  }
  if (state.path.length >= DEPTH_MAX) return `${name} is nested deeper than ${DEPTH_MAX} levels`
  state.path[state.path.length] = { value, name }
  const fault = visitMembers(value, name, state)
  state.path.length -= 1
  return fault
}

function visitMembers(value: object, name: string, state: Search): string | undefined {
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
    const fault = visit(member, path, state)
    if (fault !== undefined) return fault
  }
  return undefined
}

function article(kind: string): string {
  return kind === 'bigint' ? 'a BigInt' : `a ${kind}`
}

/** What was thrown, as text. Never throws itself, whatever getters, proxies and `toString` methods the guest made. */
export function describe(thrown: unknown): { readonly name: string; readonly message: string; readonly stack: string } {
  if (typeof thrown !== 'object' || thrown === null) {
    return {
      name: 'Error',
      message: cut(typeof thrown === 'symbol' ? 'a symbol was thrown' : StringFunction(thrown), 4_096),
      stack: '',
    }
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
