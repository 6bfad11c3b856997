import { type NanoUsd, nanoUsd } from '../core/quantity.ts'
import type { UsageSums } from '../core/stores.ts'
import { formatDecimal, roundHalfUp } from './decimal.ts'
import type { Measure, PriceBook, PriceLine, PriceTier } from './price-book.ts'
import type { Rounding } from './price-books.ts'

/** The sums that prices apply to. */
export type PricedSums = Pick<
  UsageSums,
  'requests' | 'unitMebibytes' | 'cpuMicros' | 'egressBytes' | 'ingressBytes' | 'storedByteHours' | 'operations'
>

/** One priced quantity and what it comes to: `amountNanoUsd` = `quantity` × `unitPrice`, rounded once, half up. */
export interface BillLine {
  readonly line: string
  readonly description: string
  /** Exact decimal text in `unit`s: whole for requests and operations, with decimals for GB-seconds and CPU-seconds. */
  readonly quantity: string
  readonly unit: string
  /** Dollars a unit: exact decimal text. */
  readonly unitPrice: string
  /** The tier that the quantity falls in, if the line has several: units of the month, as `0 to 1000000`. */
  readonly tier?: string
  readonly amountNanoUsd: NanoUsd
}

/**
 * Prices sums: a line for each priced quantity, in the order of the price book, zero or not, and one for each of its
 * tiers that something falls in. `before` is what the month had used already: tiers count from its start.
 *
 * Invariant: an amount depends on its own quantity alone and is rounded once, to the nearest nanoUSD, a half upwards.
 */
export function priceLines(sums: PricedSums, book: PriceBook, before?: PricedSums): readonly BillLine[] {
  return book.lines.flatMap((line) => {
    const used = before === undefined ? 0n : quantityOf(before, line.measure)
    const parts = tierParts(line, used, quantityOf(sums, line.measure))
    return parts.map((part) => priceLine(part, line, book))
  })
}

/** What lines come to together: the sum of amounts that are rounded already, so it is never rounded again. */
export function totalOf(lines: readonly BillLine[]): NanoUsd {
  return nanoUsd(lines.reduce((total, line) => total + line.amountNanoUsd, 0n))
}

/** What sums cost by themselves at list prices, which know no tiers, discounts or minimum; rounded once a line. */
export function costOf(sums: PricedSums, book: PriceBook): NanoUsd {
  const { denominator } = book
  const amounts = book.lines.map(({ measure, weight }) =>
    roundHalfUp({ numerator: quantityOf(sums, measure) * weight, denominator }),
  )
  return nanoUsd(amounts.reduce((total, amount) => total + amount, 0n))
}

/** What sums are worth at list prices before any rounding, in 1/denominator nanoUSD of the book. Worths of parts add up exactly. */
export function worthOf(sums: PricedSums, book: PriceBook): bigint {
  return book.lines.reduce((worth, line) => worth + quantityOf(sums, line.measure) * line.weight, 0n)
}

/**
 * The most that a bill can come to whose quantities are worth `worth` or less, whichever lines they fall in. Equal to
 * the bill itself while at most one line of the book has a price that is not a whole nanoUSD, as in the shipped one.
 */
export function highestCost(worth: bigint, { denominator, fractionalLines }: Rounding): NanoUsd {
  if (worth === 0n) return nanoUsd(0n)
  return nanoUsd((2n * worth + fractionalLines * denominator) / (2n * denominator))
}

/** What of a line's quantity falls in one tier. */
interface TierPart {
  readonly tier: PriceTier
  /** Where the tier begins. */
  readonly from: bigint
  readonly quantity: bigint
}

/** Cuts a quantity that comes after `used` at the ends of tiers. Never empty: nothing at all is in the tier it would be in. */
function tierParts({ tiers }: PriceLine, used: bigint, quantity: bigint): readonly TierPart[] {
  const parts = tiers.map((tier, index): TierPart => {
    const from = tiers[index - 1]?.upTo ?? 0n
    const start = used > from ? used : from
    const end = tier.upTo !== undefined && tier.upTo < used + quantity ? tier.upTo : used + quantity
    return { tier, from, quantity: end > start ? end - start : 0n }
  })
  const some = parts.filter((part) => part.quantity > 0n)
  return some.length > 0 ? some : parts.filter(({ tier }) => tier.upTo === undefined || tier.upTo > used).slice(0, 1)
}

function priceLine({ tier, from, quantity }: TierPart, priced: PriceLine, { denominator }: PriceBook): BillLine {
  const inUnits = (value: bigint): string => formatDecimal({ numerator: value, denominator: priced.perUnit })
  const range = tier.upTo === undefined ? `over ${inUnits(from)}` : `${inUnits(from)} to ${inUnits(tier.upTo)}`
  return {
    line: priced.line,
    description: priced.description,
    quantity: inUnits(quantity),
    unit: priced.unit,
    unitPrice: tier.unitPrice,
    ...(priced.tiers.length > 1 && { tier: range }),
    amountNanoUsd: roundHalfUp({ numerator: quantity * tier.weight, denominator }),
  }
}

/** What a line counts, in the ledger's quantities. */
export function quantityOf(sums: PricedSums, measure: Measure): bigint {
  switch (measure.kind) {
    case 'unitMebibytes':
    case 'requests':
    case 'cpuMicros':
    case 'egressBytes':
    case 'ingressBytes':
    case 'storedByteHours':
      return sums[measure.kind]
    case 'operations':
      return measure.names.reduce((total, name) => total + (sums.operations[name] ?? 0n), 0n)
  }
}
