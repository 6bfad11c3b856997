import type { Logger } from 'pino'
import type { Clock } from './core/clock.ts'
import type { StoredBytes, Stores } from './core/stores.ts'

const HOUR_MS = 3_600_000
/** How often the host looks whether an hour of storage is to be charged. */
const STORAGE_CHECK_MS = 30_000

interface HourlyParts {
  readonly stores: Pick<Stores, 'storedBytes'>
  readonly billing: { chargeStorage(kept: readonly StoredBytes[]): Promise<void> }
  readonly clock: Clock
  readonly log: Logger
}

/** Charges each hour of storage once, while the host runs: hours in which it did not are free. */
export function chargeStorageHourly({ stores, billing, clock, log }: HourlyParts): Disposable {
  let charged = -1
  const charge = async (): Promise<void> => {
    const hour = Math.floor(clock.now() / HOUR_MS)
    if (hour === charged) return
    charged = hour
    try {
      await billing.chargeStorage(await stores.storedBytes())
    } catch (error) {
      charged = -1
      log.error({ err: error }, 'storage.charge-failed')
    }
  }
  const timer = setInterval(() => void charge(), STORAGE_CHECK_MS)
  timer.unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
