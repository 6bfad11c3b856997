/** What functions are triggered by besides calls, as the store has it of the versions that are live. */
import type { QueueTrigger, ScheduleTrigger } from './event-config.ts'
import type { FunctionName, TenantId } from './ids.ts'
import type { InvocationLane, NewInvocation } from './invocations.ts'
import type { EventQuota } from './policy.ts'
import type { EpochMillis, Millis } from './quantity.ts'

/** A queue that a function is given the messages of. */
export interface Consumer {
  readonly number: number
  readonly tenant: TenantId
  readonly function: FunctionName
  readonly config: QueueTrigger
  /** Of the queue itself. */
  readonly lease: Millis
}

/** A line of cron that a function is run by. */
export interface Schedule {
  readonly number: number
  readonly tenant: TenantId
  readonly function: FunctionName
  readonly config: ScheduleTrigger
  readonly state: 'active' | 'paused'
  /** Undefined until somebody has looked at the line. */
  readonly nextAt?: EpochMillis
  /** The last time that was kept. */
  readonly lastAt?: EpochMillis
}

/** Something may have become due: messages of a queue, or events of a tenant's functions. */
export interface Change {
  readonly tenant: TenantId
  readonly queue?: string
}

export interface EventSourceStore {
  /** Tells of changes that are made through these stores, after they are committed. */
  onChange(listener: (change: Change) => void): void
  /** Consumers whose queues have enough for a batch, or have waited long enough; some at a time, by number, behind `after`. */
  dueConsumers(
    now: EpochMillis,
    after: number,
    limit: number,
  ): Promise<{ readonly consumers: readonly Consumer[]; readonly next: number }>
  /** The same of one queue. */
  dueConsumersOf(tenant: TenantId, queue: string, now: EpochMillis): Promise<readonly Consumer[]>
  /** Functions of a tenant that have events due: some of them. */
  dueLanesOf(tenant: TenantId, now: EpochMillis): Promise<readonly InvocationLane[]>
  schedules(tenant: TenantId): Promise<readonly Schedule[]>
  dueSchedules(now: EpochMillis, limit: number): Promise<readonly Schedule[]>
  /**
   * Keeps the times of a schedule and says when the next one is, in one atomic step. False, and nothing is kept, unless its next
   * time is still `expected`: of all who try, one succeeds.
   */
  keep(
    schedule: Pick<Schedule, 'number' | 'nextAt'>,
    change: {
      readonly next: EpochMillis | undefined
      readonly last?: EpochMillis
      readonly events: readonly NewInvocation[]
      readonly quota: EventQuota
    },
  ): Promise<boolean>
  /** False if the tenant has no such schedule. Its times while it is paused are not made up for. */
  setState(tenant: TenantId, number: number, state: Schedule['state']): Promise<boolean>
}
