import type { Logger } from 'pino'
import type { AdmissionDesk } from './admission/admission.ts'
import type { Clock } from './core/clock.ts'
import type { ExecutionStore } from './core/durable.ts'
import type { RunId } from './core/ids.ts'
import type { Stores } from './core/stores.ts'
import type { ExecutionDesk } from './events/durable/executions.ts'
import { openExecutions } from './durable.ts'
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

/** What runs without a caller who waits. */
export interface EventService extends Pick<Events, 'calls'>, AsyncDisposable {
  readonly executions: ExecutionDesk
  /** Begins to work on what is due. */
  start(): void
}

/** Opens what runs without a caller who waits, on the stores and stages of this host. */
export async function openEventService(parts: Parts): Promise<EventService> {
  const { stores, admission, functions, log, ...rest } = parts
  await using taken = new AsyncDisposableStack()
  const { calls, dispatcher } = taken.use(
    await openEvents({
      ...rest,
      ledger: stores.ledger,
      invocations: stores.invocations,
      idempotency: stores.idempotency,
      policyOf: (tenant) => admission.policyOf(tenant),
      resolve: ({ tenant, function: name, target }) => functions.resolve(tenant, name, target),
      onFault: (event, details) =>
        details instanceof Error ? log.error({ err: details }, event) : log.warn(details as object, event),
    }),
  )
  const executions = taken.use(openExecutions({ ...parts, executions: stores.executions }))
  const resources = taken.move()
  return {
    calls,
    executions,
    start() {
      dispatcher.start()
      executions.begin()
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}
