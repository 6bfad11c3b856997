import { type Millis, millis } from '../core/quantity.ts'
import type { Rate } from '../core/policy.ts'

/** Longest wait that is ever named, so that a rate near zero still gives a caller a figure to use. */
const WAIT_MAX = millis(3_600_000)
// A token that has only rounding missing is there: the wait that was named must be enough.
const WHOLE = 1 - 1e-9

/** How many runs a tenant may start now. Starts full; refills steadily; its memory is two numbers. */
export class TokenBucket {
  #tokens: number
  #filledAt: Millis

  constructor({ burst }: Pick<Rate, 'burst'>, now: Millis) {
    this.#tokens = burst
    this.#filledAt = now
  }

  /** Takes one token and returns 0, or takes none and returns how long it will be until there is one. */
  take({ perSecond, burst }: Rate, now: Millis): Millis {
    const refilled = this.#tokens + ((now - this.#filledAt) / 1_000) * perSecond
    const tokens = Math.min(burst, refilled)
    if (tokens < WHOLE) return millis(Math.min(WAIT_MAX, Math.ceil(((WHOLE - tokens) / perSecond) * 1_000)))
    this.#tokens = tokens - 1
    this.#filledAt = now
    return millis(0)
  }
}
