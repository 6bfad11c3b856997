import type { Cloner } from './clone-registry.ts'
import { DOMException } from './dom-exception.ts'

/**
 * How objects of the language's own are cloned, by their prototype. What is here is taken for such an object only if the
 * language itself agrees: each cloner throws a TypeError for what merely has the prototype.
 */

const { apply } = Reflect
const { getOwnPropertyDescriptor, getPrototypeOf } = Object

/** The getter of an accessor, called on any object. */
function getter<Value>(prototype: object, name: string | symbol): (object: object) => Value {
  const get = getOwnPropertyDescriptor(prototype, name)?.get as () => Value
  return (object) => apply(get, object, [])
}

function boxed(prototype: { valueOf(): unknown }): Cloner<object> {
  const { valueOf } = prototype
  return (object) => {
    const value: unknown = apply(valueOf, object, [])
    return () => Object(value) as object
  }
}

const { getTime } = Date.prototype
const sourceOf = getter<string>(RegExp.prototype, 'source')
const flagsOf = getter<string>(RegExp.prototype, 'flags')
const lengthOf = getter<number>(ArrayBuffer.prototype, 'byteLength')
const maximumOf = getter<number>(ArrayBuffer.prototype, 'maxByteLength')
const isResizable = getter<boolean>(ArrayBuffer.prototype, 'resizable')
const isDetached = getter<boolean>(ArrayBuffer.prototype, 'detached')

function cloneDate(object: object): () => object {
  const time: number = apply(getTime, object, [])
  return () => new Date(time)
}

function cloneRegExp(object: object): () => object {
  // The prototype of all regular expressions has a source, and is none.
  if (object === RegExp.prototype) throw new TypeError('not a regular expression')
  const source = sourceOf(object)
  const flags = flagsOf(object)
  return () => new RegExp(source, flags)
}

function cloneBuffer(object: object): () => object {
  if (isDetached(object)) throw refusal('a buffer that has been transferred')
  const copy = new Uint8Array(lengthOf(object))
  copy.set(new Uint8Array(object as ArrayBuffer))
  if (!isResizable(object)) return () => copy.buffer
  const maxByteLength = maximumOf(object)
  return () => {
    const buffer = new ArrayBuffer(copy.byteLength, { maxByteLength })
    new Uint8Array(buffer).set(copy)
    return buffer
  }
}

/** What can be shared as it is: its clone is the object itself. */
function share(read: (object: object) => unknown): Cloner<object> {
  return (object) => {
    read(object)
    return () => object
  }
}

function refuse(object: object): never {
  throw refusal(Object.prototype.toString.call(object))
}

export function refusal(what: string): DOMException {
  return new DOMException(`${what} cannot be cloned`, 'DataCloneError')
}

export const BUILTINS: ReadonlyMap<object, Cloner<object>> = new Map<object, Cloner<object>>([
  [Boolean.prototype, boxed(Boolean.prototype)],
  [Number.prototype, boxed(Number.prototype)],
  [String.prototype, boxed(String.prototype)],
  [BigInt.prototype, boxed(BigInt.prototype)],
  [Date.prototype, cloneDate],
  [RegExp.prototype, cloneRegExp],
  [ArrayBuffer.prototype, cloneBuffer],
  ...sharedMemory(),
  ...webAssembly(),
  ...unclonable(),
])

/** Where the policy grants it. The buffer's memory is one and the same in both. */
function sharedMemory(): [object, Cloner<object>][] {
  if (typeof SharedArrayBuffer === 'undefined') return []
  return [[SharedArrayBuffer.prototype, share(getter(SharedArrayBuffer.prototype, 'byteLength'))]]
}

/** A module is compiled code that nothing changes; what is made of it is bound to where it was made. */
function webAssembly(): [object, Cloner<object>][] {
  const { WebAssembly } = globalThis as { WebAssembly?: Record<string, { readonly prototype: object }> }
  const { exports } = (WebAssembly?.['Module'] ?? {}) as { exports?: (module: object) => unknown }
  return ['Module', 'Instance', 'Memory', 'Table', 'Global'].flatMap((name): [object, Cloner<object>][] => {
    const prototype = WebAssembly?.[name]?.prototype
    if (prototype === undefined) return []
    return [[prototype, name === 'Module' && exports !== undefined ? share(exports) : refuse]]
  })
}

/** Objects that are more than their properties, and that nothing can make a second time. */
function unclonable(): [object, Cloner<object>][] {
  const generator = getPrototypeOf(getPrototypeOf(function* () {}.prototype)) as object
  const kinds = [Promise, WeakMap, WeakSet, WeakRef, FinalizationRegistry, Symbol]
  return [...kinds.map((kind) => kind.prototype as object), generator].map((prototype) => [prototype, refuse])
}
