import { apply, construct, defineHidden, defineProperty } from './primordials.ts'

/** Puts a `Date` in place of the native one that differs in nothing but the clock it asks: `now`. */
export function freezeDate(global: object, now: () => number): void {
  const Native = Date
  const { prototype } = Native
  const { toString } = prototype
  const Frozen = function (...args: unknown[]): unknown {
    if (new.target === undefined) return apply(toString, new Native(now()), [])
    return construct(Native, args.length === 0 ? [now()] : args, new.target === Frozen ? Native : new.target)
  }
  defineProperty(Frozen, 'name', { value: 'Date' })
  defineProperty(Frozen, 'length', { value: 7 })
  defineProperty(Frozen, 'prototype', { value: prototype, writable: false })
  // A method: like the native one it cannot be called with `new`.
  defineHidden(Frozen, 'now', { now: () => now() }.now)
  defineHidden(Frozen, 'parse', Native.parse)
  defineHidden(Frozen, 'UTC', Native.UTC)
  defineHidden(prototype, 'constructor', Frozen)
  defineHidden(global, 'Date', Frozen)
}
