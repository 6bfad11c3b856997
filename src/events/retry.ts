import type { RetryConfig } from '../core/event-config.ts'
import { type Millis, millis } from '../core/quantity.ts'

/** How events are tried again, with all that a configuration leaves out. */
export interface RetryPlan {
  readonly maxAttempts: number
  readonly initial: Millis
  readonly factor: number
  readonly max: Millis
  readonly maxAge: Millis
}

/** What the configuration says, or what AWS Lambda does: three attempts in all, for six hours. */
export function retryPlanOf({ maxAttempts = 3, backoff = {}, maxAgeSeconds = 21_600 }: RetryConfig = {}): RetryPlan {
  const { initialMs = 1_000, factor = 2, maxMs = 300_000 } = backoff
  return { maxAttempts, initial: millis(initialMs), factor, max: millis(maxMs), maxAge: millis(maxAgeSeconds * 1_000) }
}

/**
 * The wait after so many failed attempts: grows exponentially and is spread over its upper half, so that what failed together
 * does not come again together. `random` is from 0 to 1.
 */
export function backoffOf({ initial, factor, max }: RetryPlan, failed: number, random: number): Millis {
  const full = Math.min(max, initial * factor ** Math.min(failed - 1, 100))
  return millis(Math.ceil(full / 2 + (full / 2) * random))
}

/** The wait after a refusal, in which no code ran: short at first, since room comes soon, and never longer than half a minute. */
export function refusalWaitOf(claims: number, asked: Millis | undefined, random: number): Millis {
  const full = Math.min(30_000, 250 * 2 ** Math.min(claims - 1, 10))
  return millis(Math.ceil(Math.max(asked ?? 0, full / 2) + (full / 2) * random))
}
