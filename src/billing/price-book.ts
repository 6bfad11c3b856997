import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { CloisterError } from '../core/errors.ts'
import { type EpochMillis, type NanoUsd, epochMillis, nanoUsd } from '../core/quantity.ts'
import { type Rational, formatDecimal, leastCommonMultiple, parseDecimal, reduced } from './decimal.ts'
import {
  type PriceBookDocument,
  type PriceBookFault,
  priceBookFaults,
  priceBookListFaults,
  priceBookSchema,
} from './price-book-schema.ts'

/** What a line of the bill counts, in whole numbers of the ledger. */
export type Measure =
  | { readonly kind: 'unitMebibytes' }
  | { readonly kind: 'requests' }
  | { readonly kind: 'cpuMicros' }
  | { readonly kind: 'egressBytes' }
  | { readonly kind: 'ingressBytes' }
  | { readonly kind: 'storedByteHours' }
  | { readonly kind: 'operations'; readonly names: readonly string[] }

/** A stretch of a line's quantity in a month, and its price. */
export interface PriceTier {
  /** Where it ends, in the ledger's quantities; undefined: nowhere. */
  readonly upTo: bigint | undefined
  /** Dollars for one unit, as exact decimal text. */
  readonly unitPrice: string
  /** Price of one of the ledger's quantities, in fractions of a nanoUSD: divide by the book's `denominator`. */
  readonly weight: bigint
}

/** A share of lines that is not charged. */
export interface Discount {
  readonly name: string
  /** As a fraction of 1. */
  readonly share: Rational
  /** Undefined: all lines. */
  readonly lines: ReadonlySet<string> | undefined
}

/** One priced quantity. */
export interface PriceLine {
  readonly line: string
  readonly description: string
  readonly measure: Measure
  /** What the price is for, and how many of the ledger's quantities that is: a GB-second is 10240 unit-MiB. */
  readonly unit: string
  readonly perUnit: bigint
  /** From the first unit of a month on; never none. */
  readonly tiers: readonly PriceTier[]
  /** The list price: that of the dearest tier. */
  readonly unitPrice: string
  readonly weight: bigint
}

/** Prices, checked and ready to multiply with. Frozen; only {@link parsePriceBook} makes one. */
export interface PriceBook {
  readonly name: string
  readonly version: number
  readonly currency: 'USD'
  readonly effectiveFrom: EpochMillis
  readonly lines: readonly PriceLine[]
  /** Common denominator of all prices: weights are in 1/denominator nanoUSD, so sums over lines stay exact. */
  readonly denominator: bigint
  /** How many lines can have an amount that is not a whole nanoUSD: what rounding can add is half of it. */
  readonly fractionalLines: bigint
  /** List price of each operation that has one, in 1/denominator nanoUSD: of all its lines together. */
  readonly operationWeights: ReadonlyMap<string, bigint>
  readonly minimum: NanoUsd
  readonly discounts: readonly Discount[]
  /** The JSON that it was made of: what an invoice keeps to be made again. */
  readonly source: string
}

/** A price book, or every reason why there is none. */
export type ParsedPriceBook =
  { readonly ok: true; readonly book: PriceBook } | { readonly ok: false; readonly faults: readonly PriceBookFault[] }

/** Price books by the day from which they hold, or every reason why there are none. */
export type ParsedPriceBooks =
  | { readonly ok: true; readonly books: readonly PriceBook[] }
  | { readonly ok: false; readonly faults: readonly PriceBookFault[] }

const SHIPPED = 'policies/prices/default.json'
const MEBIBYTE_UNITS_PER_GB_SECOND = 10_240n
const MILLION = 1_000_000n
const GB = 1n << 30n
const NANO = 1_000_000_000n

/** Checks JSON and makes a price book of it, or lists every fault in it. */
export function parsePriceBook(value: unknown): ParsedPriceBook {
  const faults = priceBookFaults(value)
  if (faults.length > 0) return { ok: false, faults }
  return { ok: true, book: compile(priceBookSchema.parse(value)) }
}

/** Checks JSON of one price book, or of a list of its versions by date, and lists every fault in it. */
export function parsePriceBooks(value: unknown): ParsedPriceBooks {
  if (!Array.isArray(value)) {
    const parsed = parsePriceBook(value)
    return parsed.ok ? { ok: true, books: [parsed.book] } : parsed
  }
  const faults = priceBookListFaults(value)
  if (faults.length > 0) return { ok: false, faults }
  return { ok: true, books: value.map((each) => compile(priceBookSchema.parse(each))) }
}

/**
 * Reads a price book or a list of its versions, the shipped one if no path is given. Meant for start-up: it blocks while it reads. Throws
 * INVALID_REQUEST with the path and every fault if the file cannot be read, is not JSON or is not a price book.
 */
export function loadPriceBooks(path: string = shippedPath()): readonly PriceBook[] {
  const parsed = parsePriceBooks(readJson(path))
  if (parsed.ok) return parsed.books
  const faults = parsed.faults.map((fault) => `${fault.path === '' ? 'the document' : fault.path} ${fault.message}`)
  throw new CloisterError('INVALID_REQUEST', `price book ${path}: ${faults.join('; ')}`)
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new CloisterError('INVALID_REQUEST', `price book ${path}: ${String(cause)}`, { cause })
  }
}

function shippedPath(): string {
  // From src/billing and dist/billing the package is two folders up; from dist/src/billing it is three.
  const paths = ['../../', '../../../'].map((up) => fileURLToPath(new URL(up + SHIPPED, import.meta.url)))
  return paths.find((path) => existsSync(path)) ?? paths.join(' or ')
}

