import type { Logger } from 'pino'
import type { AdmissionDesk } from './admission/admission.ts'
import type { Clock } from './core/clock.ts'
import type { ExecutionStore } from './core/durable.ts'
import type { RunId } from './core/ids.ts'
import { millis } from './core/quantity.ts'
import { ExecutionDesk } from './events/durable/executions.ts'
import type { Execute } from './execute.ts'
import type { FunctionDirectory } from './functions/directory.ts'

/** Executions are kept after their end as long as AWS keeps those of Lambda. */
const RETENTION = millis(14 * 86_400_000)

interface Parts {
  readonly clock: Clock
  readonly executions: ExecutionStore
  readonly execute: Execute
  readonly functions: Pick<FunctionDirectory, 'resolve'>
  readonly admission: Pick<AdmissionDesk, 'policyOf'>
  readonly newRunId: () => RunId
  readonly draining: () => boolean
  readonly log: Logger
}

/** Opens executions of durable functions; they go on once it is told to begin. A part of the composition root, see event-service.ts. */
export function openExecutions({
  clock,
  executions,
  execute,
  functions,
  admission,
  newRunId,
  draining,
  log,
}: Parts): ExecutionDesk {
  return new ExecutionDesk({
    clock,
    execute,
    newRunId,
    draining,
    store: executions,
    retention: RETENTION,
    resolve: (tenant, name, target) => functions.resolve(tenant, name, target),
    policyOf: (tenant) => admission.policyOf(tenant),
    onFault: (event, error) => log.error({ err: error }, event),
  })
}
