import { type Millis, millis } from '../core/quantity.ts'

/** With the waits below, an endpoint may be down for about three hours. */
export const ATTEMPTS_MAX = 12
const FIRST_MS = 5_000
const LONGEST_MS = 3_600_000

/**
 * The wait after so many failed attempts: doubles each time, and is spread over its upper half so that what failed together
 * does not come again together. `random` is from 0 to 1.
 */
export function waitAfter(attempts: number, random: number): Millis {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** (attempts - 1))
  return millis(Math.ceil(full / 2 + (full / 2) * random))
}
