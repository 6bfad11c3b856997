import assert from 'node:assert/strict'
import { CloisterError } from '../core/errors.ts'
import type { RunId, TenantId } from '../core/ids.ts'
import { type EpochMillis, type NanoUsd, micros } from '../core/quantity.ts'
import type { Billing, Report, Ticket, Usage } from '../core/run.ts'
import type { InvoiceStore } from '../core/invoices.ts'
import type { LedgerRecord, RunDetails, StoredBytes, TimeRange, UsageGroup } from '../core/stores.ts'
import { lookForAnomaly } from './anomaly.ts'
import { billHtml } from './bill-html.ts'
import type { Bill } from './bill.ts'
import { type BudgetParts, Budgets } from './budget.ts'
import type { BudgetStatus } from './budget-report.ts'
import { EXPLAINED_RUNS, type Explanation, explain } from './explain.ts'
import { RunHold } from './hold.ts'
import { Invoices } from './invoices.ts'
import { LedgerGate } from './ledger-gate.ts'
import { measure } from './meter.ts'
import { parsePeriod } from './period.ts'
import { parsePriceBooks } from './price-book.ts'
import { PriceBooks } from './price-books.ts'
import { costOf } from './price.ts'
import { type RangeText, checkRows, parseGroups, parseRange } from './range.ts'
import { ALL_TIME, type Verification, recordLines } from './records.ts'
import { storageRecord } from './storage.ts'
import { type UsageReport, makeUsageReport, sumsOfRun } from './usage.ts'

interface Parts extends BudgetParts {
  readonly invoices: InvoiceStore
  /** Where the last closed month ends. */
  readonly closedUntil: EpochMillis
}

/** The stage that holds, meters and posts, and the questions that its ledger and price book answer. */
export interface BillingDesk extends Billing {
  /** What one run cost at list prices, those of now if no time is given, by the lines and the rounding of a bill. */
  cost(usage: Usage, at?: EpochMillis): NanoUsd
  /**
   * The bill of a month, `YYYY-MM`, the current one if none is named; once the month is closed, its invoice. Throws
   * INVALID_PERIOD, also for a month that is yet to come or before the price book.
   */
  bill(tenant: TenantId, period?: string): Promise<Bill>
  /** The bill as a page to print, which says whether it is an invoice. Throws INVALID_PERIOD. */
  billPage(tenant: TenantId, period?: string): Promise<string>
  /** Where a line of a bill comes from, down to its runs. Throws INVALID_PERIOD, and NOT_FOUND if there is no such line. */
  explain(tenant: TenantId, question: ExplainQuestion): Promise<Explanation>
  /** The bill of a month as it would be by another price book. Throws INVALID_REQUEST with every fault of the book. */
  simulate(tenant: TenantId, book: unknown, period?: string): Promise<Simulation>
  /** Closes the months that are over into invoices. Resolves with how many it closed. */
  closeMonths(): Promise<number>
  /** Quantities and their price, grouped as asked. Throws INVALID_PERIOD for hours over more than 31 days. */
  usage(tenant: TenantId, range: TimeRange, groupBy: readonly UsageGroup[]): Promise<UsageReport>
  /** What is spent, held and left, today and this month. */
  budget(tenant: TenantId): Promise<BudgetStatus>
  /** The records behind a month's bill, or all there are, as NDJSON in the order of the chain. Throws INVALID_PERIOD at once. */
  records(tenant: TenantId, period?: string): AsyncIterable<string>
  /**
   * Charges the current hour of what tenants keep, if the price book has a price for it. Again within the hour it changes
   * nothing.
   */
  chargeStorage(stored: readonly StoredBytes[]): Promise<void>
  /** Checks the tenant's whole chain, from its first record, that roll-ups are the sums of it, and that invoices are what it makes. */
  verify(tenant: TenantId): Promise<Verification>
  /** Looks whether tenants have spent far more in the last hour than they use to, and tells by events. */
  lookForAnomalies(tenants: readonly TenantId[]): Promise<void>
  /** A range as callers write it; the current month if they write none. Throws INVALID_PERIOD naming the field. */
  parseRange(text: RangeText): TimeRange
  /** A list such as `day,outcome`. Throws INVALID_REQUEST naming what is allowed. */
  parseGroups(text: string | undefined): readonly UsageGroup[]
}

/** Which line, and which of its runs. */
export interface ExplainQuestion {
  readonly line: string
  readonly period?: string | undefined
  readonly before?: RunId | undefined
  readonly limit?: number | undefined
}

/** A bill beside what it would be. */
export interface Simulation {
  readonly bill: Bill
  readonly simulated: Bill
}

