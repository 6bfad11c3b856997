import type { Logger } from 'pino'
import type { Clock } from './core/clock.ts'
import type { EpochMillis } from './core/quantity.ts'

interface Sweepable {
  sweep(now: EpochMillis): Promise<{ readonly complete: boolean }>
}

/** How often expired entries and old details are swept out of the store. */
const SWEEP_MS = 60_000

/** Sweeps the store now and then, in bounded steps, until it is disposed of. A sweep that fails is logged; the next one tries again. */
export function sweepRegularly(stores: Sweepable, clock: Clock, log: Logger): Disposable {
  const sweep = async (): Promise<void> => {
    try {
      while (!(await stores.sweep(clock.now())).complete);
    } catch (error) {
      log.error({ err: error }, 'store.sweep-failed')
    }
  }
  const timer = setInterval(() => void sweep(), SWEEP_MS)
  timer.unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
