/** Events that were given up, and are kept for whoever mends what went wrong. */
import type { FunctionName, RunId, TenantId } from './ids.ts'
import type { InvocationError } from './invocations.ts'
import type { EventQuota } from './policy.ts'
import type { EpochMillis } from './quantity.ts'
import type { QueueQuota } from './queues.ts'
import type { Trigger } from './run.ts'

/** All that is kept of one but its input. */
export interface DeadLetterHead {
  readonly id: string
  /** The id of the event: of its first run, or of the message. */
  readonly event: string
  readonly function: FunctionName
  readonly trigger: Trigger
  /** The queue that it came from, if it did. */
  readonly queue?: string
  readonly orderingKey?: string
  readonly attempts: number
  /** Of the last attempt that took place. */
  readonly run?: RunId
  readonly error: InvocationError
  readonly createdAt: EpochMillis
  readonly failedAt: EpochMillis
  readonly expiresAt: EpochMillis
  readonly inputBytes: number
}

export interface DeadLetter extends DeadLetterHead {
  /** JSON text. */
  readonly input: string
}

/** Where each letter goes again: to its queue, or to its function as a new event. */
export interface Replay {
  readonly id: string
  /** Of the new event. */
  readonly run: RunId
}

export type Replayed = {
  readonly replayed: number
  readonly refused?: 'queued-exceeded' | 'bytes-exceeded' | 'queue-full'
}

export interface DeadLetterStore {
  /** Newest first. `before`: the last id of the page before. */
  page(
    tenant: TenantId,
    filter: { readonly function?: FunctionName; readonly before?: string; readonly limit: number },
  ): Promise<readonly DeadLetterHead[]>
  find(tenant: TenantId, id: string): Promise<DeadLetter | undefined>
  /** False if there is no such letter. */
  edit(tenant: TenantId, id: string, input: string): Promise<boolean>
  /** How many of them there were. */
  delete(tenant: TenantId, ids: readonly string[]): Promise<number>
  /** Makes events of letters again, in order and in one atomic step, for as long as there is room. */
  replay(
    tenant: TenantId,
    replays: readonly Replay[],
    quotas: { readonly events: EventQuota; readonly queues: QueueQuota | undefined },
  ): Promise<Replayed>
}
