import type { Rate } from '../core/policy.ts'
import { type Millis, type Units, millis } from '../core/quantity.ts'

/** Longest wait that is ever named. */
const WAIT_MAX = millis(3_600_000)

type UnitRate = Pick<Rate, 'unitsPerSecond' | 'unitsBurst'>

/**
 * The units that a tenant may use up. What a run uses is known at its end only: it is taken then, all of it, and may leave a
 * debt; while there is one no further run starts. Starts full.
 *
 * Invariant: over any time, runs that have ended used at most burst + rate × time, and what was under way when the debt began.
 */
export class UnitBucket {
  #units: number
  #filledAt: Millis

  constructor({ unitsBurst }: Pick<UnitRate, 'unitsBurst'>, now: Millis) {
    this.#units = unitsBurst
    this.#filledAt = now
  }

  /** How long until there is no debt; 0 if there is none. */
  wait(rate: UnitRate, now: Millis): Millis {
    this.#refill(rate, now)
    if (this.#units >= 0) return millis(0)
    return millis(Math.min(WAIT_MAX, Math.ceil((-this.#units / rate.unitsPerSecond) * 1_000)))
  }

  /** Takes what a run has used. */
  take(rate: UnitRate, units: Units, now: Millis): void {
    this.#refill(rate, now)
    this.#units -= units
  }

  #refill({ unitsPerSecond, unitsBurst }: UnitRate, now: Millis): void {
    const refilled = this.#units + ((now - this.#filledAt) / 1_000) * unitsPerSecond
    this.#units = Math.min(unitsBurst, refilled)
    this.#filledAt = now
  }
}
