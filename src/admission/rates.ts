import { CloisterError } from '../core/errors.ts'
import type { Rate } from '../core/policy.ts'
import type { Millis } from '../core/quantity.ts'
import type { Member } from './tenant-directory.ts'
import { unitRateOf } from './unit-bucket.ts'

/** Takes a token for one run. Throws RATE_LIMITED, naming the bucket that is empty and how long it will be. */
export function checkRates({ bucket, units }: Member, rate: Rate, now: Millis): void {
  const unitRate = unitRateOf(rate)
  // Before the token: a run that cannot start costs none.
  const unitsWait = unitRate === undefined ? 0 : units.wait(unitRate, now)
  if (unitRate !== undefined && unitsWait > 0) {
    const bound = `${unitRate.perSecond} units a second with bursts of ${unitRate.burst} (rate.unitsPerSecond)`
    const message = `the policy allows ${bound}, and earlier runs have used more`
    throw new CloisterError('RATE_LIMITED', message, { retryAfterMs: unitsWait })
  }
  const wait = bucket.take(rate, now)
  if (wait === 0) return
  const bound = `${rate.perSecond} runs a second with bursts of ${rate.burst} (rate.perSecond)`
  throw new CloisterError('RATE_LIMITED', `the policy allows ${bound}`, { retryAfterMs: wait })
}
