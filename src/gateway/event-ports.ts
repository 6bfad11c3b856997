/** What the gateway needs of events. */
import type { DeadLetterStore, Replayed } from '../core/dead-letters.ts'
import type { Schedule } from '../core/event-sources.ts'
import type { FunctionName, RunId, TenantId } from '../core/ids.ts'
import type { FunctionCall, InvocationView } from '../core/invocations.ts'

/** Runs that nobody waits for, and calls that are made once. */
export interface Calls {
  /** Rejects with QUOTA_EXCEEDED, TOO_LARGE, and CONFLICT for a key that was used for something else. */
  queue(call: FunctionCall): Promise<{ readonly run: RunId; readonly again: boolean }>
  once(
    call: FunctionCall & { readonly key: string },
    produce: () => Promise<string>,
  ): Promise<{ readonly answer: string; readonly again: boolean }>
  /** An asynchronous run that the ledger does not tell of under its own id. */
  find(tenant: TenantId, id: RunId): Promise<InvocationView | undefined>
}

/** Events that were given up. */
export interface DeadLetters extends Pick<DeadLetterStore, 'page' | 'find' | 'edit' | 'delete'> {
  /** Rejects with NOT_FOUND, QUOTA_EXCEEDED. */
  replay(tenant: TenantId, id: string): Promise<void>
  replayAll(tenant: TenantId, filter: { readonly function?: FunctionName }): Promise<Replayed>
}

/** Lines of cron. Each call about one that is not there rejects with NOT_FOUND. */
export interface Schedules {
  list(tenant: TenantId): Promise<readonly Schedule[]>
  fire(tenant: TenantId, number: number): Promise<RunId>
  setState(tenant: TenantId, number: number, state: Schedule['state']): Promise<void>
}
