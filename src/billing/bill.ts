import type { TenantId } from '../core/ids.ts'
import { formatNanoUsd } from './decimal.ts'
import { type Period, invalid, isoTime, periodName } from './period.ts'
import type { BillLine } from './price.ts'
import { totalOf } from './price.ts'
import { type RatedLine, type RatedSegment, rateMonth } from './rating.ts'
import { NOTHING, type UsageFigures, addSums, figuresOf } from './usage.ts'

const ROUNDING =
  'amount = quantity × unitPrice, rounded once a line to 9 decimals, half up; total = the sum of the amounts'

/** Which version of the price book. */
export interface BookName {
  readonly name: string
  readonly version: number
}

/** A line as the tenant sees it: `amount` in dollars with nine decimals, all else as in {@link BillLine}. */
export interface BilledLine extends Omit<BillLine, 'amountNanoUsd'> {
  readonly amount: string
  /** There only if the month has several price books. */
  readonly priceBook?: BookName
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
  /** The one that holds at the end of the month. */
  readonly priceBook: BookName
  readonly lines: readonly BilledLine[]
  /** Dollars with nine decimals: exact, the sum of the lines. */
  readonly total: string
  readonly rounding: string
  readonly totals: UsageFigures
  /** Ledger records that the bill is made of. */
  readonly records: number
}

/**
 * Makes the bill of a month from what was used under each of its price books. Throws INVALID_PERIOD if there are none
 * yet when it begins.
 *
 * Invariant: a pure function of ledger and price books. The same make the same bytes, whenever they are asked.
 */
export function makeBill(tenant: TenantId, period: Period, segments: readonly RatedSegment[]): Bill {
  const [first, last] = [segments[0]?.book, segments.at(-1)?.book]
  if (first === undefined || last === undefined || period.from < first.effectiveFrom) {
    const since = first === undefined ? 'later' : `from ${isoTime(first.effectiveFrom).slice(0, 10)}`
    const name = first === undefined ? '' : ` ${first.name}`
    throw invalid(`\`period\` ${periodName(period)} is before the price book${name}, which holds ${since}`)
  }
  const lines = rateMonth(segments)
  const sums = segments.reduce((total, segment) => addSums(total, segment.sums), NOTHING)
  return {
    tenant,
    period: periodName(period),
    from: isoTime(period.from),
    to: isoTime(period.to),
    currency: last.currency,
    priceBook: { name: last.name, version: last.version },
    lines: lines.map((line) => billedLine(line, segments.length)),
    total: formatNanoUsd(totalOf(lines)),
    rounding: ROUNDING,
    totals: figuresOf(sums),
    records: Number(sums.records),
  }
}

function billedLine({ amountNanoUsd, book, ...line }: RatedLine, books: number): BilledLine {
  const billed = { ...line, amount: formatNanoUsd(amountNanoUsd) }
  return books === 1 ? billed : { ...billed, priceBook: { name: book.name, version: book.version } }
}
