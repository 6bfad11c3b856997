import { DOMException } from '../dom-exception.ts'
import { toDOMString } from '../webidl.ts'
import { type AlgorithmOperation, type Kind, SHAPES, type Shape } from './algorithms.ts'
import { type BufferSource, checkBufferSource, copyOf, kindOfArray, toWithin } from './convert.ts'
import { readKey } from './crypto-key.ts'

/** An algorithm with its parameters checked: texts, numbers, copies of bytes. Keys are in it as they are sealed. */
export interface Algorithm {
  readonly name: string
  readonly [parameter: string]: string | number | Uint8Array
}

/** What was given for an algorithm: a name or an object with one. */
export type AlgorithmIdentifier = string | object

/** By operation, the algorithm's name as the standard writes it and its parameters, found by the name in small letters. */
const NAMES = new Map<string, Map<string, { readonly name: string; readonly shape: Shape }>>()

for (const [operation, shapes] of Object.entries(SHAPES)) {
  const entries = Object.entries(shapes).map(([name, shape]) => [name.toLowerCase(), { name, shape }] as const)
  NAMES.set(operation, new Map(entries))
}

/** Web IDL: `(object or DOMString)`. */
export function toIdentifier(value: unknown): AlgorithmIdentifier {
  return (typeof value === 'object' && value !== null) || typeof value === 'function' ? value : toDOMString(value)
}

/** Web Cryptography, "normalizing an algorithm". Throws NotSupportedError for one that the operation does not know. */
export function normalize(operation: AlgorithmOperation, identifier: AlgorithmIdentifier): Algorithm {
  const given = (typeof identifier === 'string' ? { name: identifier } : identifier) as Record<string, unknown>
  const wanted = nameOf(given)
  // Letters of ASCII only: 'ſ' and 'K' have small letters among them, too.
  const found = /^[\x20-\x7e]*$/.test(wanted) ? NAMES.get(operation)?.get(wanted.toLowerCase()) : undefined
  if (found === undefined) throw new DOMException(`${operation} has no algorithm ${wanted}`, 'NotSupportedError')
  const { name, shape } = found
  const values: Record<string, unknown> = {}
  // The dictionary of the algorithm's own has a name again.
  nameOf(given)
  for (const [parameter, kind] of Object.entries(shape)) {
    const value = read(parameter, kind, given[parameter])
    if (value !== undefined) values[parameter] = value
  }
  const algorithm: Record<string, string | number | Uint8Array> = { name }
  for (const [parameter, value] of Object.entries(values)) algorithm[parameter] = finish(shape[parameter], value)
  return algorithm as Algorithm
}

/** As {@link normalize}; what the first operation does not know may be one of the second's. */
export function normalizeEither(
  first: AlgorithmOperation,
  second: AlgorithmOperation,
  identifier: AlgorithmIdentifier,
): { readonly by: AlgorithmOperation; readonly algorithm: Algorithm } {
  try {
    return { by: first, algorithm: normalize(first, identifier) }
  } catch {
    return { by: second, algorithm: normalize(second, identifier) }
  }
}

function nameOf(given: Readonly<Record<string, unknown>>): string {
  const name = given['name']
  if (name === undefined) throw new TypeError('an algorithm must have a name')
  return toDOMString(name)
}

const LIMITS = { octet: 0xff, short: 0xffff, long: 0xffff_ffff } as const

/** Converts a member of the dictionary. */
function read(parameter: string, kind: Kind | `${Kind}?`, value: unknown): unknown {
  if (value === undefined) {
    if (kind.endsWith('?')) return undefined
    throw new TypeError(`the algorithm must have ${parameter}`)
  }
  const plain = plainKind(kind)
  switch (plain) {
    case 'bytes':
      checkBufferSource(value, parameter)
      return value
    case 'exponent':
      if (kindOfArray(value) !== 'Uint8Array') throw new TypeError(`${parameter} must be a Uint8Array`)
      return value
    case 'hash':
      return toIdentifier(value)
    case 'key':
      readKey(value)
      return value
    case 'text':
      return toDOMString(value)
    default:
      return toWithin(value, LIMITS[plain], parameter)
  }
}

/** What is done once the whole dictionary is read. */
function finish(kind: Kind | `${Kind}?` | undefined, value: unknown): string | number | Uint8Array {
  switch (kind === undefined ? undefined : plainKind(kind)) {
    case 'bytes':
    case 'exponent':
      return copyOf(value as BufferSource)
    case 'hash':
      return normalize('digest', value as AlgorithmIdentifier).name
    case 'key':
      return readKey(value).sealed
    default:
      return value as string | number
  }
}

function plainKind(kind: Kind | `${Kind}?`): Kind {
  return (kind.endsWith('?') ? kind.slice(0, -1) : kind) as Kind
}
