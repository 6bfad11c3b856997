/**
 * Intrinsics, captured before any guest code runs. The guest may replace every one of them in its own realm; the runtime
 * keeps working with these, so that what crosses the isolate's boundary is always what the runtime meant to send.
 *
 * No `for…of`, spread or destructuring of arrays in this folder: each of them calls `Symbol.iterator`, which a guest
 * can replace.
 */
export const { stringify, parse } = JSON
export const { apply, construct, defineProperty: tryDefineProperty, ownKeys } = Reflect
export const { assign, defineProperty, freeze, getOwnPropertyDescriptor, getPrototypeOf, hasOwn, preventExtensions } =
  Object
const { create } = Object
export const { isArray } = Array
/** The system's clock. Only for {@link file://./clock.ts}: what a guest sees of time goes through it. */
export const { now: realNow } = Date
export const { min, max } = Math
export const ErrorConstructor = Error
export const PromiseConstructor = Promise
export const StringFunction = String
export const NumberFunction = Number
export const { parseFloat, parseInt } = Number
export const TypeErrorConstructor = TypeError
export const EvalErrorConstructor = EvalError
export const { toStringTag } = Symbol
export const Uint8ArrayConstructor = Uint8Array
const typedArrayPrototype = getPrototypeOf(Uint8Array.prototype) as object
const tagOfTypedArray = getOwnPropertyDescriptor(typedArrayPrototype, toStringTag)?.get as () => string | undefined
const { set: setBytes, toBase64, toHex } = Uint8Array.prototype
export const WeakMapConstructor = WeakMap
export const { get: weakGet, set: weakSet } = WeakMap.prototype

const { indexOf: find, slice } = String.prototype

/**
 * Calls one of the two when a promise that the runtime has made is settled. `then` would construct what the guest says by
 * `constructor` and `Symbol.species`; `await` asks for `constructor` only, which is the promise's own here.
 */
export function whenSettled(
  promise: Promise<unknown>,
  done: (value: unknown) => void,
  failed: (error: unknown) => void,
): void {
  defineProperty(promise, 'constructor', { __proto__: null, value: PromiseConstructor } as PropertyDescriptor)
  void follow(promise, done, failed)
}

async function follow(
  promise: Promise<unknown>,
  done: (value: unknown) => void,
  failed: (error: unknown) => void,
): Promise<void> {
  let value: unknown
  try {
    value = await promise
  } catch (error) {
    failed(error)
    return
  }
  done(value)
}

/** The first `length` UTF-16 units of a string. */
export function cut(text: string, length: number): string {
  return text.length <= length ? text : (apply(slice, text, [0, length]) as string)
}

/** Whether a name is in a list. */
export function includes(list: readonly string[], name: string): boolean {
  for (let index = 0; index < list.length; index += 1) if (list[index] === name) return true
  return false
}

/** Where `part` is first found at or after `from`; the length of the text if it is not. */
export function indexOf(text: string, part: string, from: number): number {
  const found = apply(find, text, [part, from]) as number
  return found < 0 ? text.length : found
}

/** Whether a value is a typed array, whatever its prototype says. */
export function isTypedArray(value: unknown): boolean {
  return typeof value === 'object' && value !== null && apply(tagOfTypedArray, value, []) !== undefined
}

/** Whether a value is bytes, whatever its prototype says. */
export function isUint8Array(value: unknown): value is Uint8Array {
  return apply(tagOfTypedArray, value, []) === 'Uint8Array'
}

/** Bytes as hexadecimal digits. */
export function hexOf(value: Uint8Array): string {
  return apply(toHex, value, []) as string
}

/** Bytes in base64. */
export function base64Of(value: Uint8Array): string {
  return apply(toBase64, value, []) as string
}

/** Copies bytes into others of the same length, and returns those. */
export function copyBytes(from: Uint8Array, to: Uint8Array): Uint8Array {
  apply(setBytes, to, [from])
  return to
}

/** A table by number or name without a prototype, so that no guest change to `Object.prototype` shows in it. */
export function table<Value>(): Record<string | number, Value> {
  return create(null) as Record<string | number, Value>
}

/** Defines a property as the language defines those of its built-ins: writable, configurable, not enumerable. */
export function defineHidden(object: object, name: string, value: unknown): void {
  defineProperty(object, name, {
    __proto__: null,
    value,
    writable: true,
    configurable: true,
    enumerable: false,
  } as PropertyDescriptor)
}

/** Sets a property that every function has of its own, and makes it read-only, as it is in built-ins. */
export function fix(target: object, name: 'name' | 'length' | 'prototype', value: unknown): void {
  defineProperty(target, name, { __proto__: null, value, writable: false } as PropertyDescriptor)
}
