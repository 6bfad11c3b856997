import { CloisterError } from '../core/errors.ts'
import type { TenantId } from '../core/ids.ts'
import type { Directory, Runs } from './ports.ts'

export interface History {
  readonly directory: Directory
  readonly runs: Runs
}

/**
 * Throws NOT_FOUND unless the tenant is there or once was: what a deleted tenant was charged stays in the ledger, and
 * whoever has to pay for it can still look it up.
 */
export async function requireHistory(tenant: TenantId, { directory, runs }: History): Promise<void> {
  if (directory.findTenant(tenant) !== undefined) return
  const [charged] = await runs.page(tenant, { limit: 1 })
  if (charged === undefined) throw new CloisterError('NOT_FOUND', `there is no tenant "${tenant}"`)
}
