import type { FunctionName, TenantId } from './ids.ts'
import type { RunStatus } from './outcome.ts'
import type { PostedRun } from './stores.ts'

/** Which runs of a tenant somebody wants to see. What is absent excludes nothing. */
export interface TailFilter {
  readonly function?: FunctionName | undefined
  readonly status?: RunStatus | undefined
  /** Text that a log line or the error's message has in it, in any case of letters. */
  readonly search?: string | undefined
  /** Which part of the runs, from 0 to 1. */
  readonly sample?: number | undefined
}

/** What a follower is told. */
export type TailItem =
  | { readonly kind: 'run'; readonly run: PostedRun }
  /** So many runs were not shown, because the follower reads more slowly than they come. */
  | { readonly kind: 'lost'; readonly runs: number }
  /** Nothing came for a while. */
  | { readonly kind: 'quiet' }

/** Shows the runs of a tenant as they end. */
export interface Tail {
  /**
   * Runs that end from now on, once they are in the ledger, until `signal` aborts or the host closes. Throws
   * CONCURRENCY_LIMITED when as many follow as may.
   */
  follow(tenant: TenantId, filter: TailFilter, signal: AbortSignal): AsyncIterable<TailItem>
}

/** Whether a log line or the error of a run has the text, which is in lower case, in it. */
export function hasText({ details }: PostedRun, search: string | undefined): boolean {
  if (search === undefined) return true
  const texts = [...details.logs.map(({ message }) => message), details.error?.message ?? '']
  return texts.some((text) => text.toLowerCase().includes(search))
}
