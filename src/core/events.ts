import { channel } from 'node:diagnostics_channel'
import type { Rollback } from './function-store.ts'
import type { FunctionName, RunId, TenantId } from './ids.ts'
import type { ErrorCode } from './errors.ts'
import type { RunStatus } from './outcome.ts'
import type { FunctionVersion, Usage } from './run.ts'

/**
 * What happens in the host, as events on `node:diagnostics_channel`. Stages emit, telemetry listens; a stage never calls
 * a metrics client. Nothing that a tenant wrote is in an event, except ids that were parsed.
 */
interface Events {
  'run.finished': {
    run: RunId
    tenant: TenantId
    function?: FunctionVersion
    status: RunStatus
    usage: Usage
    queuedMs: number
  }
  /** A canary was ended because it was significantly worse than the version beside it. */
  'canary.rolled-back': { tenant: TenantId; function: FunctionName; rollback: Rollback }
  'run.refused': { tenant: TenantId | undefined; code: ErrorCode }
  /** A run was refused because the tenant's code keeps bringing down cells; `reason` is how the last one ended. */
  'run.held-off': { tenant: TenantId; reason: string }
  /** A tenant's code has brought down a cell too many; its new runs are held off for so long. */
  'tenant.backed-off': { tenant: TenantId; reason: string; deaths: number; waitMs: number }
  /** A tenant's runs have spent so much of a budget; 100 also when a run was refused. `period`: a day or a month. */
  'budget.warning': { tenant: TenantId; period: string; measure: 'units' | 'money'; percent: 50 | 80 | 100 }
  /** A tenant has spent many times as much in an hour as in the hours of the week before, on average. */
  'spend.anomaly': { tenant: TenantId; hour: string; usd: string; times: number }
  'cell.spawned': { pid: number; startMs: number; blank: number }
  'cell.leased': { pid: number; tenant: TenantId; waitedMs: number; blank: boolean }
  'cell.retired': { pid: number; tenant: TenantId | undefined; reason: string; runs: number; ageMs: number }
  'ledger.committed': { records: number; commitMs: number }
}

export type EventName = keyof Events
export type EventData<Name extends EventName> = Events[Name]

/** Publishes an event. Costs next to nothing when nobody listens; a listener that throws does not reach the caller. */
export function emit<Name extends EventName>(name: Name, data: Events[Name]): void {
  const target = channel(`cloister.${name}`)
  if (target.hasSubscribers) target.publish(data)
}

/** Listens to an event until the returned function is called. */
export function listen<Name extends EventName>(name: Name, handler: (data: Events[Name]) => void): () => void {
  const target = channel(`cloister.${name}`)
  const subscriber = (data: unknown): void => handler(data as Events[Name])
  target.subscribe(subscriber)
  return () => target.unsubscribe(subscriber)
}
