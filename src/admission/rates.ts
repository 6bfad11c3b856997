import { CloisterError } from '../core/errors.ts'
import type { Rate } from '../core/policy.ts'
import type { Millis } from '../core/quantity.ts'
import type { Member } from './tenant-directory.ts'

/** Takes a token for one run. Throws RATE_LIMITED, naming the bucket that is empty and how long it will be. */
export function checkRates({ bucket, units }: Member, rate: Rate, now: Millis): void {
  // Before the token: a run that cannot start costs none.
  const unitsWait = units.wait(rate, now)
  if (unitsWait > 0) {
    const bound = `${rate.unitsPerSecond} units a second with bursts of ${rate.unitsBurst} (rate.unitsPerSecond)`
    const message = `the policy allows ${bound}, and earlier runs have used more`
    throw new CloisterError('RATE_LIMITED', message, { retryAfterMs: unitsWait })
  }
  const wait = bucket.take(rate, now)
  if (wait === 0) return
  const bound = `${rate.perSecond} runs a second with bursts of ${rate.burst} (rate.perSecond)`
  throw new CloisterError('RATE_LIMITED', `the policy allows ${bound}`, { retryAfterMs: wait })
}
