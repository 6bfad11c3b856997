import assert from 'node:assert/strict'
import type { TenantId } from '../core/ids.ts'
import { type Usage } from '../core/run.ts'
import type { TimeRange, UsageGroup, UsageSums } from '../core/stores.ts'
import { eachSum } from '../core/summed.ts'
import { formatNanoUsd } from './decimal.ts'
import { isoTime } from './period.ts'
import type { PriceBook } from './price-book.ts'
import type { PriceBooks } from './price-books.ts'
import { type PricedSums, costOf } from './price.ts'

const MEBIBYTE_UNITS_PER_GB_SECOND = 10_240
const MICROS_PER_MILLI = 1_000

/** Quantities as JSON numbers. All are exact; times and GB-seconds may have a fraction. */
export interface UsageFigures {
  readonly requests: number
  /** Of 100 ms. */
  readonly units: number
  /** Σ units × configured MiB; 10240 are a GB-second. */
  readonly unitMebibytes: number
  readonly gbSeconds: number
  readonly wallMs: number
  readonly cpuMs: number
  readonly inputBytes: number
  readonly outputBytes: number
  /** Sent to networks by capabilities, and received from them. */
  readonly egressBytes: number
  readonly ingressBytes: number
  /** Bytes kept in stores × hours; 2^30 are a GB-hour. */
  readonly storedByteHours: number
  readonly coldStarts: number
  /** By operation, in alphabetical order. */
  readonly operations: Readonly<Record<string, number>>
}

/**
 * A row of usage: the groups asked for, the quantities, and their price in dollars with nine decimals: the list price at
 * the start of the range, without tiers and discounts, which only a whole month has.
 */
export interface UsageRow extends UsageFigures, Readonly<Partial<Record<UsageGroup, string>>> {
  readonly cost: string
}

/** What a tenant used in a range. Plain JSON. */
export interface UsageReport {
  readonly tenant: TenantId
  /** ISO 8601; `to` is not part of the range. */
  readonly from: string
  readonly to: string
  readonly groupBy: readonly UsageGroup[]
  readonly currency: 'USD'
  readonly priceBook: { readonly name: string; readonly version: number }
  readonly rows: readonly UsageRow[]
  /** The whole range as one row. Priced as a whole: rows are rounded one by one, so their costs may sum to a hair off. */
  readonly total: UsageRow
}

interface UsageQuestion {
  readonly tenant: TenantId
  readonly range: TimeRange
  readonly groupBy: readonly UsageGroup[]
}

/** Makes the report of a range from its sums, grouped as asked. Pure. */
export function makeUsageReport(question: UsageQuestion, rows: readonly UsageSums[], prices: PriceBooks): UsageReport {
  const book = prices.at(question.range.from)
  return {
    tenant: question.tenant,
    from: isoTime(question.range.from),
    to: isoTime(question.range.to),
    groupBy: question.groupBy,
    currency: book.currency,
    priceBook: { name: book.name, version: book.version },
    rows: rows.map((row) => usageRow(row, book)),
    total: usageRow(rows.reduce(addSums, NOTHING), book),
  }
}

/** Sums as numbers for JSON. Asserts that they are exact: 2^53 unit-MiB are 15 million dollars at the shipped prices. */
export function figuresOf(sums: UsageSums): UsageFigures {
  const operations = Object.entries(sums.operations).toSorted(([left], [right]) => (left < right ? -1 : 1))
  return {
    requests: exactNumber(sums.requests),
    units: exactNumber(sums.units),
    unitMebibytes: exactNumber(sums.unitMebibytes),
    gbSeconds: exactNumber(sums.unitMebibytes) / MEBIBYTE_UNITS_PER_GB_SECOND,
    wallMs: exactNumber(sums.wallMicros) / MICROS_PER_MILLI,
    cpuMs: exactNumber(sums.cpuMicros) / MICROS_PER_MILLI,
    inputBytes: exactNumber(sums.inputBytes),
    outputBytes: exactNumber(sums.outputBytes),
    egressBytes: exactNumber(sums.egressBytes),
    ingressBytes: exactNumber(sums.ingressBytes),
    storedByteHours: exactNumber(sums.storedByteHours),
    coldStarts: exactNumber(sums.coldStarts),
    operations: Object.fromEntries(operations.map(([name, count]) => [name, exactNumber(count)])),
  }
}

/** One run as sums, so that a run and a month are priced by the same code. */
export function sumsOfRun(usage: Usage): PricedSums {
  const operations = Object.entries(usage.operations)
  return {
    requests: 1n,
    unitMebibytes: BigInt(usage.units) * BigInt(usage.memory),
    cpuMicros: BigInt(usage.cpu),
    egressBytes: BigInt(usage.egress),
    ingressBytes: BigInt(usage.ingress),
    storedByteHours: 0n,
    operations: Object.fromEntries(operations.map(([name, count]) => [name, BigInt(count)])),
  }
}

/** The sums of no record. */
export const NOTHING: UsageSums = Object.freeze({ group: {}, ...eachSum(() => 0n), operations: {} })

function usageRow(sums: UsageSums, book: PriceBook): UsageRow {
  return { ...sums.group, ...figuresOf(sums), cost: formatNanoUsd(costOf(sums, book)) }
}

/** Two sums together. */
export function addSums(left: UsageSums, right: UsageSums): UsageSums {
  const operations = { ...left.operations }
  for (const [name, count] of Object.entries(right.operations)) operations[name] = (operations[name] ?? 0n) + count
  return { group: {}, ...eachSum((name) => left[name] + right[name]), operations }
}

function exactNumber(sum: bigint): number {
  const value = Number(sum)
  assert(Number.isSafeInteger(value), 'a sum is too large for a JSON number')
  return value
}
