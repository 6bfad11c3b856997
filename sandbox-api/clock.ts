import type { GuestEngine } from './bridge.ts'
import { freezeDate } from './date.ts'
import { freezeDateTimeFormat } from './intl.ts'
import { max, realNow } from './primordials.ts'
import { freezeTemporal } from './temporal.ts'

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
      if (temporal) freezeTemporal(global, now)
      freezeDate(global, now)
      freezeDateTimeFormat(now)
    },
  }
}
