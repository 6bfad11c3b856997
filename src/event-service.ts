import type { Logger } from 'pino'
import type { AdmissionDesk } from './admission/admission.ts'
import type { Clock } from './core/clock.ts'
import type { ExecutionStore } from './core/durable.ts'
import type { RunId, TenantId } from './core/ids.ts'
import type { Policy } from './core/policy.ts'
import type { Stores } from './core/stores.ts'
import { openExecutions } from './durable.ts'
import type { ExecutionDesk } from './events/durable/executions.ts'
import { type DeadLetterDesk, createDeadLetterDesk } from './events/dead-letter-desk.ts'
import { type Events, openEvents } from './events/events.ts'
import type { Execute } from './execute.ts'
import type { FunctionDirectory } from './functions/directory.ts'

interface Parts {
  readonly clock: Clock
  readonly stores: Stores & { readonly executions: ExecutionStore }
  readonly admission: Pick<AdmissionDesk, 'policyOf'>
  readonly functions: Pick<FunctionDirectory, 'resolve'>
  readonly execute: Execute
  readonly newRunId: () => RunId
  readonly draining: () => boolean
  readonly log: Logger
}

export interface EventService extends Events {
  readonly deadLetters: DeadLetterDesk
  readonly executions: ExecutionDesk
  /** Begins to work on what is due. */
  start(): void
}

/** Opens what runs without a caller who waits, on the stores and stages of this host. */
export async function openEventService(given: Parts): Promise<EventService> {
  const { stores, admission, functions, log, ...parts } = given
  await using taken = new AsyncDisposableStack()
  const policyOf = (tenant: TenantId): Policy => admission.policyOf(tenant)
  const deadLetters = createDeadLetterDesk({ letters: stores.deadLetters, newRunId: parts.newRunId, policyOf })
  const events = taken.use(
    await openEvents({
      ...parts,
      ledger: stores.ledger,
      invocations: stores.invocations,
      idempotency: stores.idempotency,
      eventSources: stores.eventSources,
      queues: stores.queues,
      policyOf,
      resolve: ({ tenant, function: name, target }) => functions.resolve(tenant, name, target),
      onFault: (event, details) =>
        details instanceof Error ? log.error({ err: details }, event) : log.warn(details as object, event),
    }),
  )
  const executions = taken.use(openExecutions({ ...given, executions: stores.executions }))
  const resources = taken.move()
  return {
    ...events,
    deadLetters,
    executions,
    start() {
      events.dispatcher.start()
      executions.begin()
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}
