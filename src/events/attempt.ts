import type { Clock } from '../core/clock.ts'
import { CloisterError, type ErrorCode } from '../core/errors.ts'
import type { Destination } from '../core/event-config.ts'
import { type RunnableVersion, functionRequest } from '../core/function-request.ts'
import type { FunctionConfig, Handler } from '../core/function-store.ts'
import type { RunId, TenantId } from '../core/ids.ts'
import {
  type ClaimedInvocation,
  EVENT_DEPTH_MAX,
  type InvocationError,
  type Onward,
  type Settlement,
  attemptRunId,
} from '../core/invocations.ts'
import type { Policy } from '../core/policy.ts'
import { type Millis, epochMillis, millis } from '../core/quantity.ts'
import type { FunctionVersion, Outcome, RunRequest, Trigger } from '../core/run.ts'
import type { LedgerStore } from '../core/stores.ts'
import { type Condition, invocationRecord } from './invocation-record.ts'
import { type RetryPlan, backoffOf, refusalWaitOf, retryPlanOf } from './retry.ts'

export interface AttemptParts {
  readonly clock: Clock
  readonly execute: (request: RunRequest) => Promise<Outcome>
  /** Rejects with NOT_FOUND. */
  readonly resolve: (
    event: Pick<ClaimedInvocation, 'tenant' | 'function' | 'target'>,
  ) => Promise<RunnableVersion & { readonly handlers: readonly Handler[] }>
  readonly ledger: Pick<LedgerStore, 'find'>
  /** Throws NOT_FOUND, INVALID_POLICY. */
  readonly policyOf: (tenant: TenantId) => Policy
  readonly newRunId: () => RunId
  readonly draining: () => boolean
  /** From 0 to 1. */
  readonly random: () => number
}

/** What became of an attempt. `pause`: how long the tenant is better left alone. */
export interface Attempted {
  readonly settlement: Settlement
  readonly pause?: Millis
}

type Ran = Pick<Outcome, 'run' | 'status' | 'result' | 'error'> & { readonly function?: FunctionVersion }

/** What no waiting mends. */
export const HOPELESS: ReadonlySet<ErrorCode> = new Set([
  'NOT_FOUND',
  'NO_HANDLER',
  'TOO_LARGE',
  'INVALID_CODE',
  'INVALID_INPUT',
  'INVALID_REQUEST',
  'WALLS_TOO_WEAK',
])
/** Refusals that would meet the next event of the tenant as well. */
export const TENANT_WIDE: ReadonlySet<ErrorCode> = new Set([
  'RATE_LIMITED',
  'CONCURRENCY_LIMITED',
  'BUDGET_EXCEEDED',
  'OVERLOADED',
])
/** The record that a function is sent; a queue takes what its grant says. */
const RECORD_BYTES_MAX = 1 << 20

/** Gives an event to its function once and decides what becomes of it. Rejects only when the store fails. */
export async function attempt(parts: AttemptParts, event: ClaimedInvocation): Promise<Attempted> {
  const policy = parts.policyOf(event.tenant)
  if ((event.depth ?? 0) > EVENT_DEPTH_MAX) {
    const message = `${EVENT_DEPTH_MAX} events led to this one, the most there may be: the function causes itself`
    return giveUp(parts, policy, event, { condition: 'too-deep', error: { code: 'TOO_DEEP', message } })
  }
  let config: FunctionConfig = {}
  try {
    const version = await parts.resolve(event)
    config = version.config
    const plan = retryPlanOf(config.retry)
    const before = event.interrupted ? await findRan(parts, event) : undefined
    if (before !== undefined) return conclude(parts, policy, event, { plan, config, ran: before })
    if (parts.clock.now() - event.plannedAt > plan.maxAge) return tooOld(parts, policy, event, { plan, config })
    return conclude(parts, policy, event, { plan, config, ran: await parts.execute(requestOf(event, version)) })
  } catch (error) {
    if (!(error instanceof CloisterError)) throw error
    return refused(parts, policy, event, { config, error })
  }
}

/** The run that the claim before this one may have made: its host died before it could say so. */
async function findRan({ ledger }: AttemptParts, { tenant, id, claims }: ClaimedInvocation): Promise<Ran | undefined> {
  const found = await ledger.find(tenant, attemptRunId(id, claims - 1))
  if (found === undefined) return undefined
  const { run, status, function: version, details } = found
  return { run, status, ...(version && { function: version }), ...(details.error && { error: details.error }) }
}

function requestOf(
  event: ClaimedInvocation,
  version: RunnableVersion & { readonly handlers: readonly Handler[] },
): RunRequest {
  const { id, tenant, trigger, input, target, depth = 0, parentRun, attempts, claims } = event
  requireHandler(version, handlerOf(trigger))
  return functionRequest(version, {
    tenant,
    trigger,
    input: Buffer.from(input),
    run: attemptRunId(id, claims),
    attempt: attempts + 1,
    depth,
    ...(parentRun && { parentRun }),
    ...(target.timeoutMs !== undefined && { timeout: millis(target.timeoutMs) }),
  })
}

/** What deals with events of a trigger. */
export function handlerOf(trigger: Trigger): Handler {
  switch (trigger) {
    case 'queue':
    case 'blob':
    case 'doc':
      return trigger
    case 'schedule':
      return 'scheduled'
    default:
      return 'default'
  }
}