/** Puts the stage together. Reads nothing yet. */
export function createBilling(parts: Parts): BillingDesk {
  const { clock, ledger, prices } = parts
  const budgets = new Budgets(parts)
  const gate = new LedgerGate(parts)
  const invoices = new Invoices(parts, parts.closedUntil)
  return {
    reserve(ticket) {
      gate.check()
      return budgets.reserve(ticket)
    },
    async post(hold, report, consumed) {
      assert(hold instanceof RunHold, 'a hold comes from reserve')
      const usage = measure(report, hold.ticket, consumed)
      await budgets.post(hold, usage, () => {
        const startedAt = invoices.dated(hold.ticket.admittedAt)
        const record = recordOf(hold.ticket, report, usage, startedAt)
        return gate.post(() => ledger.post(record, detailsOf(report, usage)))
      })
      return usage
    },
    cost: (usage, at = clock.now()) => costOf(sumsOfRun(usage), prices.at(at)),
    bill: async (tenant, text) => invoices.bill(tenant, parsePeriod(text, clock.now())),
    async billPage(tenant, text) {
      const period = parsePeriod(text, clock.now())
      const kind = (await invoices.isClosed(tenant, period)) ? 'invoice' : 'preview'
      return billHtml(await invoices.bill(tenant, period), kind)
    },
    async explain(tenant, { line, period: text, before, limit = EXPLAINED_RUNS.fallback }) {
      const period = parsePeriod(text, clock.now())
      const bill = await invoices.bill(tenant, period)
      return explain({ tenant, period, line, before, limit }, bill, parts)
    },
    async simulate(tenant, book, text) {
      const period = parsePeriod(text, clock.now())
      const simulated = await invoices.make(tenant, period, simulatedPrices(book))
      return { bill: await invoices.bill(tenant, period), simulated }
    },
    closeMonths: () => invoices.closeDue(clock.now()),
    async usage(tenant, range, groupBy) {
      checkRows(range, groupBy)
      return makeUsageReport({ tenant, range, groupBy }, await ledger.sum(tenant, range, groupBy), prices)
    },
    budget: (tenant) => budgets.status(tenant),
    records(tenant, text) {
      const range = text === undefined ? ALL_TIME : parsePeriod(text, clock.now())
      return recordLines(ledger.records(tenant, range))
    },
    async verify(tenant) {
      const verdict = await ledger.verify(tenant)
      if (!verdict.ok) return verdict
      const period = await invoices.audit(tenant)
      return period === undefined ? verdict : { ok: false, reason: 'invoice-differs', period }
    },
    async chargeStorage(stored) {
      const now = clock.now()
      // What has no price leaves no records: a ledger of runs alone has one record a run.
      if (!prices.at(now).lines.some(({ measure }) => measure.kind === 'storedByteHours')) return
      for (const each of stored) {
        const record = storageRecord(each, now)
        const startedAt = invoices.dated(record.startedAt)
        await budgets.append(each.tenant, () => ledger.post({ ...record, startedAt }, { logs: [] }))
      }
    },
    async lookForAnomalies(tenants) {
      for (const tenant of tenants) await lookForAnomaly(tenant, clock.now(), parts)
    },
    parseRange: (text) => parseRange(text, clock.now()),
    parseGroups,
  }
}

function simulatedPrices(book: unknown): PriceBooks {
  const parsed = parsePriceBooks(book)
  if (parsed.ok) return new PriceBooks(parsed.books)
  const faults = parsed.faults.map(({ path, message }) => `${path === '' ? '`book`' : `\`book\` ${path}`} ${message}`)
  throw new CloisterError('INVALID_REQUEST', faults.join('; '))
}

function recordOf(
  { run, request, policy }: Ticket,
  report: Report,
  usage: Usage,
  startedAt: EpochMillis,
): LedgerRecord {
  const { tenant, trigger, function: deployed, parentRun } = request
  const { status, walls } = report
  return {
    run,
    tenant,
    trigger,
    ...(deployed && { function: deployed }),
    ...(parentRun && { parentRun }),
    status,
    startedAt,
    usage,
    policy: policy.name,
    walls,
  }
}

function detailsOf({ error, logs, killReason, wall }: Report, usage: Usage): RunDetails {
  // What is charged ends at the limit; that the host was late is told all the same.
  const overdue = wall > usage.wall ? micros(wall - usage.wall) : undefined
  return {
    ...(error && { error }),
    logs,
    ...(killReason !== undefined && { killReason }),
    ...(overdue !== undefined && { overdue }),
  }
}
