/** Asynchronous runs: events that are kept until a function has dealt with them, or they are given up. */
import { hash } from 'node:crypto'
import type { FunctionTarget } from './function-request.ts'
import type { FunctionName, RunId, TenantId } from './ids.ts'
import type { EventQuota } from './policy.ts'
import type { EpochMillis, Millis } from './quantity.ts'
import type { QueueQuota } from './queues.ts'
import type { Trigger } from './run.ts'

/** Events that lead to events. The next one is cut off: a function that causes itself without end is stopped. */
export const EVENT_DEPTH_MAX = 16

/** Of a change that causes events: how many events lead to those. */
export interface Cause {
  readonly depth: number
}

/** Which version, chosen when the run takes place: `live` if it names none. `timeoutMs` shortens what the function has. */
export type InvocationTarget = Pick<FunctionTarget, 'version' | 'alias'> & { readonly timeoutMs?: number | undefined }

/** A call of a function as its caller makes it. */
export interface FunctionCall {
  readonly tenant: TenantId
  readonly function: FunctionName
  readonly target: InvocationTarget
  /** JSON text. */
  readonly input: Uint8Array
  /** What its caller calls it, so that it takes place once however often it is made. */
  readonly key?: string | undefined
}

/** A run that is to take place, by itself and after whatever happens to the host. */
export interface NewInvocation {
  /** What its caller is told; the id of its first attempt's run, too. */
  readonly id: RunId
  readonly tenant: TenantId
  readonly function: FunctionName
  readonly target: InvocationTarget
  readonly trigger: Trigger
  /** JSON text. */
  readonly input: string
  /** Not before. */
  readonly dueAt: EpochMillis
  /** How many events lead to it; 0 if absent. */
  readonly depth?: number
  readonly parentRun?: RunId
}

/** Why an attempt, or a whole event, failed. */
export interface InvocationError {
  /** A run's status, or the code of what refused it. */
  readonly code: string
  /** Of what the guest threw. */
  readonly name?: string
  readonly message: string
}

/** An event that one dispatcher has, until its lease is over. */
export interface ClaimedInvocation extends NewInvocation {
  /** Proves the claim. */
  readonly lease: string
  readonly createdAt: EpochMillis
  /** When it was due first: its age counts from here. */
  readonly plannedAt: EpochMillis
  /** Attempts that have failed. */
  readonly attempts: number
  /** How often it was claimed, this time included: see {@link attemptRunId}. */
  readonly claims: number
  /** Whoever claimed it before never said what became of it. */
  readonly interrupted: boolean
}

export type InvocationState = 'queued' | 'running' | 'done' | 'failed'

/** What is known of an event. Gone once its run is in the ledger under its own id. */
export interface InvocationView {
  readonly id: RunId
  readonly state: InvocationState
  readonly function: FunctionName
  readonly trigger: Trigger
  readonly createdAt: EpochMillis
  readonly dueAt: EpochMillis
  readonly attempts: number
  /** Of the last attempt that took place. */
  readonly run?: RunId
  readonly error?: InvocationError
}

/** What is sent on when an event is over. */
export type Onward =
  | {
      readonly tenant: TenantId
      readonly queue: string
      /** JSON text. */
      readonly body: string
      readonly depth: number
      readonly quota: QueueQuota
    }
  | { readonly invocation: NewInvocation; readonly quota: EventQuota }

/** What becomes of a claimed event. */
export type Settlement =
  | {
      readonly kind: 'retry'
      readonly dueAt: EpochMillis
      /** `refused`: no code of the function's ran, so no attempt was used up. */
      readonly because: 'failed' | 'refused'
      readonly run?: RunId
      readonly error: InvocationError
    }
  | { readonly kind: 'done'; readonly run: RunId; readonly onward?: Onward }
  | {
      readonly kind: 'failed'
      readonly run?: RunId
      readonly attempts: number
      readonly error: InvocationError
      readonly onward?: Onward
      readonly quota: EventQuota
    }

/** `lost`: the claim was over, and nothing changed. `undeliverable`: it is settled, but what was to be sent on did not fit. */
export type Settled = 'done' | 'undeliverable' | 'lost'

export type Enqueued = 'done' | 'queued-exceeded' | 'bytes-exceeded'

/** Events of one function of one tenant that are due. */
export interface InvocationLane {
  readonly tenant: TenantId
  readonly function: FunctionName
}

/** Events of every tenant. Writes reject with NOT_FOUND for a tenant that is not there. */
export interface InvocationStore {
  /** Resolves once the event will survive whatever happens to the host. */
  enqueue(invocation: NewInvocation, quota: EventQuota): Promise<Enqueued>
  find(tenant: TenantId, id: RunId): Promise<InvocationView | undefined>
  /**
   * Functions that have events due, in one order, some of them at a time: `after` is the last of the step before; the step
   * with no `next` is the last.
   */
  dueLanes(
    now: EpochMillis,
    after: LanePosition | undefined,
    limit: number,
  ): Promise<{ readonly lanes: readonly InvocationLane[]; readonly next?: LanePosition }>
  /** Claims events that are due, the longest due first, in one atomic step: nobody else gets them until the lease is over. */
  claim(
    wanted: readonly (InvocationLane & { readonly limit: number })[],
    lease: Millis,
  ): Promise<readonly ClaimedInvocation[]>
  /** Makes claims last longer; those that are over stay so. */
  renew(leases: readonly string[], lease: Millis): Promise<void>
  /** Writes down what became of an event, with all that follows from it, in one atomic step. */
  settle(lease: string, settlement: Settlement): Promise<Settled>
  /** Gives back all that is claimed. Only for whoever knows that nobody works on anything: a host that has just started. */
  recover(): Promise<number>
}

/** A place in the order of lanes. */
export interface LanePosition {
  readonly tenant: number
  readonly function: string
}

/**
 * The id of the run that the `claims`-th claim of an event makes. Always the same, so that whoever finds an event that was
 * claimed before can look up in the ledger whether that run took place. The first has the id of the event itself.
 */
export function attemptRunId(id: RunId, claims: number): RunId {
  if (claims <= 1) return id
  const digest = BigInt(`0x${hash('sha256', `attempt ${claims} of ${id}`, 'hex').slice(0, 20)}`)
  return `${id.slice(0, 14)}${digest.toString(32).padStart(16, '0')}` as RunId
}
