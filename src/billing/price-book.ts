import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { CloisterError } from '../core/errors.ts'
import { type EpochMillis, epochMillis } from '../core/quantity.ts'
import { type Rational, formatDecimal, leastCommonMultiple, parseDecimal, reduced } from './decimal.ts'
import { type PriceBookDocument, type PriceBookFault, priceBookFaults, priceBookSchema } from './price-book-schema.ts'

/** What a line of the bill counts, in whole numbers of the ledger. */
export type Measure =
  | { readonly kind: 'unitMebibytes' }
  | { readonly kind: 'requests' }
  | { readonly kind: 'cpuMicros' }
  | { readonly kind: 'operations'; readonly names: readonly string[] }

/** One priced quantity. */
export interface PriceLine {
  readonly line: string
  readonly description: string
  readonly measure: Measure
  /** What the price is for, and how many of the ledger's quantities that is: a GB-second is 10240 unit-MiB. */
  readonly unit: string
  readonly perUnit: bigint
  /** Dollars for one unit, as exact decimal text. */
  readonly unitPrice: string
  /** Price of one of the ledger's quantities, in fractions of a nanoUSD: divide by the book's `denominator`. */
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
  /** The dearest operation of each capability that has a priced one. */
  readonly dearest: ReadonlyMap<string, string>
}

/** A price book, or every reason why there is none. */
export type ParsedPriceBook =
  { readonly ok: true; readonly book: PriceBook } | { readonly ok: false; readonly faults: readonly PriceBookFault[] }

const SHIPPED = 'policies/prices/default.json'
const MEBIBYTE_UNITS_PER_GB_SECOND = 10_240n
const MILLION = 1_000_000n
const NANO = 1_000_000_000n

/** Checks JSON and makes a price book of it, or lists every fault in it. */
export function parsePriceBook(value: unknown): ParsedPriceBook {
  const faults = priceBookFaults(value)
  if (faults.length > 0) return { ok: false, faults }
  return { ok: true, book: compile(priceBookSchema.parse(value)) }
}

/**
 * Reads a price book, the shipped one if no path is given. Meant for start-up: it blocks while it reads. Throws
 * INVALID_REQUEST with the path and every fault if the file cannot be read, is not JSON or is not a price book.
 */
export function loadPriceBook(path: string = shippedPath()): PriceBook {
  const parsed = parsePriceBook(readJson(path))
  if (parsed.ok) return parsed.book
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

type Draft = Omit<PriceLine, 'unitPrice' | 'weight'> & { readonly usd: Rational }

function compile(document: PriceBookDocument): PriceBook {
  const drafts = draftLines(document)
  const exact = drafts.map(({ usd, perUnit }) => reduced(usd.numerator * NANO, usd.denominator * perUnit))
  const denominator = exact.reduce((common, each) => leastCommonMultiple(common, each.denominator), 1n)
  const weights = exact.map((each) => each.numerator * (denominator / each.denominator))
  const lines = drafts.map(({ usd, ...draft }, index) => {
    return Object.freeze({ ...draft, unitPrice: formatDecimal(usd), weight: weights[index] ?? 0n })
  })
  return Object.freeze({
    name: document.name,
    version: document.version,
    currency: document.currency,
    effectiveFrom: epochMillis(Date.parse(document.effectiveFrom)),
    lines: Object.freeze(lines),
    denominator,
    fractionalLines: BigInt(exact.filter((each) => each.denominator !== 1n).length),
    dearest: dearestOperations(lines),
  })
}

function draftLines({ prices, operations }: PriceBookDocument): readonly Draft[] {
  const perMillion = (text: string): Rational => {
    const { numerator, denominator } = decimal(text)
    return reduced(numerator, denominator * MILLION)
  }
  return [
    {
      line: 'compute',
      description: 'Configured memory × time, in units of 100 ms',
      measure: { kind: 'unitMebibytes' },
      unit: 'GB-second',
      perUnit: MEBIBYTE_UNITS_PER_GB_SECOND,
      usd: decimal(prices.computeUsdPerGbSecond),
    },
    {
      line: 'requests',
      description: 'Runs',
      measure: { kind: 'requests' },
      unit: 'request',
      perUnit: 1n,
      usd: perMillion(prices.requestUsdPerMillion),
    },
    {
      line: 'cpu',
      description: 'CPU time',
      measure: { kind: 'cpuMicros' },
      unit: 'CPU-second',
      perUnit: MILLION,
      usd: decimal(prices.cpuUsdPerSecond ?? '0'),
    },
    ...Object.entries(operations).map(([line, names]): Draft => ({
      line: `operations:${line}`,
      description: `Operations: ${names.join(', ')}`,
      measure: { kind: 'operations', names },
      unit: 'operation',
      perUnit: 1n,
      usd: perMillion(prices.operationsUsdPerMillion[line] ?? '0'),
    })),
  ]
}

function decimal(text: string): Rational {
  const parsed = parseDecimal(text)
  if (parsed === undefined) throw new CloisterError('INTERNAL', `the price ${text} was not checked`)
  return parsed
}

function dearestOperations(lines: readonly PriceLine[]): ReadonlyMap<string, string> {
  const dearest = new Map<string, { name: string; weight: bigint }>()
  for (const { measure, weight } of lines) {
    if (measure.kind !== 'operations') continue
    for (const name of measure.names) {
      const capability = name.slice(0, name.indexOf('.'))
      if (weight > (dearest.get(capability)?.weight ?? -1n)) dearest.set(capability, { name, weight })
    }
  }
  return new Map(Array.from(dearest, ([capability, { name }]) => [capability, name]))
}
