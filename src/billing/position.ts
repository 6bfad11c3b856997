import type { Allowance } from '../core/stores.ts'
import type { Window } from './account.ts'
import type { Period } from './period.ts'
import type { PriceBooks } from './price-books.ts'
import { highestCost } from './price.ts'
import { NO_SPEND, type Spend, plus } from './spend.ts'

/** Where a period stands against one measure of its allowance. All whole: units, or nanoUSD. */
export interface Position {
  readonly period: Period
  readonly measure: 'units' | 'money'
  /** Undefined: not limited. */
  readonly limit: bigint | undefined
  readonly spent: bigint
  /** What open holds may still add. */
  readonly held: bigint
  /** What the run in question may add on top. */
  readonly need: bigint
}

/** The position of a window in units. */
export function unitsPosition(window: Window, allowance: Allowance | undefined, need: Spend = NO_SPEND): Position {
  const limit = allowance?.units === undefined ? undefined : BigInt(allowance.units)
  const { period, spent, held } = window
  return { period, measure: 'units', limit, spent: spent.units, held: held.units, need: need.units }
}

interface MoneyParts {
  readonly prices: PriceBooks
  readonly need?: Spend
}

/**
 * The position of a window in money. Each step is the difference of two highest costs, so that spent + held + need is
 * the most that the bill can come to, and no rounding lets it pass the limit.
 */
export function moneyPosition(
  window: Window,
  allowance: Allowance | undefined,
  { prices, need }: MoneyParts,
): Position {
  const { period } = window
  const rounding = prices.rounding(period)
  const committed = plus(window.spent, window.held)
  const spent = highestCost(window.spent.worth, rounding)
  const withHeld = highestCost(committed.worth, rounding)
  const withNeed = highestCost(plus(committed, need ?? NO_SPEND).worth, rounding)
  return { period, measure: 'money', limit: allowance?.money, spent, held: withHeld - spent, need: withNeed - withHeld }
}

/** Whether the run does not fit. */
export function isShort({ limit, spent, held, need }: Position): boolean {
  return limit !== undefined && spent + held + need > limit
}

/** What of the limit is neither spent nor held; nothing if the limit was lowered below that. */
export function leftOf({ spent, held }: Position, limit: bigint): bigint {
  const left = limit - spent - held
  return left > 0n ? left : 0n
}
