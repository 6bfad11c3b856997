import assert from 'node:assert/strict'
import type { EpochMillis } from '../core/quantity.ts'
import { epochMillis } from '../core/quantity.ts'
import type { TimeRange } from '../core/stores.ts'
import { leastCommonMultiple } from './decimal.ts'
import type { PriceBook } from './price-book.ts'

/** A stretch of time in which one price book holds. */
export interface BookSegment {
  readonly book: PriceBook
  readonly range: TimeRange
}

/** What bounds the rounding of a bill: see `highestCost`. */
export interface Rounding {
  readonly denominator: bigint
  readonly fractionalLines: bigint
}

/**
 * The versions of the price book by the day from which they hold.
 *
 * Invariant: all have one `denominator`, so that what is worth something under one adds up with what is under another.
 */
export class PriceBooks {
  /** Oldest first. */
  readonly all: readonly PriceBook[]

  /** Asserts that there is a book and that they are in order: only {@link parsePriceBooks} makes lists of them. */
  constructor(books: readonly PriceBook[]) {
    assert(books.length > 0, 'there is a price book')
    const denominator = books.reduce((common, book) => leastCommonMultiple(common, book.denominator), 1n)
    this.all = books.map((book) => withDenominator(book, denominator))
  }

  /** The book that holds at a moment; the oldest for what was before all of them. */
  at(moment: EpochMillis): PriceBook {
    return this.all.findLast(({ effectiveFrom }) => effectiveFrom <= moment) ?? this.#first
  }

  /** From when on there are prices. */
  get since(): EpochMillis {
    return this.#first.effectiveFrom
  }

  /** A range cut where another book begins to hold, in order. The segments are the range. */
  segments({ from, to }: TimeRange): readonly BookSegment[] {
    return this.all.flatMap((book, index) => {
      const start = index === 0 ? from : Math.max(from, book.effectiveFrom)
      const end = Math.min(to, this.all[index + 1]?.effectiveFrom ?? to)
      return start < end ? [{ book, range: { from: epochMillis(start), to: epochMillis(end) } }] : []
    })
  }

  /** How far the rounded lines of a range can be above what they are worth. */
  rounding(range: TimeRange): Rounding {
    const books = this.segments(range).map(({ book }) => book)
    return {
      denominator: this.#first.denominator,
      fractionalLines: books.reduce((sum, book) => sum + book.fractionalLines, 0n),
    }
  }

  get #first(): PriceBook {
    const [first] = this.all
    assert(first !== undefined, 'there is a price book')
    return first
  }
}

function withDenominator(book: PriceBook, denominator: bigint): PriceBook {
  const factor = denominator / book.denominator
  if (factor === 1n) return book
  const lines = book.lines.map((line) => ({
    ...line,
    weight: line.weight * factor,
    tiers: line.tiers.map((tier) => ({ ...tier, weight: tier.weight * factor })),
  }))
  return Object.freeze({ ...book, lines, denominator })
}
