/** What Web IDL asks of every interface, and the language's classes do otherwise. */

const { defineProperty, getOwnPropertyDescriptor, getOwnPropertyNames } = Object
const { floor, trunc } = Math
const BEYOND_BYTES = /[\u0100-\uffff]/

/** Makes members of an interface show when its prototype, or the class itself for static ones, is listed. */
export function makeEnumerable(target: object, ...names: readonly string[]): void {
  for (const name of names) {
    const descriptor = getOwnPropertyDescriptor(target, name)
    if (descriptor !== undefined) defineProperty(target, name, { ...descriptor, enumerable: true })
  }
}

/** Finishes an interface: its tag, and its members, which show when its prototype is listed. All of them unless some are named. */
export function finishInterface(Class: { readonly prototype: object }, name: string, ...members: string[]): void {
  // The bundler renames a class that is mentioned within itself.
  defineProperty(Class, 'name', { value: name, configurable: true })
  const all = (): string[] => getOwnPropertyNames(Class.prototype).filter((member) => member !== 'constructor')
  makeEnumerable(Class.prototype, ...(members.length > 0 ? members : all()))
  defineProperty(Class.prototype, Symbol.toStringTag, { value: name, configurable: true })
}

/** Constants of an interface, which are there on the class and on its prototype. */
export function defineConstants(
  Class: { readonly prototype: object },
  constants: Readonly<Record<string, number>>,
): void {
  for (const [name, value] of Object.entries(constants)) {
    for (const place of [Class, Class.prototype]) defineProperty(place, name, { value, enumerable: true })
  }
}

/** Throws TypeError unless a function got the arguments that it cannot do without. */
export function needArguments(count: number, least: number, name: string): void {
  if (count >= least) return
  throw new TypeError(`${name} needs ${least} argument${least === 1 ? '' : 's'}, and got ${count}`)
}

/** A dictionary: an object, or nothing, which is an empty one. */
export function toDictionary(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {}
  if (typeof value === 'object' || typeof value === 'function') return value as Record<string, unknown>
  throw new TypeError(`${name} must be an object`)
}

/** A sequence: any iterable object, read to its end. */
export function toSequence(value: unknown, name: string): unknown[] {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) {
    throw new TypeError(`${name} must be a sequence`)
  }
  if (typeof (value as Partial<Iterable<unknown>>)[Symbol.iterator] !== 'function') {
    throw new TypeError(`${name} must be a sequence`)
  }
  return [...(value as Iterable<unknown>)]
}

export function toDOMString(value: unknown): string {
  return `${value as string}`
}

/** A string of Unicode scalar values: half a surrogate pair becomes U+FFFD. */
export function toUSVString(value: unknown): string {
  return `${value as string}`.toWellFormed()
}

export function toUnsignedLong(value: unknown): number {
  return +(value as number) >>> 0
}

/** `[EnforceRange] unsigned long long`. */
export function toRangeOfUnsignedLongLong(value: unknown, name: string): number {
  const number = +(value as number)
  const whole = trunc(number)
  if (!(whole >= 0 && whole <= Number.MAX_SAFE_INTEGER)) {
    throw new TypeError(`${name} must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`)
  }
  return whole
}

/** A string of bytes: a character beyond U+00FF is a TypeError. */
export function toByteString(value: unknown, name: string): string {
  const text = `${value as string}`
  if (BEYOND_BYTES.test(text)) throw new TypeError(`${name} has a character above U+00FF in it`)
  return text
}

/** A value of an enumeration. */
export function toEnumeration<Value extends string>(value: unknown, values: readonly Value[], name: string): Value {
  const text = `${value as string}`
  const found = values.find((one) => one === text)
  if (found === undefined) throw new TypeError(`${name} must be one of ${values.join(', ')}`)
  return found
}

export function toUnsignedShort(value: unknown): number {
  return (+(value as number) >>> 0) & 0xffff
}

/** `[Clamp] long long`, as far as a number is exact. Halves go to the even neighbour. */
export function toClampedLongLong(value: unknown): number {
  const number = +(value as number)
  const { MAX_SAFE_INTEGER: most } = Number
  if (!(number >= -most)) return number < 0 ? -most : 0
  if (number >= most) return most
  const below = floor(number)
  const rest = number - below
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below
}

/** `long long`: what is beyond 64 bits is cut off. */
export function toLongLong(value: unknown): number {
  const number = +(value as number)
  if (Number.isSafeInteger(number)) return number + 0
  return Number.isFinite(number) ? Number(BigInt.asIntN(64, BigInt(trunc(number)))) : 0
}
