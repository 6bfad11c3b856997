import { type Micros, type Units } from '../core/quantity.ts'
import type { Ticket, Usage } from '../core/run.ts'
import type { UsageSums } from '../core/stores.ts'
import { timeCeiling, trafficCeiling, unitsOf } from './meter.ts'
import type { PriceBook } from './price-book.ts'
import { type PricedSums, worthOf } from './price.ts'
import { sumsOfRun } from './usage.ts'

/** What counts against a budget. Both are whole numbers that add up without loss, in any order. */
export interface Spend {
  readonly units: bigint
  /** Money before rounding, in 1/denominator nanoUSD of the price book. */
  readonly worth: bigint
}

/** What a period has spent in which nothing ran. */
export const NO_SPEND: Spend = Object.freeze({ units: 0n, worth: 0n })

/** Two spends together. Exact. */
export const plus = (left: Spend, right: Spend): Spend => ({
  units: left.units + right.units,
  worth: left.worth + right.worth,
})

/** A spend without a part of it. Exact. */
export const minus = (left: Spend, right: Spend): Spend => ({
  units: left.units - right.units,
  worth: left.worth - right.worth,
})

/** What a run spent. */
export function spendOfRun(usage: Usage, book: PriceBook): Spend {
  return { units: BigInt(usage.units), worth: worthOf(sumsOfRun(usage), book) }
}

/** What the runs of a range spent. */
export function spendOfSums(sums: UsageSums, book: PriceBook): Spend {
  return { units: sums.units, worth: worthOf(sums, book) }
}

/**
 * The most that a run can spend besides operations, which are set aside one by one when they are made: its whole time and
 * traffic.
 *
 * Invariant: with its operations, never less than what the run will be charged, because the meter charges no time beyond the
 * same ceiling.
 */
export function worstCase(ticket: Ticket, book: PriceBook): Spend {
  const { wall, cpu } = timeCeiling(ticket)
  const units = unitsOf(wall)
  return { units: BigInt(units), worth: worthOf(worstSums(ticket, { units, cpu }), book) }
}

function worstSums(ticket: Ticket, { units, cpu }: { units: Units; cpu: Micros }): PricedSums {
  return {
    requests: 1n,
    unitMebibytes: BigInt(units) * BigInt(ticket.policy.limits.memory),
    cpuMicros: BigInt(cpu),
    ...trafficCeiling(ticket),
    storedByteHours: 0n,
    operations: {},
  }
}