interface DraftTier {
  readonly upTo: bigint | undefined
  readonly usd: Rational
}
type Price = PriceBookDocument['prices']['computeUsdPerGbSecond']
type Draft = Omit<PriceLine, 'unitPrice' | 'weight' | 'tiers'> & { readonly tiers: readonly DraftTier[] }

function compile(document: PriceBookDocument): PriceBook {
  const drafts = draftLines(document)
  const exactOf = ({ usd }: DraftTier, perUnit: bigint): Rational =>
    reduced(usd.numerator * NANO, usd.denominator * perUnit)
  const exact = drafts.flatMap(({ tiers, perUnit }) => tiers.map((tier) => exactOf(tier, perUnit)))
  const denominator = exact.reduce((common, each) => leastCommonMultiple(common, each.denominator), 1n)
  const lines = drafts.map(({ tiers: drawn, ...draft }): PriceLine => {
    const tiers = drawn.map((tier): PriceTier => {
      const { numerator, denominator: own } = exactOf(tier, draft.perUnit)
      const upTo = tier.upTo === undefined ? undefined : tier.upTo * draft.perUnit
      return Object.freeze({ upTo, unitPrice: formatDecimal(tier.usd), weight: numerator * (denominator / own) })
    })
    const list = tiers.reduce((dearest, tier) => (tier.weight > dearest.weight ? tier : dearest))
    return Object.freeze({ ...draft, tiers, unitPrice: list.unitPrice, weight: list.weight })
  })
  return Object.freeze({
    name: document.name,
    version: document.version,
    currency: document.currency,
    effectiveFrom: epochMillis(Date.parse(document.effectiveFrom)),
    lines: Object.freeze(lines),
    denominator,
    fractionalLines: BigInt(exact.filter((each) => each.denominator !== 1n).length),
    operationWeights: weighOperations(lines),
    minimum: nanoUsd(
      (decimal(document.minimumUsdPerMonth ?? '0').numerator * NANO) /
        decimal(document.minimumUsdPerMonth ?? '0').denominator,
    ),
    discounts: (document.discounts ?? []).map(({ name, percent, lines: named }) => {
      const { numerator, denominator: under } = decimal(percent)
      return { name, share: reduced(numerator, under * 100n), lines: named && new Set(named) }
    }),
    source: JSON.stringify(document),
  })
}

function draftLines({ prices, operations }: PriceBookDocument): readonly Draft[] {
  const tiersOf = (price: Price, per = 1n): readonly DraftTier[] => {
    const list = typeof price === 'string' ? [{ usd: price }] : price
    return list.map(({ usd, upTo }: { usd: string; upTo?: number | undefined }) => {
      const { numerator, denominator } = decimal(usd)
      return { upTo: upTo === undefined ? undefined : BigInt(upTo), usd: reduced(numerator, denominator * per) }
    })
  }
  const optional = (price: Price | undefined, draft: Omit<Draft, 'tiers'>): readonly Draft[] =>
    price === undefined ? [] : [{ ...draft, tiers: tiersOf(price) }]
  return [
    {
      line: 'compute',
      description: 'Configured memory × time, in units of 100 ms',
      measure: { kind: 'unitMebibytes' },
      unit: 'GB-second',
      perUnit: MEBIBYTE_UNITS_PER_GB_SECOND,
      tiers: tiersOf(prices.computeUsdPerGbSecond),
    },
    {
      line: 'requests',
      description: 'Runs',
      measure: { kind: 'requests' },
      unit: 'request',
      perUnit: 1n,
      tiers: tiersOf(prices.requestUsdPerMillion, MILLION),
    },
    {
      line: 'cpu',
      description: 'CPU time',
      measure: { kind: 'cpuMicros' },
      unit: 'CPU-second',
      perUnit: MILLION,
      tiers: tiersOf(prices.cpuUsdPerSecond ?? '0'),
    },
    ...optional(prices.egressUsdPerGb, {
      line: 'egress',
      description: 'Sent to networks',
      measure: { kind: 'egressBytes' },
      unit: 'GB',
      perUnit: GB,
    }),
    ...optional(prices.ingressUsdPerGb, {
      line: 'ingress',
      description: 'Received from networks',
      measure: { kind: 'ingressBytes' },
      unit: 'GB',
      perUnit: GB,
    }),
    ...optional(prices.storedUsdPerGbHour, {
      line: 'storage',
      description: 'Kept in stores × time',
      measure: { kind: 'storedByteHours' },
      unit: 'GB-hour',
      perUnit: GB,
    }),
    ...Object.entries(operations).map(([line, names]): Draft => ({
      line: `operations:${line}`,
      description: `Operations: ${names.join(', ')}`,
      measure: { kind: 'operations', names },
      unit: 'operation',
      perUnit: 1n,
      tiers: tiersOf(prices.operationsUsdPerMillion[line] ?? '0', MILLION),
    })),
  ]
}

function decimal(text: string): Rational {
  const parsed = parseDecimal(text)
  if (parsed === undefined) throw new CloisterError('INTERNAL', `the price ${text} was not checked`)
  return parsed
}

function weighOperations(lines: readonly PriceLine[]): ReadonlyMap<string, bigint> {
  const weights = new Map<string, bigint>()
  for (const { measure, weight } of lines) {
    if (measure.kind !== 'operations') continue
    for (const name of measure.names) weights.set(name, (weights.get(name) ?? 0n) + weight)
  }
  return weights
}
