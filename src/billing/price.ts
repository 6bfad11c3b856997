import { type NanoUsd, nanoUsd } from '../core/quantity.ts'
import type { UsageSums } from '../core/stores.ts'
import { formatDecimal, roundHalfUp } from './decimal.ts'
import type { Measure, PriceBook, PriceLine } from './price-book.ts'

/** The sums that prices apply to. */
export type PricedSums = Pick<UsageSums, 'requests' | 'unitMebibytes' | 'cpuMicros' | 'operations'>

/** One priced quantity and what it comes to: `amountNanoUsd` = `quantity` × `unitPrice`, rounded once, half up. */
export interface BillLine {
  readonly line: string
  readonly description: string
  /** Exact decimal text in `unit`s: whole for requests and operations, with decimals for GB-seconds and CPU-seconds. */
  readonly quantity: string
  readonly unit: string
  /** Dollars a unit: exact decimal text. */
  readonly unitPrice: string
  readonly amountNanoUsd: NanoUsd
}

/**
 * Prices sums: a line for each priced quantity, in the order of the price book, zero or not.
 *
 * Invariant: an amount depends on its own quantity alone and is rounded once, to the nearest nanoUSD, a half upwards.
 */
export function priceLines(sums: PricedSums, book: PriceBook): readonly BillLine[] {
  return book.lines.map((line) => priceLine(sums, line, book))
}

/** What lines come to together: the sum of amounts that are rounded already, so it is never rounded again. */
export function totalOf(lines: readonly BillLine[]): NanoUsd {
  return nanoUsd(lines.reduce((total, line) => total + line.amountNanoUsd, 0n))
}

/** What sums cost: the total of their lines. */
export function costOf(sums: PricedSums, book: PriceBook): NanoUsd {
  return totalOf(priceLines(sums, book))
}

/** What sums are worth before any rounding, in 1/denominator nanoUSD of the book. Worths of parts add up exactly. */
export function worthOf(sums: PricedSums, book: PriceBook): bigint {
  return book.lines.reduce((worth, line) => worth + quantityOf(sums, line.measure) * line.weight, 0n)
}

/**
 * The most that a bill can come to whose quantities are worth `worth` or less, whichever lines they fall in. Equal to
 * the bill itself while at most one line of the book has a price that is not a whole nanoUSD, as in the shipped one.
 */
export function highestCost(worth: bigint, book: PriceBook): NanoUsd {
  if (worth === 0n) return nanoUsd(0n)
  return nanoUsd((2n * worth + book.fractionalLines * book.denominator) / (2n * book.denominator))
}

function priceLine(sums: PricedSums, priced: PriceLine, { denominator }: PriceBook): BillLine {
  const quantity = quantityOf(sums, priced.measure)
  return {
    line: priced.line,
    description: priced.description,
    quantity: formatDecimal({ numerator: quantity, denominator: priced.perUnit }),
    unit: priced.unit,
    unitPrice: priced.unitPrice,
    amountNanoUsd: roundHalfUp({ numerator: quantity * priced.weight, denominator }),
  }
}

function quantityOf(sums: PricedSums, measure: Measure): bigint {
  switch (measure.kind) {
    case 'unitMebibytes':
      return sums.unitMebibytes
    case 'requests':
      return sums.requests
    case 'cpuMicros':
      return sums.cpuMicros
    case 'operations':
      return measure.names.reduce((total, name) => total + (sums.operations[name] ?? 0n), 0n)
  }
}
