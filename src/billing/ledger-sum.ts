import assert from 'node:assert/strict'
import type { TenantId } from '../core/ids.ts'
import type { LedgerStore, TimeRange, UsageSums } from '../core/stores.ts'

/** The sums of a range in one row. The ledger answers with one, also when it holds nothing; rejects as it does. */
export async function sumOf(ledger: LedgerStore, tenant: TenantId, range: TimeRange): Promise<UsageSums> {
  const [sums] = await ledger.sum(tenant, range, [])
  assert(sums !== undefined, 'a sum without groups is one row')
  return sums
}
