import type { DatabaseSync } from 'node:sqlite'
import type { TenantId } from '../../../core/ids.ts'
import { epochMillis } from '../../../core/quantity.ts'
import type { LedgerVerdict, TimeRange } from '../../../core/stores.ts'
import { verifyLedger } from '../../chain.ts'
import { ledgerLines } from '../../ledger-queries.ts'
import { auditRollups } from '../../rollup-queries.ts'
import { kyselyOver } from '../dialect.ts'

const ALL_TIME: TimeRange = { from: epochMillis(0), to: epochMillis(Number.MAX_SAFE_INTEGER) }

/**
 * Verifies a ledger the slow way, each record's text made and hashed as on the day it was written, and names the first
 * thing that is wrong. Call it within a transaction.
 */
export async function judge(database: DatabaseSync, tenant: TenantId): Promise<LedgerVerdict> {
  const queries = kyselyOver(database)
  const verdict = await verifyLedger(ledgerLines(queries, tenant, ALL_TIME))
  if (!verdict.ok) return verdict
  const rollup = await auditRollups(queries, tenant)
  return rollup === undefined ? verdict : { ok: false, reason: 'rollup-differs', rollup }
}
