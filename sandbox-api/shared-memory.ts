import {
  TypeErrorConstructor,
  apply,
  construct,
  defineHidden,
  defineProperty,
  getOwnPropertyDescriptor,
  ownKeys,
} from './primordials.ts'

type Method = (...args: unknown[]) => unknown
type MemoryConstructor = new (...args: unknown[]) => object

/**
 * Takes away every way to a `SharedArrayBuffer`. WebAssembly makes some of its own: as the buffer of a shared memory, which
 * code may construct, or which a module may define and export. The module goes on working; its memory gives no buffer.
 * Comes before any guest code.
 */
export function withholdSharedMemory(global: {
  SharedArrayBuffer?: unknown
  WebAssembly?: { Memory: MemoryConstructor }
}): void {
  delete global.SharedArrayBuffer
  if (global.WebAssembly !== undefined) guardMemory(global.WebAssembly)
}

function guardMemory(namespace: { Memory: MemoryConstructor }): void {
  const Native = namespace.Memory
  const prototype = Native.prototype as object
  const getBuffer = getOwnPropertyDescriptor(prototype, 'buffer')?.get as Method
  const check = createCheck()
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
  defineProperty(Guarded, 'name', { value: 'Memory' })
  defineProperty(Guarded, 'length', { value: 1 })
  defineProperty(Guarded, 'prototype', { value: prototype, writable: false })
  defineHidden(prototype, 'constructor', Guarded)
  defineHidden(namespace, 'Memory', Guarded)
}

type Check = (result: unknown) => unknown

function guardProperty(
  prototype: object,
  key: string,
  { get, value, enumerable }: PropertyDescriptor,
  check: Check,
): void {
  const shape = { enumerable: enumerable ?? false, configurable: false }
  if (get !== undefined) {
    const guarded = {
      get [key](): unknown {
        return check(apply(get, this, []))
      },
    }
    defineProperty(prototype, key, { ...shape, get: getOwnPropertyDescriptor(guarded, key)?.get as () => unknown })
  } else if (typeof value === 'function') {
    const method = value as Method
    const guarded = {
      [key](...args: unknown[]): unknown {
        return check(apply(method, this, args))
      },
    }[key] as Method
    defineProperty(guarded, 'length', { value: method.length })
    defineProperty(prototype, key, { ...shape, value: guarded, writable: false })
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