/** Throws NO_HANDLER. */
export function requireHandler(
  { name, version, handlers }: RunnableVersion & { readonly handlers: readonly Handler[] },
  handler: Handler,
): void {
  if (handlers.includes(handler)) return
  const wanted = handler === 'default' ? 'default function to call' : `handler "${handler}"`
  throw new CloisterError(
    'NO_HANDLER',
    `version ${version} of "${name}" has no ${wanted}, only: ${handlers.join(', ')}`,
  )
}

interface Concluded {
  readonly plan: RetryPlan
  readonly config: FunctionConfig
  readonly ran: Ran
}

function conclude(parts: AttemptParts, policy: Policy, event: ClaimedInvocation, how: Concluded): Attempted {
  const { plan, config, ran } = how
  const attempts = event.attempts + 1
  if (ran.status === 'ok') {
    const told = { event, condition: 'success', at: parts.clock.now(), attempts, ran, version: ran.function } as const
    const onward = onwardOf(parts, policy, config.onSuccess, told)
    return { settlement: { kind: 'done', run: ran.run, ...(onward && { onward }) } }
  }
  const error = errorOf(ran)
  // A host that is shutting down ends what still runs: that is no doing of the function's.
  const because = parts.draining() ? 'refused' : 'failed'
  if (because === 'failed' && attempts >= plan.maxAttempts) {
    return giveUp(parts, policy, event, { condition: 'retries-exhausted', error, attempts, ran, config })
  }
  const wait = because === 'refused' ? 0 : backoffOf(plan, attempts, parts.random())
  const dueAt = epochMillis(parts.clock.now() + wait)
  return { settlement: { kind: 'retry', dueAt, because, run: ran.run, error } }
}

/** Why a run failed. */
export function errorOf({ status, error }: Pick<Outcome, 'status' | 'error'>): InvocationError {
  if (error === undefined) return { code: status, message: `the run ended as ${status}` }
  return { code: status, name: error.name, message: error.message }
}

function tooOld(
  parts: AttemptParts,
  policy: Policy,
  event: ClaimedInvocation,
  { plan, config }: Omit<Concluded, 'ran'>,
): Attempted {
  const message = `it was not dealt with ${plan.maxAge / 1_000} seconds after it was due (retry.maxAgeSeconds)`
  return giveUp(parts, policy, event, { condition: 'too-old', error: { code: 'TOO_OLD', message }, config })
}

function refused(
  parts: AttemptParts,
  policy: Policy,
  event: ClaimedInvocation,
  { config, error }: { readonly config: FunctionConfig; readonly error: CloisterError },
): Attempted {
  const { code, message, retryAfterMs } = error
  if (HOPELESS.has(code)) {
    return giveUp(parts, policy, event, { condition: 'refused', error: { code, message }, config })
  }
  const plan = retryPlanOf(config.retry)
  const now = parts.clock.now()
  if (now - event.plannedAt > plan.maxAge) return tooOld(parts, policy, event, { plan, config })
  const asked = retryAfterMs === undefined ? undefined : millis(retryAfterMs)
  const wait = refusalWaitOf(event.claims, asked, parts.random())
  const settlement = {
    kind: 'retry',
    dueAt: epochMillis(now + wait),
    because: 'refused',
    error: { code, message },
  } as const
  return TENANT_WIDE.has(code) ? { settlement, pause: millis(Math.min(asked ?? 100, 1_000)) } : { settlement }
}

interface GivenUp {
  readonly condition: Condition
  readonly error: InvocationError
  readonly attempts?: number
  readonly ran?: Ran
  readonly config?: FunctionConfig
}

function giveUp(parts: AttemptParts, policy: Policy, event: ClaimedInvocation, how: GivenUp): Attempted {
  const { condition, error, attempts = event.attempts, ran, config } = how
  const told = { event, condition, at: parts.clock.now(), attempts, ran, version: ran?.function, error }
  const onward = onwardOf(parts, policy, config?.onFailure, told)
  return {
    settlement: {
      kind: 'failed',
      ...(ran && { run: ran.run }),
      attempts,
      error,
      ...(onward && { onward }),
      quota: policy.events,
    },
  }
}

function onwardOf(
  { clock, newRunId }: AttemptParts,
  { capabilities, events }: Policy,
  destination: Destination | undefined,
  told: Parameters<typeof invocationRecord>[0],
): Onward | undefined {
  if (destination === undefined) return undefined
  const { tenant, depth: before = 0 } = told.event
  const depth = before + 1
  if ('queue' in destination) {
    // Without the grant there are no queues: nothing fits.
    const { messageBytes, ...quota } = capabilities.queues ?? {
      messageBytes: 0,
      queues: 0,
      messages: 0,
      storedBytes: 0,
    }
    return { tenant, queue: destination.queue, body: invocationRecord(told, messageBytes), depth, quota }
  }
  return {
    invocation: {
      id: newRunId(),
      tenant,
      function: destination.function,
      target: {},
      trigger: 'function',
      input: invocationRecord(told, RECORD_BYTES_MAX),
      dueAt: clock.now(),
      depth,
      ...(told.ran && { parentRun: told.ran.run }),
    },
    quota: events,
  }
}
