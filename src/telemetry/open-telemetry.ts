import type { Tail } from '../core/log-tail.ts'
import type { LedgerStore } from '../core/stores.ts'
import { logEvents } from './log-events.ts'
import { LogTail } from './log-tail.ts'
import { type Metrics, createMetrics } from './metrics.ts'

interface Parts {
  readonly pool: { cells(): readonly { readonly state: string }[] }
  readonly admission: { readonly backedOff: number }
  readonly ledger: Pick<LedgerStore, 'find'>
  readonly log: Parameters<typeof logEvents>[0]
}

/** What watches the host, until it is disposed of. */
export interface Telemetry extends Disposable {
  readonly metrics: Metrics
  /** Disposing it alone lets go of whoever follows. */
  readonly tail: Tail & Disposable
}

/** Begins to count, to log what an operator may have to act on, and to show tenants their runs. */
export function openTelemetry({ pool, admission, ledger, log }: Parts): Telemetry {
  using taken = new DisposableStack()
  const metrics = taken.use(createMetrics({ cells: () => pool.cells(), backedOff: () => admission.backedOff }))
  const tail = taken.use(new LogTail({ find: (tenant, run) => ledger.find(tenant, run) }))
  taken.use(logEvents(log))
  const resources = taken.move()
  return { metrics, tail, [Symbol.dispose]: () => resources.dispose() }
}
