import type { TenantId } from '../core/ids.ts'
import type { Cause } from '../core/invocations.ts'
import type { Grants } from '../core/policy.ts'
import type { Bytes, Millis } from '../core/quantity.ts'
import type { Ticket } from '../core/run.ts'

/** Why an operation was refused: the guest sees `code` and `message`. A closed list; each capability uses some. */
export type CapabilityErrorCode =
  | 'INVALID_ARGUMENT'
  | 'CONFLICT'
  | 'JOURNAL_MISMATCH'
  | 'NOT_FOUND'
  | 'QUOTA_EXCEEDED'
  | 'NOT_GRANTED'
  | 'UNKNOWN_OPERATION'
  | 'RUN_OVER'
  | 'UNAVAILABLE'
  | 'TOO_DEEP'
  | 'BUDGET_EXCEEDED'
  | 'RATE_LIMITED'
  | 'TOO_LARGE'
  | 'OVERLOADED'
  | 'DRAINING'
  | 'RUN_ERROR'
  | 'RUN_TIMEOUT'
  | 'RUN_CPU_EXCEEDED'
  | 'RUN_MEMORY_EXCEEDED'
  | 'RUN_OUTPUT_EXCEEDED'
  | 'RUN_CRASHED'
  | 'RUN_CANCELLED'
  | 'SQL_ERROR'
  | EgressErrorCode

/** Why a request of fetch failed. */
type EgressErrorCode =
  | 'CONCURRENCY_LIMITED'
  | 'CONNECT_FAILED'
  | 'CONNECTION_LOST'
  | 'DNS_FAILED'
  | 'EGRESS_REFUSED'
  | 'REDIRECT_REFUSED'
  | 'REQUEST_TOO_LARGE'
  | 'RESPONSE_INVALID'
  | 'RESPONSE_TOO_LARGE'
  | 'TIMEOUT'
  | 'TLS_FAILED'

export type ErrorDetails = Readonly<Record<string, string | number>>

/** A refusal that the guest is told of. Anything else that an operation throws reaches the guest as UNAVAILABLE only. */
export class CapabilityError extends Error {
  override readonly name = 'CapabilityError'
  readonly code: CapabilityErrorCode
  /** What else the guest's error has, by the names of its properties. */
  readonly details: ErrorDetails | undefined

  constructor(code: CapabilityErrorCode, message: string, details?: ErrorDetails) {
    super(message)
    this.code = code
    this.details = details
  }
}

/**
 * What an operation may know of the run that calls it, and what it may leave with it. One a run, whatever cell or
 * isolate the run is in.
 */
export interface RunScope {
  readonly tenant: TenantId
  readonly ticket: Ticket
  /** Aborted when the run is over, however it ends. */
  readonly signal: AbortSignal
  /** What is left of the run's wall limit, counted from before its start: never less than its code has. 0 at the end. */
  remaining(): Millis
  /**
   * What a capability keeps of this run between its operations (open transactions, bodies half read), made at the first
   * use and disposed of when the run is over. `key` is an object of the capability's own.
   */
  keep<State extends Disposable>(key: object, make: () => State): State
  /** Counts bytes that went out to, or came in from, a network on behalf of the run. */
  meter(traffic: { readonly egress?: Bytes; readonly ingress?: Bytes }): void
}

/** What changes that a run makes lead to: events one deeper than the run itself. Nothing led to what is done from outside. */
export function causeOf({ ticket }: Partial<Pick<RunScope, 'ticket'>>): Cause {
  return { depth: ticket === undefined ? 0 : (ticket.request.depth ?? 0) + 1 }
}

/** One operation of a capability, for one tenant under one grant. */
export interface Operation<Grant> {
  /** Whether it may change something that lasts. A run that has called such an operation is never run a second time. */
  readonly effect: 'none' | 'lasting'
  /**
   * How many operations a call counts as, in quotas and on the bill; 1 if absent. `args` is unchecked: whatever it is, the
   * answer is a whole number from 1 to the most that one call can do.
   */
  weigh?(args: readonly unknown[]): number
  /** `args` is whatever the guest sent: check all of it. Resolves with JSON text, `''` for undefined. */
  run(scope: RunScope, grant: Grant, args: readonly unknown[]): Promise<string>
}

/** The host half of one capability. Its operations are called `name.operation`. */
export interface Capability<Name extends keyof Grants = keyof Grants> {
  readonly name: Name
  readonly operations: ReadonlyMap<string, Operation<NonNullable<Grants[Name]>>>
  /** The longest JSON of arguments that can be of use under a grant, in characters. Longer ones are not even parsed. */
  argumentsMax(grant: NonNullable<Grants[Name]>): number
}

/** Who calls; the ticket, too, if it is a run. */
export type DataScope = Pick<RunScope, 'tenant'> & Partial<Pick<RunScope, 'ticket'>>

/** An operation on data that needs nothing of a run but its tenant, so that it can be called from outside of runs, too. */
export interface DataOperation<Grant> extends Operation<Grant> {
  run(scope: DataScope, grant: Grant, args: readonly unknown[]): Promise<string>
}

/** A capability of such operations. */
export interface DataCapability<Name extends keyof Grants = keyof Grants> extends Capability<Name> {
  readonly operations: ReadonlyMap<string, DataOperation<NonNullable<Grants[Name]>>>
}
