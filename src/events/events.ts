import type { IdempotencyStore } from '../core/idempotency.ts'
import type { Change, EventSourceStore } from '../core/event-sources.ts'
import type { TenantId } from '../core/ids.ts'
import type { InvocationStore } from '../core/invocations.ts'
import type { QueueStore } from '../core/queues.ts'
import type { AttemptParts } from './attempt.ts'
import { type Calls, createCalls } from './calls.ts'
import { type Dispatcher, type Source, createDispatcher } from './dispatcher.ts'
import { createInvocationSource, functionLane } from './invocation-source.ts'
import type { Lane } from './lane-ring.ts'
import { createQueueSource } from './queue-source.ts'
import { type Schedules, createSchedules } from './schedules.ts'

interface Parts extends Omit<AttemptParts, 'random'> {
  readonly invocations: InvocationStore
  readonly idempotency: IdempotencyStore
  readonly eventSources: EventSourceStore
  readonly queues: QueueStore
  /** Something of the host's went wrong, or needs an operator's eye. */
  readonly onFault: (event: string, details: unknown) => void
}

/** Everything that runs without a caller who waits. */
export interface Events extends AsyncDisposable {
  readonly calls: Calls
  readonly schedules: Schedules
  readonly dispatcher: Dispatcher
}

/**
 * Opens the events of a host that has just started: what a host before it had claimed is given back, and what is due is
 * worked on from the dispatcher's start, until it is disposed of.
 */
export async function openEvents(parts: Parts): Promise<Events> {
  const { clock, invocations: store, eventSources: sources, draining, onFault } = parts
  await store.recover()
  const shared = { ...parts, store, sources, random: Math.random }
  const invocationSource = createInvocationSource({
    ...shared,
    onSettled: ({ tenant, id }, how) => onFault(`event.${how}`, { tenant, event: id }),
    onQueued: (lane) => dispatcher.wake(invocationSource, lane),
  })
  const queueSource = createQueueSource(shared)
  const calls = createCalls({ ...shared, onQueued: (event) => dispatcher.wake(invocationSource, functionLane(event)) })
  const schedules = createSchedules({
    ...shared,
    calls,
    onKept: (schedule) => dispatcher.wake(invocationSource, functionLane(schedule)),
  })
  const dispatcher = createDispatcher({
    clock,
    sources: [invocationSource, queueSource],
    beforeScan: () => schedules.tick(),
    tenantMax: (tenant) => concurrencyOf(parts, tenant),
    draining,
    onFault,
  })
  const wake = (source: Source, lanes: readonly Lane[]): void => {
    for (const lane of lanes) dispatcher.wake(source, lane)
  }
  sources.onChange(
    together(async ({ tenant, queue }) => {
      try {
        if (queue !== undefined) wake(queueSource, await queueSource.lanesOf(tenant, queue))
        else wake(invocationSource, (await sources.dueLanesOf(tenant, clock.now())).map(functionLane))
      } catch {
        // The store has closed, or fails: the next scan finds what is due.
      }
    }),
  )
  return { calls, schedules, dispatcher, [Symbol.asyncDispose]: () => dispatcher[Symbol.asyncDispose]() }
}

/** Equal changes of one turn of the event loop are one. */
function together(handle: (change: Change) => Promise<void>): (change: Change) => void {
  let waiting = new Map<string, Change>()
  return (change) => {
    if (waiting.size === 0) {
      setImmediate(() => {
        const changes = waiting
        waiting = new Map()
        for (const each of changes.values()) void handle(each)
      })
    }
    waiting.set(`${change.tenant} ${change.queue ?? ''}`, change)
  }
}

/** A tenant that is gone has no work. */
function concurrencyOf({ policyOf }: Pick<Parts, 'policyOf'>, tenant: TenantId): number {
  try {
    return policyOf(tenant).limits.concurrency
  } catch {
    return 0
  }
}
