import type { IdempotencyStore } from '../core/idempotency.ts'
import type { TenantId } from '../core/ids.ts'
import type { InvocationStore } from '../core/invocations.ts'
import type { AttemptParts } from './attempt.ts'
import { type Calls, createCalls } from './calls.ts'
import { type Dispatcher, createDispatcher } from './dispatcher.ts'
import { createInvocationSource, functionLane } from './invocation-source.ts'

interface Parts extends Omit<AttemptParts, 'random'> {
  readonly invocations: InvocationStore
  readonly idempotency: IdempotencyStore
  /** Something of the host's went wrong, or needs an operator's eye. */
  readonly onFault: (event: string, details: unknown) => void
}

/** Everything that runs without a caller who waits. */
export interface Events extends AsyncDisposable {
  readonly calls: Calls
  readonly dispatcher: Dispatcher
}

/**
 * Opens the events of a host that has just started: what a host before it had claimed is given back, and what is due is
 * worked on from the dispatcher's start, until it is disposed of.
 */
export async function openEvents(parts: Parts): Promise<Events> {
  const { clock, invocations: store, draining, onFault } = parts
  await store.recover()
  const source = createInvocationSource({
    ...parts,
    store,
    random: Math.random,
    onSettled: ({ tenant, id }, how) => onFault(`event.${how}`, { tenant, event: id }),
    onQueued: (lane) => dispatcher.wake(source, lane),
  })
  const dispatcher = createDispatcher({
    clock,
    sources: [source],
    tenantMax: (tenant) => concurrencyOf(parts, tenant),
    draining,
    onFault,
  })
  const calls = createCalls({ ...parts, store, onQueued: (event) => dispatcher.wake(source, functionLane(event)) })
  return { calls, dispatcher, [Symbol.asyncDispose]: () => dispatcher[Symbol.asyncDispose]() }
}

/** A tenant that is gone has no work. */
function concurrencyOf({ policyOf }: Pick<Parts, 'policyOf'>, tenant: TenantId): number {
  try {
    return policyOf(tenant).limits.concurrency
  } catch {
    return 0
  }
}
