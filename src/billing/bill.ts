import type { TenantId } from '../core/ids.ts'
import type { UsageSums } from '../core/stores.ts'
import { formatNanoUsd } from './decimal.ts'
import { type Period, invalid, isoTime, periodName } from './period.ts'
import type { PriceBook } from './price-book.ts'
import { type BillLine, priceLines, totalOf } from './price.ts'
import { type UsageFigures, figuresOf } from './usage.ts'

const ROUNDING =
  'amount = quantity × unitPrice, rounded once a line to 9 decimals, half up; total = the sum of the amounts'

/** A line as the tenant sees it: `amount` in dollars with nine decimals, all else as in {@link BillLine}. */
export interface BilledLine extends Omit<BillLine, 'amountNanoUsd'> {
  readonly amount: string
}

/** What a tenant owes for a month. Plain JSON. */
export interface Bill {
  readonly tenant: TenantId
  /** `YYYY-MM`, in UTC. */
  readonly period: string
  /** ISO 8601; the first moment of the month, and the first after it. */
  readonly from: string
  readonly to: string
  readonly currency: 'USD'
  readonly priceBook: { readonly name: string; readonly version: number }
  readonly lines: readonly BilledLine[]
  /** Dollars with nine decimals: exact, the sum of the lines. */
  readonly total: string
  readonly rounding: string
  readonly totals: UsageFigures
  /** Ledger records that the bill is made of. */
  readonly records: number
}

/**
 * Makes the bill of a month from the month's sums. Throws INVALID_PERIOD if the price book does not hold yet in it.
 *
 * Invariant: a pure function of ledger and price book. The same two make the same bytes, whenever they are asked.
 */
export function makeBill(tenant: TenantId, period: Period, sums: UsageSums, book: PriceBook): Bill {
  if (period.from < book.effectiveFrom) {
    const since = isoTime(book.effectiveFrom).slice(0, 10)
    throw invalid(`\`period\` ${periodName(period)} is before the price book ${book.name}, which holds from ${since}`)
  }
  const lines = priceLines(sums, book)
  return {
    tenant,
    period: periodName(period),
    from: isoTime(period.from),
    to: isoTime(period.to),
    currency: book.currency,
    priceBook: { name: book.name, version: book.version },
    lines: lines.map(({ amountNanoUsd, ...line }) => ({ ...line, amount: formatNanoUsd(amountNanoUsd) })),
    total: formatNanoUsd(totalOf(lines)),
    rounding: ROUNDING,
    totals: figuresOf(sums),
    records: Number(sums.records),
  }
}
