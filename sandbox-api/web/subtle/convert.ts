import { FORMATS, type KeyFormat, type KeyUsage, USAGES } from './algorithms.ts'
import { toDOMString, toDictionary, toSequence } from '../webidl.ts'

/** Conversions of Web IDL that only the Web Cryptography API asks for. */

/** Bytes as the web takes them. */
export type BufferSource = ArrayBuffer | ArrayBufferView<ArrayBuffer>

const { apply } = Reflect
const { getOwnPropertyDescriptor, getPrototypeOf } = Object
const { isView } = ArrayBuffer
const typedArray = getPrototypeOf(Uint8Array.prototype) as object
const tagOf = getter<string | undefined>(typedArray, Symbol.toStringTag)
const viewParts = [typedArray, DataView.prototype].map((prototype) => ({
  buffer: getter<ArrayBuffer>(prototype, 'buffer'),
  offset: getter<number>(prototype, 'byteOffset'),
  length: getter<number>(prototype, 'byteLength'),
}))
const lengthOfBuffer = getter<number>(ArrayBuffer.prototype, 'byteLength')
const isDetached = getter<boolean>(ArrayBuffer.prototype, 'detached')

/** The getter of an accessor, called on any object. */
function getter<Value>(prototype: object, name: string | symbol): (object: object) => Value {
  const get = getOwnPropertyDescriptor(prototype, name)?.get as () => Value
  return (object) => apply(get, object, [])
}

/** Which typed array a value is; undefined if it is none. */
export function kindOfArray(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null ? tagOf(value) : undefined
}

/** The bytes under a view, which are not a copy. Throws TypeError for shared memory. */
export function bytesUnder(view: ArrayBufferView): Uint8Array {
  const parts = viewParts[tagOf(view) === undefined ? 1 : 0] as (typeof viewParts)[number]
  const buffer = parts.buffer(view)
  checkUnshared(buffer)
  // A view of a buffer that was transferred is one of nothing.
  if (isDetached(buffer)) return new Uint8Array(0)
  return new Uint8Array(buffer, parts.offset(view), parts.length(view))
}

/** Throws TypeError unless a value is a BufferSource. */
export function checkBufferSource(value: unknown, name: string): asserts value is BufferSource {
  if (!isBufferSource(value)) throw new TypeError(`${name} must be an ArrayBuffer or a view of one`)
  if (isView(value)) bytesUnder(value)
}

export function isBufferSource(value: unknown): value is BufferSource {
  if (isView(value)) return true
  if (typeof value !== 'object' || value === null) return false
  try {
    lengthOfBuffer(value)
    return true
  } catch {
    return false
  }
}

/** A copy of the bytes of a BufferSource. One that has been transferred has none. */
export function copyOf(source: BufferSource): Uint8Array {
  const bytes = isView(source) ? bytesUnder(source) : bytesOf(source)
  const copy = new Uint8Array(bytes.length)
  copy.set(bytes)
  return copy
}

function bytesOf(buffer: ArrayBuffer): Uint8Array {
  return isDetached(buffer) ? new Uint8Array(0) : new Uint8Array(buffer, 0, lengthOfBuffer(buffer))
}

function checkUnshared(buffer: object): void {
  try {
    lengthOfBuffer(buffer)
  } catch {
    throw new TypeError('shared memory is not taken here')
  }
}

/** `[EnforceRange]` of an unsigned integer type. */
export function toWithin(value: unknown, max: number, name: string): number {
  const number = +(value as number)
  const whole = Math.trunc(number)
  if (!(whole >= 0 && whole <= max)) throw new TypeError(`${name} must be a whole number from 0 to ${max}`)
  // Never -0.
  return whole + 0
}

export function toFormat(value: unknown): KeyFormat {
  return oneOf(FORMATS, value, 'the format')
}

export function toUsages(value: unknown): KeyUsage[] {
  return toSequence(value, 'the usages').map((usage) => oneOf(USAGES, usage, 'each usage'))
}

function oneOf<Value extends string>(values: readonly Value[], value: unknown, name: string): Value {
  const text = toDOMString(value)
  const found = values.find((one) => one === text)
  if (found === undefined) throw new TypeError(`${name} must be one of ${values.join(', ')}`)
  return found
}

const JWK_MEMBERS = ['alg', 'crv', 'd', 'dp', 'dq', 'e', 'ext', 'k', 'key_ops', 'kty', 'n', 'oth', 'p', 'q', 'qi']

/** A JsonWebKey, with nothing in it but what the dictionary has. */
export function toJwk(value: unknown): Record<string, unknown> {
  const given = toDictionary(value, 'the key')
  const jwk: Record<string, unknown> = {}
  for (const member of [...JWK_MEMBERS, 'use', 'x', 'y']) {
    const found = given[member]
    if (found !== undefined) jwk[member] = toJwkMember(member, found)
  }
  return jwk
}

function toJwkMember(member: string, value: unknown): unknown {
  switch (member) {
    case 'ext':
      return Boolean(value)
    case 'key_ops':
      return toSequence(value, member).map(toDOMString)
    case 'oth':
      return toSequence(value, member).map(toOtherPrime)
    default:
      return toDOMString(value)
  }
}

function toOtherPrime(value: unknown): Record<string, string> {
  const given = toDictionary(value, 'oth')
  const prime: Record<string, string> = {}
  for (const member of ['d', 'r', 't']) {
    const found = given[member]
    if (found !== undefined) prime[member] = toDOMString(found)
  }
  return prime
}
