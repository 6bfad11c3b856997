import type { Rate } from '../core/policy.ts'
import { type Millis, type Units, millis } from '../core/quantity.ts'

/** Longest wait that is ever named. */
const WAIT_MAX = millis(3_600_000)
/** A burst is worth so many seconds of the rate where the policy does not say. */
const BURST_SECONDS = 10

/** A rate of units, with its burst. */
export interface UnitRate {
  readonly perSecond: number
  readonly burst: number
}

/** What a policy says of units a second; undefined if it does not bound them. */
export function unitRateOf({ unitsPerSecond, unitsBurst }: Rate): UnitRate | undefined {
  if (unitsPerSecond === undefined) return undefined
  return { perSecond: unitsPerSecond, burst: unitsBurst ?? unitsPerSecond * BURST_SECONDS }
}

/**
 * The units that a tenant may use up. What a run uses is known at its end only: it is taken then, all of it, and may leave a
 * debt; while there is one no further run starts. Starts full.
 *
 * Invariant: over any time, runs that have ended used at most burst + rate × time, and what was under way when the debt began.
 */
export class UnitBucket {
  #units: number | undefined
  #filledAt: Millis

  constructor(now: Millis) {
    this.#filledAt = now
  }

  /** How long until there is no debt; 0 if there is none. */
  wait(rate: UnitRate, now: Millis): Millis {
    this.#refill(rate, now)
    const debt = -(this.#units ?? 0)
    return millis(debt <= 0 ? 0 : Math.min(WAIT_MAX, Math.ceil((debt / rate.perSecond) * 1_000)))
  }

  /** Takes what a run has used. */
  take(rate: UnitRate, units: Units, now: Millis): void {
    this.#refill(rate, now)
    this.#units = (this.#units ?? 0) - units
  }

  #refill({ perSecond, burst }: UnitRate, now: Millis): void {
    const refilled = (this.#units ?? burst) + ((now - this.#filledAt) / 1_000) * perSecond
    this.#units = Math.min(burst, refilled)
    this.#filledAt = now
  }
}
