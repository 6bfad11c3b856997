import {
  TypeErrorConstructor,
  apply,
  construct,
  defineHidden,
  defineProperty,
  fix,
  getOwnPropertyDescriptor,
  hasOwn,
  ownKeys,
} from './primordials.ts'

type Method = (...args: unknown[]) => unknown
type MemoryConstructor = new (...args: unknown[]) => object

/** What of the namespace is guarded. */
export interface WebAssemblyParts {
  Memory: MemoryConstructor
}

/**
 * Takes away every way to a `SharedArrayBuffer`. WebAssembly makes some of its own: as the buffer of a shared memory, which
 * code may construct, or which a module may define and export. The module goes on working; its memory gives no buffer.
 * Comes before any guest code; what it returns guards WebAssembly, before a guest has any of it.
 */
export function withholdSharedMemory(global: { SharedArrayBuffer?: unknown }): (wasm: WebAssemblyParts) => void {
  delete global.SharedArrayBuffer
  const check = createCheck()
  return (wasm) => guardMemory(wasm, check)
}

function guardMemory(namespace: WebAssemblyParts, check: Check): void {
  const Native = namespace.Memory
  const prototype = Native.prototype as object
  const getBuffer = getOwnPropertyDescriptor(prototype, 'buffer')?.get as Method
  const keys = ownKeys(prototype)
  // All that is there, not a list of names: whatever V8 adds is guarded as well.
  for (let index = 0; index < keys.length; index += 1) {
    const key = keys[index] as string | symbol
    const descriptor = getOwnPropertyDescriptor(prototype, key)
    if (descriptor === undefined || key === 'constructor' || typeof key === 'symbol') continue
    guardProperty(prototype, key, descriptor, check)
  }
  const Guarded = function (...args: unknown[]): object {
    if (new.target === undefined) throw new TypeErrorConstructor(`WebAssembly.Memory must be invoked with 'new'`)
    const memory = construct(Native, args, new.target === Guarded ? Native : new.target) as object
    check(apply(getBuffer, memory, []))
    return memory
  }
  fix(Guarded, 'name', 'Memory')
  fix(Guarded, 'length', 1)
  fix(Guarded, 'prototype', prototype)
  defineHidden(prototype, 'constructor', Guarded)
  defineHidden(namespace, 'Memory', Guarded)
}

type Check = (result: unknown) => unknown

/** Neither is configurable: what guards the memory cannot be taken off. */
function guardProperty(prototype: object, key: string, descriptor: PropertyDescriptor, check: Check): void {
  const enumerable = descriptor.enumerable === true
  if (hasOwn(descriptor, 'get')) {
    const native = descriptor.get as Method
    const guarded = {
      get [key](): unknown {
        return check(apply(native, this, []))
      },
    }
    const get = getOwnPropertyDescriptor(guarded, key)?.get
    defineProperty(prototype, key, { __proto__: null, get, enumerable, configurable: false } as PropertyDescriptor)
  } else if (typeof descriptor.value === 'function') {
    const native = descriptor.value as Method
    const value = {
      [key](...args: unknown[]): unknown {
        return check(apply(native, this, args))
      },
    }[key] as Method
    fix(value, 'length', native.length)
    defineProperty(prototype, key, {
      __proto__: null,
      value,
      writable: false,
      enumerable,
      configurable: false,
    } as PropertyDescriptor)
  }
}

/** Passes on what is no object, and buffers that are not shared: only those have the getter's own kind of `byteLength`. */
function createCheck(): Check {
  const byteLength = getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength')?.get as Method
  return (result) => {
    if (typeof result !== 'object' || result === null) return result
    try {
      apply(byteLength, result, [])
    } catch {
      throw new TypeErrorConstructor('shared memory cannot be used here: engine.sharedMemory of the policy is false')
    }
    return result
  }
}
