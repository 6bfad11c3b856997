import type { EpochMillis } from '../core/quantity.ts'
import type { Usage } from '../core/run.ts'
import type { Bill } from './bill.ts'
import type { BillingDesk } from './billing.ts'
import { billCsv, usageCsv } from './csv.ts'
import { formatNanoUsd } from './decimal.ts'
import { focusCsv } from './focus.ts'
import type { UsageReport } from './usage.ts'

/** The desk's answers with the forms in which they leave the host. */
export type Accounts = BillingDesk & {
  costUsd(usage: Usage, at?: EpochMillis): string
  billCsv(bill: Bill): string
  billFocus(bill: Bill): string
  usageCsv(report: UsageReport): string
}

/** Puts the forms beside the answers. */
export function accountsOf(desk: BillingDesk): Accounts {
  const costUsd = (usage: Usage, at?: EpochMillis): string => formatNanoUsd(desk.cost(usage, at))
  return { ...desk, costUsd, billCsv, billFocus: focusCsv, usageCsv }
}
