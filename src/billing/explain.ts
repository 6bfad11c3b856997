import type { TenantId } from '../core/ids.ts'
import type { LedgerRecord, LedgerStore, UsageSums } from '../core/stores.ts'
import type { RunId } from '../core/ids.ts'
import { CloisterError } from '../core/errors.ts'
import { type BilledLine, type Bill } from './bill.ts'
import { formatDecimal } from './decimal.ts'
import { type Period, isoTime, periodName, quoted } from './period.ts'
import type { Measure, PriceLine } from './price-book.ts'
import type { PriceBooks } from './price-books.ts'
import { quantityOf } from './price.ts'
import { sumsOfRun } from './usage.ts'

/** Runs of one page of an explanation, if no number is asked for, and at most. */
export const EXPLAINED_RUNS = { fallback: 100, max: 1_000 } as const

/** A run that is part of a line. */
export interface ExplainedRun {
  readonly runId: RunId
  readonly startedAt: string
  /** In the unit of the line. */
  readonly quantity: string
  /** How the quantity comes about, with the run's own figures. */
  readonly arithmetic: string
}

/** Where a line of a bill comes from. Plain JSON. */
export interface Explanation {
  readonly tenant: TenantId
  readonly period: string
  readonly line: string
  /** The line as it is in the bill; several if it has tiers or the month several price books. */
  readonly billed: readonly BilledLine[]
  /** How a quantity is made of the figures of the ledger. */
  readonly formula: string
  /** By day: their quantities add up to those of the line. */
  readonly days: readonly { readonly day: string; readonly quantity: string; readonly records: number }[]
  /** Newest first; only those that the line counts something of. */
  readonly runs: readonly ExplainedRun[]
  /** `before` for the page after this one; absent on the last. */
  readonly next?: RunId
}

interface Question {
  readonly tenant: TenantId
  readonly period: Period
  readonly line: string
  readonly before?: RunId | undefined
  readonly limit: number
}

interface Parts {
  readonly ledger: LedgerStore
  readonly prices: PriceBooks
}

/** Explains a line of a bill down to its runs. Throws NOT_FOUND if no price book of the month has such a line. */
export async function explain(question: Question, bill: Bill, { ledger, prices }: Parts): Promise<Explanation> {
  const { tenant, period, line, before, limit } = question
  const priced = prices.segments(period).flatMap(({ book }) => book.lines)
  const found = priced.find((each) => each.line === line)
  if (found === undefined) {
    const known = [...new Set(priced.map((each) => each.line))].join(', ')
    throw new CloisterError('NOT_FOUND', `the bill has no line ${quoted(line)} to explain; it has ${known}`)
  }
  const days = await ledger.sum(tenant, period, ['day'])
  const page = await ledger.page(tenant, { range: period, limit, ...(before && { before }) })
  const next = page.length < limit ? undefined : page.at(-1)?.run
  return {
    tenant,
    period: periodName(period),
    line,
    billed: bill.lines.filter((each) => each.line === line),
    formula: formulaOf(found),
    days: days.flatMap((sums) => dayOf(sums, found)),
    runs: page.flatMap((record) => explainRun(record, found)),
    ...(next !== undefined && { next }),
  }
}

function dayOf(sums: UsageSums, line: PriceLine): Explanation['days'] {
  const quantity = quantityOf(sums, line.measure)
  if (quantity === 0n) return []
  return [{ day: sums.group.day ?? '', quantity: inUnits(quantity, line), records: Number(sums.records) }]
}

function explainRun({ run, startedAt, usage }: LedgerRecord, line: PriceLine): readonly ExplainedRun[] {
  const quantity = quantityOf(sumsOfRun(usage), line.measure)
  if (quantity === 0n) return []
  const text = inUnits(quantity, line)
  return [{ runId: run, startedAt: isoTime(startedAt), quantity: text, arithmetic: arithmeticOf(usage, line, text) }]
}

function inUnits(quantity: bigint, { perUnit }: PriceLine): string {
  return formatDecimal({ numerator: quantity, denominator: perUnit })
}

const FORMULAS: Record<Measure['kind'], string> = {
  unitMebibytes: 'Σ over records: units × memoryMb ÷ 10240, where units = max(1, ⌈wall time ÷ 100 ms⌉)',
  requests: 'Σ over runs: 1',
  cpuMicros: 'Σ over records: CPU time in µs ÷ 1000000',
  egressBytes: 'Σ over records: bytes sent ÷ 2^30',
  ingressBytes: 'Σ over records: bytes received ÷ 2^30',
  storedByteHours: 'Σ over hours: bytes kept ÷ 2^30',
  operations: 'Σ over records: calls of the operations',
}

function formulaOf({ measure, unit }: PriceLine): string {
  const names = measure.kind === 'operations' ? ` ${measure.names.join(', ')}` : ''
  return `${unit}s = ${FORMULAS[measure.kind]}${names}; amount = quantity × unitPrice, rounded once for the line`
}

function arithmeticOf(usage: LedgerRecord['usage'], { measure }: PriceLine, quantity: string): string {
  switch (measure.kind) {
    case 'unitMebibytes':
      return `max(1, ⌈${usage.wall} µs ÷ 100000⌉) = ${usage.units} units; ${usage.units} × ${usage.memory} ÷ 10240 = ${quantity}`
    case 'requests':
      return '1 run'
    case 'cpuMicros':
      return `${usage.cpu} µs ÷ 1000000 = ${quantity}`
    case 'egressBytes':
      return `${usage.egress} B ÷ 2^30 = ${quantity}`
    case 'ingressBytes':
      return `${usage.ingress} B ÷ 2^30 = ${quantity}`
    case 'storedByteHours':
      return ''
    case 'operations': {
      const counts = measure.names.filter((name) => (usage.operations[name] ?? 0) > 0)
      return `${counts.map((name) => `${usage.operations[name]} ${name}`).join(' + ')} = ${quantity}`
    }
  }
}
