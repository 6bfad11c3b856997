import { NATIVE, type NativeBridge, type NativeValue } from './bridge.ts'
import { TypeErrorConstructor, Uint8ArrayConstructor, apply, copyBytes, isUint8Array } from './primordials.ts'

export interface Native {
  call(operation: string, args: readonly NativeValue[]): NativeValue
  /** Gives the number of the operation: `finish` or `fail` of bridge.ts's ENTRY tells of its end. */
  start(operation: string, args: readonly NativeValue[]): number
}

/**
 * The only way from guest code to the cell's native code. What is built on it may be led astray by what a guest has done to
 * the language meanwhile; this is not.
 *
 * Invariant: nothing but primitives, and bytes in a buffer that was made here, crosses. isolated-vm ends the process over
 * some kinds of arrays.
 */
export function createNative(bridge: NativeBridge): Native {
  const cross = (kind: number, operation: string, args: readonly NativeValue[]): unknown => {
    const list: unknown[] = [kind, `${operation}`]
    for (let index = 0; index < args.length; index += 1) list[index + 2] = checked(args[index])
    return apply(bridge, undefined, list)
  }
  return {
    call: (operation, args) => cross(NATIVE.call, operation, args) as NativeValue,
    start: (operation, args) => cross(NATIVE.start, operation, args) as number,
  }
}

function checked(value: unknown): NativeValue {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'undefined':
      return value
    default:
      if (!isUint8Array(value)) throw new TypeErrorConstructor('native code takes primitives and bytes only')
      return copyBytes(value, new Uint8ArrayConstructor(value.length))
  }
}
