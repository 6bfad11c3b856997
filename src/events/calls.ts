import { hash } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { CloisterError } from '../core/errors.ts'
import type { IdempotencyBegun, IdempotencyStore, IdempotentCall } from '../core/idempotency.ts'
import type { RunId, TenantId } from '../core/ids.ts'
import type { Enqueued, FunctionCall, InvocationStore, InvocationView, NewInvocation } from '../core/invocations.ts'
import type { EventQuota, Policy } from '../core/policy.ts'
import { type EpochMillis, millis } from '../core/quantity.ts'
import type { Trigger } from '../core/run.ts'

interface Parts {
  readonly clock: Clock
  readonly store: InvocationStore
  readonly idempotency: IdempotencyStore
  readonly newRunId: () => RunId
  /** Throws NOT_FOUND, INVALID_POLICY. */
  readonly policyOf: (tenant: TenantId) => Policy
  /** Told after an event was queued that is due. */
  readonly onQueued: (event: NewInvocation) => void
}

/** A run that is to take place by itself. */
export interface PlannedRun extends Omit<FunctionCall, 'key' | 'input'> {
  /** JSON text. */
  readonly input: string
  /** Not before; now if absent. Its age, which `retry.maxAgeSeconds` bounds, counts from here. */
  readonly dueAt?: EpochMillis
  readonly trigger: Trigger
  readonly depth?: number
  readonly parentRun?: RunId
  /** The id that the run is to have; a new one if absent. */
  readonly id?: RunId
}

export interface Calls {
  /**
   * Schedules a run: "run function F of tenant T with input I at time X". Resolves with its id once it will take place
   * whatever happens to the host: at least once, with `context.attempt` counting the attempts, by the function's `retry`; given
   * up, it is a dead letter. Rejects with QUOTA_EXCEEDED, and NOT_FOUND without the tenant.
   */
  plan(run: PlannedRun): Promise<RunId>
  /** The same for a caller. `again`: it was asked for before, under the same key. Rejects with CONFLICT, too, as `once` does. */
  queue(call: FunctionCall): Promise<{ readonly run: RunId; readonly again: boolean }>
  /**
   * Makes a call whose caller waits, once a key a day: the answer, which is text, is remembered. Asked again meanwhile, the
   * same answer is waited for; rejects with CONFLICT if the key is used for something else. What is thrown is not remembered.
   */
  once(
    call: FunctionCall & { readonly key: string },
    produce: () => Promise<string>,
  ): Promise<{ readonly answer: string; readonly again: boolean }>
  find(tenant: TenantId, id: RunId): Promise<InvocationView | undefined>
}

/** Doors to asynchronous runs, and to calls that are made once. */
export function createCalls(parts: Parts): Calls {
  const { clock, store, idempotency, newRunId, policyOf, onQueued } = parts
  /** Calls with a key that are running here. As many as there are requests. */
  const running = new Map<string, { readonly request: string; readonly answer: Promise<string> }>()

  const eventOf = ({ dueAt = clock.now(), id = newRunId(), ...rest }: PlannedRun): NewInvocation => ({
    ...rest,
    id,
    dueAt,
  })
  const announce = (event: NewInvocation): void => {
    if (event.dueAt <= clock.now()) onQueued(event)
  }
  return {
    async plan(run) {
      const { events } = policyOf(run.tenant)
      checkSize(run, policyOf(run.tenant))
      const event = eventOf(run)
      const outcome = await store.enqueue(event, events)
      if (outcome !== 'done') throw full(outcome, events)
      announce(event)
      return event.id
    },
    async queue({ key, input, ...call }) {
      const planned = { ...call, input: Buffer.from(input).toString(), trigger: 'async' } as const
      if (key === undefined) return { run: await this.plan(planned), again: false }
      const policy = policyOf(call.tenant)
      checkSize(planned, policy)
      const event = eventOf(planned)
      const named = identify({ ...call, input, key }, 'async')
      const begun = await idempotency.begin(named, policy.events, { answer: event.id, invocation: event })
      if (begun.outcome === 'answered') return { run: begun.answer as RunId, again: true }
      if (begun.outcome !== 'new') throw refusalOf(begun.outcome, policy.events)
      announce(event)
      return { run: event.id, again: false }
    },
    async once(call, produce) {
      const named = identify(call, 'sync')
      const place = `${call.tenant} ${call.function} ${call.key}`
      const here = running.get(place)
      if (here !== undefined) {
        if (here.request !== named.request) throw refusalOf('mismatch', policyOf(call.tenant).events)
        return { answer: await here.answer, again: true }
      }
      const known: { answered?: string } = {}
      const answer = remember(named, produce, known)
      running.set(place, { request: named.request, answer })
      try {
        return { answer: await answer, again: known.answered !== undefined }
      } finally {
        running.delete(place)
      }
    },
    find: (tenant, id) => store.find(tenant, id),
  }

  async function remember(
    call: IdempotentCall,
    produce: () => Promise<string>,
    known: { answered?: string },
  ): Promise<string> {
    const { events } = policyOf(call.tenant)
    const begun = await idempotency.begin(call, events)
    if (begun.outcome === 'answered') return (known.answered = begun.answer)
    if (begun.outcome !== 'new') throw refusalOf(begun.outcome, events)
    let answer: string | undefined
    try {
      return (answer = await produce())
    } finally {
      await idempotency.finish(call, answer, events)
    }
  }
}

/** Two calls are the same if all that decides what runs is the same. */
function identify(
  { tenant, function: name, key, target, input }: FunctionCall & { key: string },
  how: string,
): IdempotentCall {
  const request = hash('sha256', Buffer.concat([Buffer.from(`${how} ${JSON.stringify(target)} `), input]))
  return { tenant, function: name, key, request }
}

function checkSize({ input }: Pick<PlannedRun, 'input'>, { limits }: Policy): void {
  const size = Buffer.byteLength(input)
  if (size <= limits.input) return
  throw new CloisterError(
    'TOO_LARGE',
    `input has ${size} bytes; limits.inputBytes of the policy allows ${limits.input}`,
  )
}

function refusalOf(
  outcome: Exclude<IdempotencyBegun['outcome'], 'new' | 'answered'>,
  quota: EventQuota,
): CloisterError {
  switch (outcome) {
    case 'running':
      return new CloisterError('CONFLICT', 'a call with this Idempotency-Key is running', {
        retryAfterMs: millis(1_000),
      })
    case 'mismatch':
      return new CloisterError('CONFLICT', 'this Idempotency-Key was used for another call within a day')
    case 'keys-exceeded':
      return new CloisterError(
        'QUOTA_EXCEEDED',
        `a tenant may have ${quota.idempotencyKeys} answers remembered, of ${quota.storedBytes} bytes (events.idempotencyKeys, events.storedBytes)`,
      )
    default:
      return full(outcome, quota)
  }
}

function full(outcome: Exclude<Enqueued, 'done'>, { queued, storedBytes }: EventQuota): CloisterError {
  return outcome === 'queued-exceeded'
    ? new CloisterError('QUOTA_EXCEEDED', `a tenant may have ${queued} asynchronous runs waiting (events.queued)`)
    : new CloisterError(
        'QUOTA_EXCEEDED',
        `a tenant may have ${storedBytes} bytes of events waiting (events.storedBytes)`,
      )
}
