import type { Clock } from '../../core/clock.ts'
import { CloisterError, type ErrorCode } from '../../core/errors.ts'
import type { ExecutionRecord, ExecutionSettlement, ExecutionStore } from '../../core/durable.ts'
import { type FunctionTarget, type RunnableVersion, functionRequest } from '../../core/function-request.ts'
import type { Handler } from '../../core/function-store.ts'
import type { FunctionName, RunId, TenantId } from '../../core/ids.ts'
import { unreachable } from '../../core/outcome.ts'
import type { DurableGrant, Policy } from '../../core/policy.ts'
import { epochMillis } from '../../core/quantity.ts'
import type { Outcome, RunRequest } from '../../core/run.ts'
import { ExecutionJournal } from './execution-journal.ts'

/** A version that can be called. */
export interface Callable extends RunnableVersion {
  readonly handlers: readonly Handler[]
}

export interface ResumeParts {
  readonly clock: Clock
  readonly store: ExecutionStore
  readonly execute: (request: RunRequest) => Promise<Outcome>
  /** Rejects with NOT_FOUND. */
  readonly resolve: (tenant: TenantId, name: FunctionName, target: FunctionTarget) => Promise<Callable>
  /** Throws NOT_FOUND, INVALID_POLICY. */
  readonly policyOf: (tenant: TenantId) => Policy
}

/** What became of a run; `run` is absent if there was none. */
export interface Resumed {
  readonly settlement: ExecutionSettlement
  readonly run?: RunId
}

/** Runs in a row that may end by a limit or a crash without having come further. */
const SETBACKS_MAX = 3
const SETBACK_PAUSE_MS = 1_000
const REFUSAL_PAUSE_MS = 1_000
const REFUSAL_PAUSE_MS_MAX = 60_000

/** Refusals that no waiting mends. */
const HOPELESS: ReadonlySet<ErrorCode> = new Set([
  'NOT_FOUND',
  'NO_HANDLER',
  'FORBIDDEN',
  'TOO_LARGE',
  'INVALID_POLICY',
  'INVALID_REQUEST',
  'WALLS_TOO_WEAK',
])

/** Takes an execution further by one run, and decides what becomes of it. Rejects only when the host fails. */
export async function resume(parts: ResumeParts, execution: ExecutionRecord, signal: AbortSignal): Promise<Resumed> {
  try {
    const { id, tenant, input } = execution
    const grant = grantOf(parts.policyOf(tenant))
    const version = await versionOf(parts, execution)
    const entries = await parts.store.journal(id)
    const journal = new ExecutionJournal({ ...parts, id, version: version.version, grant, entries })
    const call = { tenant, trigger: 'durable', input: Buffer.from(input), parentRun: id, signal } as const
    const outcome = await parts.execute({ ...functionRequest(version, call), execution: { id, journal } })
    return { settlement: settlementOf(parts, execution, outcome, journal), run: outcome.run }
  } catch (error) {
    if (!(error instanceof CloisterError)) throw error
    return { settlement: refused(parts, execution, error) }
  }
}

/** What the policy says. Throws FORBIDDEN if it says nothing. */
export function grantOf({ name, capabilities }: Policy): DurableGrant {
  if (capabilities.durable !== undefined) return capabilities.durable
  throw new CloisterError('FORBIDDEN', `policy "${name}" does not grant durable (capabilities.durable)`)
}

/** Throws CONFLICT unless the version is of a durable function, NO_HANDLER if it cannot be called. */
export function checkDurable({ name, version, config, handlers }: Callable): void {
  if (config.durable === undefined) {
    throw new CloisterError('CONFLICT', `version ${version} of "${name}" is not durable: its config has no "durable"`)
  }
  if (!handlers.includes('default')) {
    throw new CloisterError('NO_HANDLER', `version ${version} of "${name}" has no default function to call`)
  }
}

async function versionOf(
  { resolve }: ResumeParts,
  { tenant, function: name, version }: ExecutionRecord,
): Promise<Callable> {
  const pinned = await resolve(tenant, name, { version })
  const found = pinned.config.durable?.versions === 'follow' ? await resolve(tenant, name, {}) : pinned
  checkDurable(found)
  return found
}

function settlementOf(
  { clock }: ResumeParts,
  { setbacks }: ExecutionRecord,
  { status, result, error }: Outcome,
  journal: ExecutionJournal,
): ExecutionSettlement {
  const mismatch = journal.mismatchAt(status === 'ok' ? 'returned' : 'suspended')
  if (mismatch !== undefined && (status === 'ok' || status === 'error' || status === 'suspended')) {
    return failed('JOURNAL_MISMATCH', mismatch)
  }
  switch (status) {
    case 'ok':
      return { kind: 'done', result: Buffer.from(result ?? 'null').toString() }
    case 'suspended':
      return { kind: 'suspended', ...(journal.dueAt !== undefined && { dueAt: journal.dueAt }) }
    case 'error':
    case 'output-exceeded':
      return { kind: 'failed', error: error ?? { name: 'Error', message: status, stack: '' } }
    case 'cancelled':
      // The host shuts down: whoever cancels an execution has ended it before its run.
      return { kind: 'again', dueAt: clock.now(), setbacks }
    case 'timeout':
    case 'cpu-exceeded':
    case 'memory-exceeded':
    case 'crashed': {
      const again = journal.recorded > 0 ? 0 : setbacks + 1
      if (again >= SETBACKS_MAX) {
        const message = `${SETBACKS_MAX} runs in a row ended as ${status} before a step was done`
        return failed(status, error === undefined ? message : `${message}: ${error.message}`)
      }
      const pause = again === 0 ? 0 : SETBACK_PAUSE_MS * 2 ** again
      return { kind: 'again', dueAt: epochMillis(clock.now() + pause), setbacks: again }
    }
    default:
      return unreachable(status)
  }
}

function refused(
  { clock }: ResumeParts,
  { status, setbacks, updatedAt }: ExecutionRecord,
  error: CloisterError,
): ExecutionSettlement {
  if (HOPELESS.has(error.code) || error.code === 'CONFLICT') return failed(error.code, error.message)
  const now = clock.now()
  // Refused again: each pause is twice the one before.
  const waited = status === 'running' ? 2 * (now - updatedAt) : 0
  const pause = Math.min(REFUSAL_PAUSE_MS_MAX, Math.max(error.retryAfterMs ?? REFUSAL_PAUSE_MS, waited))
  return { kind: 'again', dueAt: epochMillis(now + pause), setbacks }
}

function failed(code: string, message: string): ExecutionSettlement {
  return { kind: 'failed', error: { code, name: 'Error', message, stack: '' } }
}
