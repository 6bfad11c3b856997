import type { GuestEngine } from './bridge.ts'
import { createDate } from './date.ts'
import { freezeDateTimeFormat } from './intl.ts'
import { defineLazy } from './lazy.ts'
import { apply, max, realNow } from './primordials.ts'
import { createTemporal } from './temporal.ts'

/** What the guest and the runtime's own functions take for the present, in ms since the epoch. */
export interface Clock {
  now(): number
  /** The host has entered the realm: a frozen clock moves to the real time. */
  advance(): void
  /**
   * Stops every clock of the realm, from now until the next `advance`. Comes before any guest code.
   *
   * Invariant: no function that reads the real time is in reach of the guest afterwards.
   */
  freeze(global: object, temporal: GuestEngine['temporal']): void
}

/** A clock that is live until it is frozen. */
export function createClock(): Clock {
  let frozenMs: number | undefined
  const now = (): number => frozenMs ?? realNow()
  return {
    now,
    advance() {
      // The system's clock may be set back; a guest's never runs backwards.
      if (frozenMs !== undefined) frozenMs = max(frozenMs, realNow())
    },
    freeze(global, temporal) {
      frozenMs = realNow()
      if (temporal) replaceTemporal(global, now)
      // What the getters hold is out of the guest's reach until they are asked, so it is as V8 made it.
      const NativeDate = Date
      defineLazy(global, 'Date', () => createDate(NativeDate, now))
      const native = Intl
      defineLazy(global, 'Intl', () => {
        freezeDateTimeFormat(native.DateTimeFormat.prototype, now)
        return native
      })
    },
  }
}

/** The native one is dropped unseen, its clock with it: see {@link createTemporal}. */
function replaceTemporal(global: object, now: () => number): void {
  const date = new Date(0)
  const { DateTimeFormat } = Intl
  const { resolvedOptions } = DateTimeFormat.prototype
  let zone: string | undefined
  const systemZone = (): string =>
    (zone ??= (apply(resolvedOptions, new DateTimeFormat(), []) as Intl.ResolvedDateTimeFormatOptions).timeZone)
  delete (global as { Temporal?: unknown }).Temporal
  defineLazy(global, 'Temporal', () => createTemporal(date, now, systemZone))
}
