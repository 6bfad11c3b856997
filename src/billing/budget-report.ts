import { CloisterError } from '../core/errors.ts'
import { type EpochMillis, nanoUsd } from '../core/quantity.ts'
import type { Budget } from '../core/stores.ts'
import type { Window } from './account.ts'
import { formatNanoUsd } from './decimal.ts'
import { isoTime, periodName } from './period.ts'
import { type Position, leftOf, moneyPosition, unitsPosition } from './position.ts'
import type { PriceBooks } from './price-books.ts'
import { type WarningPercent, percentReached } from './warnings.ts'

/** One measure of a budget as JSON. `limit`, `left` and `warning` are there only if it is limited. */
export interface MeasureStatus<Amount> {
  readonly limit?: Amount
  readonly spent: Amount
  /** Set aside for runs in progress. */
  readonly held: Amount
  readonly left?: Amount
  /** The share of the limit that was last warned of, in percent; absent below 50. */
  readonly warning?: WarningPercent
}

/** A day or month of a tenant as JSON. */
export interface PeriodStatus {
  /** `2026-03-04` or `2026-03`. */
  readonly period: string
  readonly resetsAt: string
  readonly units: MeasureStatus<number>
  /** Dollars as text with nine decimals. */
  readonly usd: MeasureStatus<string>
}

/** What a tenant has spent, has set aside and has left, now. Plain JSON. */
export interface BudgetStatus {
  readonly day?: PeriodStatus
  readonly month?: PeriodStatus
}

/** Shows windows beside the budget that limits them. */
export function budgetStatus(windows: readonly Window[], budget: Budget, prices: PriceBooks): BudgetStatus {
  return Object.fromEntries(
    windows.map((window) => {
      const { kind, to } = window.period
      const units = measureStatus(unitsPosition(window, budget[kind]), Number)
      const usd = measureStatus(moneyPosition(window, budget[kind], { prices }), usdText)
      return [kind, { period: periodName(window.period), resetsAt: isoTime(to), units, usd }]
    }),
  )
}

/** The refusal of a run: what is left, what the run could need, when the budget resets. `short` names the reasons. */
export function budgetExceeded(short: readonly Position[], now: EpochMillis): CloisterError {
  const reset = Math.max(...short.map(({ period }) => period.to))
  const message = `over budget: ${short.map(sentence).join('; ')}`
  return new CloisterError('BUDGET_EXCEEDED', message, { retryAfterMs: Math.max(0, reset - now) })
}

function sentence(position: Position): string {
  const { period, limit = 0n, spent, held, need } = position
  const [amount, unit] = position.measure === 'units' ? [String, 'units'] : [usdText, 'USD']
  const room = `${amount(leftOf(position, limit))} of ${amount(limit)} ${unit} are left for the ${period.kind}`
  const used = `(${amount(spent)} spent, ${amount(held)} held for runs in progress)`
  return `${room} ${periodName(period)} ${used}, this run could need ${amount(need)}, the budget resets at ${isoTime(period.to)}`
}

function measureStatus<Amount>(position: Position, write: (value: bigint) => Amount): MeasureStatus<Amount> {
  const { limit, spent, held } = position
  const status = { spent: write(spent), held: write(held) }
  if (limit === undefined) return status
  const warning = percentReached(position)
  return { limit: write(limit), ...status, left: write(leftOf(position, limit)), ...(warning && { warning }) }
}

function usdText(value: bigint): string {
  return formatNanoUsd(nanoUsd(value))
}
