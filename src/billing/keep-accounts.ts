import type { Clock } from '../core/clock.ts'
import type { TenantId } from '../core/ids.ts'
import type { StoredBytes } from '../core/stores.ts'
import type { BillingDesk } from './billing.ts'

const HOUR_MS = 3_600_000
/** How often it is looked whether an hour has begun for which accounts are to be kept. */
const CHECK_MS = 30_000

interface Parts {
  readonly storedBytes: () => Promise<readonly StoredBytes[]>
  readonly desk: Pick<BillingDesk, 'chargeStorage' | 'closeMonths' | 'lookForAnomalies'>
  readonly tenants: () => readonly TenantId[]
  readonly clock: Clock
  readonly log: {
    info(fields: object, event: string): void
    error(fields: object, event: string): void
  }
}

/**
 * Once an hour charges what tenants keep, looks whether anyone spends far more than usual, and closes months that are over into invoices; what fails is tried again half a
 * minute later. Hours of storage in which the host did not run are free.
 */
export function keepAccountsHourly({ storedBytes, tenants, desk, clock, log }: Parts): Disposable {
  let kept = -1
  const keep = async (): Promise<void> => {
    const hour = Math.floor(clock.now() / HOUR_MS)
    if (hour === kept) return
    const before = kept
    kept = hour
    try {
      await desk.chargeStorage(await storedBytes())
      await desk.lookForAnomalies(tenants())
      const invoices = await desk.closeMonths()
      if (invoices > 0) log.info({ invoices }, 'months.closed')
    } catch (error) {
      kept = before
      log.error({ err: error }, 'accounts.keeping-failed')
    }
  }
  const timer = setInterval(() => void keep(), CHECK_MS)
  timer.unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
