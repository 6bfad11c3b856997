import { type EpochMillis, type Millis, epochMillis, millis } from './quantity.ts'

/**
 * The only source of time. Parts are handed one by name and never call `Date` or `performance` themselves, so that a
 * test can own time and no bill depends on a clock that someone may set.
 */
export interface Clock {
  /** Wall-clock time: for records, periods and expiry. May jump. */
  now(): EpochMillis
  /** Time since some fixed point: for durations and deadlines. Never goes back. */
  elapsed(): Millis
}

/** The machine's own clock. `elapsed` is CLOCK_MONOTONIC with a resolution of 1 µs or better. */
export const systemClock: Clock = {
  now: () => epochMillis(Date.now()),
  elapsed: () => millis(performance.now()),
}
