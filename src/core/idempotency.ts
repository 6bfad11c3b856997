/** Answers that are given again to whoever asks again with the same key. */
import type { Enqueued, NewInvocation } from './invocations.ts'
import type { FunctionName, TenantId } from './ids.ts'
import type { EventQuota } from './policy.ts'

/** A call that its caller has named. */
export interface IdempotentCall {
  readonly tenant: TenantId
  readonly function: FunctionName
  readonly key: string
  /** A digest of what is asked for. */
  readonly request: string
}

/**
 * `new`: nobody asked before, and whoever asks next is told that it is running. `mismatch`: the key was used for something else.
 */
export type IdempotencyBegun =
  | { readonly outcome: 'new' | 'running' | 'mismatch' | 'keys-exceeded' | Exclude<Enqueued, 'done'> }
  | { readonly outcome: 'answered'; readonly answer: string }

export interface IdempotencyStore {
  /** `asynchronous`: if the call is new, its event is queued in the same atomic step, and its answer is known from the start. */
  begin(
    call: IdempotentCall,
    quota: EventQuota,
    asynchronous?: { readonly answer: string; readonly invocation: NewInvocation },
  ): Promise<IdempotencyBegun>
  /** Keeps the answer for what is left of the day; an answer that does not fit, or none, leaves the key free. */
  finish(call: IdempotentCall, answer: string | undefined, quota: EventQuota): Promise<void>
}
