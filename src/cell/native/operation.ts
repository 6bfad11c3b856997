import type { NativeValue } from '../../../sandbox-api/bridge.ts'
import { NativeFault } from './fault.ts'
import type { Handles } from './handles.ts'

/**
 * Native code for guests, by name. Arguments come from a realm in which a guest runs: `text`, `bytes` and `whole` check
 * them. What is done at once must be short: nothing ends it before its own end but the kill of the cell. `wanted` tells
 * whether the run that asked is still there; what waits for its turn asks before it begins.
 */
export type Operation = (
  args: readonly unknown[],
  handles: Handles,
  wanted: () => boolean,
) => NativeValue | Promise<NativeValue>

export type Operations = Readonly<Record<string, Operation>>

export function text(value: unknown): string {
  if (typeof value === 'string') return value
  throw new NativeFault('TypeError', 'an argument is not a text')
}

export function bytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  throw new NativeFault('TypeError', 'an argument is not bytes')
}

export function whole(value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  throw new NativeFault('RangeError', `a number is not a whole one from ${min} to ${max}`)
}
