import assert from 'node:assert/strict'
import type { TenantId } from '../core/ids.ts'
import { type NanoUsd, micros } from '../core/quantity.ts'
import type { Billing, Report, Ticket, Usage } from '../core/run.ts'
import type { LedgerRecord, RunDetails, StoredBytes, TimeRange, UsageGroup } from '../core/stores.ts'
import { type Bill, makeBill } from './bill.ts'
import { type BudgetParts, Budgets } from './budget.ts'
import type { BudgetStatus } from './budget-report.ts'
import { RunHold } from './hold.ts'
import { sumOf } from './ledger-sum.ts'
import { measure } from './meter.ts'
import { parsePeriod } from './period.ts'
import { costOf } from './price.ts'
import { type RangeText, checkRows, parseGroups, parseRange } from './range.ts'
import { ALL_TIME, type Verification, type VerifyChain, recordLines } from './records.ts'
import { storageRecord } from './storage.ts'
import { type UsageReport, makeUsageReport, sumsOfRun } from './usage.ts'

interface Parts extends BudgetParts {
  readonly verifyChain: VerifyChain
}

/** The stage that holds, meters and posts, and the questions that its ledger and price book answer. */
export interface BillingDesk extends Billing {
  /** What one run cost, by the same lines and the same rounding as a bill. Pure. */
  cost(usage: Usage): NanoUsd
  /**
   * The bill of a month, `YYYY-MM`, the current one if none is named. Throws INVALID_PERIOD, also for a month that is yet
   * to come or before the price book.
   */
  bill(tenant: TenantId, period?: string): Promise<Bill>
  /** Quantities and their price, grouped as asked. Throws INVALID_PERIOD for hours over more than 31 days. */
  usage(tenant: TenantId, range: TimeRange, groupBy: readonly UsageGroup[]): Promise<UsageReport>
  /** What is spent, held and left, today and this month. */
  budget(tenant: TenantId): Promise<BudgetStatus>
  /** The records behind a month's bill, or all there are, as NDJSON in the order of the chain. Throws INVALID_PERIOD at once. */
  records(tenant: TenantId, period?: string): AsyncIterable<string>
  /** Charges the current hour of what tenants keep. Again within the hour it changes nothing. */
  chargeStorage(stored: readonly StoredBytes[]): Promise<void>
  /** Checks the tenant's whole chain, from its first record, and that every roll-up is the sum of its records. */
  verify(tenant: TenantId): Promise<Verification>
  /** A range as callers write it; the current month if they write none. Throws INVALID_PERIOD naming the field. */
  parseRange(text: RangeText): TimeRange
  /** A list such as `day,outcome`. Throws INVALID_REQUEST naming what is allowed. */
  parseGroups(text: string | undefined): readonly UsageGroup[]
}

/** Puts the stage together. Reads nothing yet. */
export function createBilling(parts: Parts): BillingDesk {
  const { clock, ledger, priceBook, verifyChain } = parts
  const budgets = new Budgets(parts)
  return {
    reserve: (ticket) => budgets.reserve(ticket),
    async post(hold, report, consumed) {
      assert(hold instanceof RunHold, 'a hold comes from reserve')
      const usage = measure(report, hold.ticket, consumed)
      await budgets.post(hold, usage, () => ledger.post(recordOf(hold.ticket, report, usage), detailsOf(report, usage)))
      return usage
    },
    cost: (usage) => costOf(sumsOfRun(usage), priceBook),
    async bill(tenant, text) {
      const period = parsePeriod(text, clock.now())
      return makeBill(tenant, period, await sumOf(ledger, tenant, period), priceBook)
    },
    async usage(tenant, range, groupBy) {
      checkRows(range, groupBy)
      return makeUsageReport({ tenant, range, groupBy }, await ledger.sum(tenant, range, groupBy), priceBook)
    },
    budget: (tenant) => budgets.status(tenant),
    records(tenant, text) {
      const range = text === undefined ? ALL_TIME : parsePeriod(text, clock.now())
      return recordLines(ledger.records(tenant, range))
    },
    async verify(tenant) {
      const verdict = await verifyChain(ledger.records(tenant, ALL_TIME))
      if (!verdict.ok) return verdict
      const rollup = await ledger.auditRollups(tenant)
      return rollup === undefined ? verdict : { ok: false, reason: 'rollup-differs', rollup }
    },
    async chargeStorage(stored) {
      const now = clock.now()
      for (const each of stored) {
        await budgets.append(each.tenant, () => ledger.post(storageRecord(each, now), { logs: [] }))
      }
    },
    parseRange: (text) => parseRange(text, clock.now()),
    parseGroups,
  }
}

function recordOf({ run, request, policy, admittedAt }: Ticket, report: Report, usage: Usage): LedgerRecord {
  const { tenant, trigger, function: deployed, parentRun } = request
  const { status, walls } = report
  return {
    run,
    tenant,
    trigger,
    ...(deployed && { function: deployed }),
    ...(parentRun && { parentRun }),
    status,
    startedAt: admittedAt,
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
