import { type NanoUsd, nanoUsd } from '../core/quantity.ts'
import type { UsageSums } from '../core/stores.ts'
import { formatDecimal, formatNanoUsd, roundHalfUp } from './decimal.ts'
import type { Discount, PriceBook } from './price-book.ts'
import type { BookSegment } from './price-books.ts'
import { type BillLine, priceLines, totalOf } from './price.ts'
import { NOTHING, addSums } from './usage.ts'

/** What was used in a part of a month in which one price book holds. */
export interface RatedSegment extends BookSegment {
  readonly sums: UsageSums
}

/** A line of a bill, and the price book that it is by. */
export interface RatedLine extends BillLine {
  readonly book: PriceBook
}

/**
 * Prices a month: each part of it by the book that held then, tiers counted through from the start of the month, then
 * the discounts of each book off its own lines, then what is missing to the minimum of the last book.
 *
 * Invariant: every amount is its quantity × its unit price, rounded once, and depends on nothing but segments.
 */
export function rateMonth(segments: readonly RatedSegment[]): readonly RatedLine[] {
  let before = NOTHING
  const lines = segments.flatMap(({ book, sums }) => {
    const priced = priceLines(sums, book, before)
    before = addSums(before, sums)
    return [...priced, ...discountLines(priced, book)].map((line): RatedLine => ({ ...line, book }))
  })
  const last = segments.at(-1)?.book
  const isUsed = before.records > 0n
  return last === undefined || !isUsed ? lines : [...lines, ...minimumLine(totalOf(lines), last)]
}

/** Each discount is taken off what the ones before it left. */
function discountLines(priced: readonly BillLine[], { discounts }: PriceBook): readonly BillLine[] {
  const left = priced.map(({ line, amountNanoUsd }) => ({ line, amount: amountNanoUsd as bigint }))
  return discounts.map((discount) => {
    const affected = left.filter(({ line }) => discount.lines?.has(line) ?? true)
    const base = affected.reduce((sum, { amount }) => sum + amount, 0n)
    const off = shareOf(base, discount)
    // The next discount starts from what is left, line by line: the last of the affected lines takes the remainder.
    let rest: bigint = off
    for (const [index, each] of affected.entries()) {
      const part = index === affected.length - 1 ? rest : shareOf(each.amount, discount)
      each.amount -= part
      rest -= part
    }
    return discountLine(discount, base, off)
  })
}

function shareOf(amount: bigint, { share }: Discount): NanoUsd {
  return roundHalfUp({ numerator: amount * share.numerator, denominator: share.denominator })
}

function discountLine({ name, share, lines }: Discount, base: bigint, off: NanoUsd): BillLine {
  const percent = formatDecimal({ numerator: share.numerator * 100n, denominator: share.denominator })
  return {
    line: `discount:${name}`,
    description: `${percent} % off ${lines === undefined ? 'all lines' : [...lines].join(', ')}`,
    quantity: formatNanoUsd(nanoUsd(base)),
    unit: 'USD',
    unitPrice: share.numerator === 0n ? '0' : `-${formatDecimal(share)}`,
    amountNanoUsd: nanoUsd(-off),
  }
}

function minimumLine(total: NanoUsd, book: PriceBook): readonly RatedLine[] {
  const missing = book.minimum - total
  if (missing <= 0n) return []
  const line: BillLine = {
    line: 'minimum',
    description: `Up to the least that a month costs, ${formatNanoUsd(book.minimum)}`,
    quantity: formatNanoUsd(nanoUsd(missing)),
    unit: 'USD',
    unitPrice: '1',
    amountNanoUsd: nanoUsd(missing),
  }
  return [{ ...line, book }]
}
