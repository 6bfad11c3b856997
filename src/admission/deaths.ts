import type { Rate } from '../core/policy.ts'
import { type EpochMillis, type Millis, millis } from '../core/quantity.ts'

/** The wait after the first death that the policy does not allow. */
const FIRST_WAIT_MS = 250
/** Longest wait: code that was mended is let in again within a minute, code that was not costs a cell a minute. */
const WAIT_MAX_MS = 60_000
const DOUBLINGS_MAX = Math.ceil(Math.log2(WAIT_MAX_MS / FIRST_WAIT_MS))
// A token that has only rounding missing is there.
const WHOLE = 1 - 1e-9

/** A cell that a tenant's code has brought down. */
export interface LastDeath {
  /** One of the pool's closed list of reasons: `deadline`, `cpu`, `memory`, `crash`, … */
  readonly reason: string
  readonly at: EpochMillis
}

type DeathRate = Pick<Rate, 'deathsPerSecond' | 'deathsBurst'>

/**
 * How many cells a tenant's code may still bring down before its runs are held off: a bucket of deaths that refills
 * steadily. With the bucket empty each further death doubles the wait. The bucket does not refill during a wait; once it
 * is full again, after `deathsBurst / deathsPerSecond` quiet seconds, the waits start from the shortest.
 *
 * Kept in memory alone: a host that starts again has forgotten it.
 */
export class Deaths {
  #total = 0
  #last: LastDeath | undefined
  #tokens: number | undefined
  #filledAt = 0
  #doublings = 0
  #until = 0

  /** Cells that were brought down since the host started. */
  get total(): number {
    return this.#total
  }
  get last(): LastDeath | undefined {
    return this.#last
  }

  /** Counts a death. Returns how long the tenant's new runs are held off from now on; 0 if they are not. */
  record(death: LastDeath, rate: DeathRate, now: Millis): Millis {
    this.#total += 1
    this.#last = death
    this.#refill(rate, now)
    const tokens = this.#tokens ?? 0
    if (tokens >= WHOLE) {
      this.#tokens = Math.max(0, tokens - 1)
      return this.waitAt(now)
    }
    const waitMs = Math.min(WAIT_MAX_MS, FIRST_WAIT_MS * 2 ** this.#doublings)
    this.#doublings = Math.min(DOUBLINGS_MAX, this.#doublings + 1)
    this.#until = Math.max(this.#until, now + waitMs)
    return this.waitAt(now)
  }

  /** How long new runs are still held off; 0 if they are not. */
  waitAt(now: Millis): Millis {
    // The difference of two times may be off by a rounding error.
    return millis(Math.min(WAIT_MAX_MS, Math.max(0, this.#until - now)))
  }

  #refill({ deathsPerSecond, deathsBurst }: DeathRate, now: Millis): void {
    const fromMs = Math.max(this.#filledAt, Math.min(this.#until, now))
    const refilled = ((now - fromMs) / 1_000) * deathsPerSecond
    this.#tokens = Math.min(deathsBurst, (this.#tokens ?? deathsBurst) + refilled)
    this.#filledAt = Math.max(this.#filledAt, now)
    if (this.#tokens >= deathsBurst * WHOLE) this.#doublings = 0
  }
}
