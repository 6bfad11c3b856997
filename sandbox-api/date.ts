import { apply, construct, defineHidden, fix } from './primordials.ts'

/** A `Date` that differs from the native one in nothing but the clock it asks: `now`. It takes the native one's place. */
export function createDate(Native: DateConstructor, now: () => number): unknown {
  const { prototype } = Native
  const { toString } = prototype
  const Frozen = function (...args: unknown[]): unknown {
    if (new.target === undefined) return apply(toString, new Native(now()), [])
    return construct(Native, args.length === 0 ? [now()] : args, new.target === Frozen ? Native : new.target)
  }
  fix(Frozen, 'name', 'Date')
  fix(Frozen, 'length', 7)
  fix(Frozen, 'prototype', prototype)
  // A method: like the native one it cannot be called with `new`.
  defineHidden(Frozen, 'now', { now: () => now() }.now)
  defineHidden(Frozen, 'parse', Native.parse)
  defineHidden(Frozen, 'UTC', Native.UTC)
  defineHidden(prototype, 'constructor', Frozen)
  return Frozen
}
