import { CloisterError, type ErrorCode } from '../core/errors.ts'
import { type FunctionTarget, type RunnableVersion, functionRequest } from '../core/function-request.ts'
import type { Handler } from '../core/function-store.ts'
import { type FunctionName, type TenantId, parseAliasName, parseFunctionName } from '../core/ids.ts'
import type { RunStatus } from '../core/outcome.ts'
import type { InvokeGrant } from '../core/policy.ts'
import { type Millis, millis } from '../core/quantity.ts'
import type { Outcome, RunRequest, Ticket, Turn } from '../core/run.ts'
import { invalid, jsonOf, optionsOf, wholeOf } from './arguments.ts'
import { type Capability, CapabilityError, type CapabilityErrorCode, type RunScope } from './capability.ts'
import { LentTurn } from './lent-turn.ts'

interface Callable extends RunnableVersion {
  readonly handlers: readonly Handler[]
}

interface Parts {
  /** Rejects with NOT_FOUND. */
  readonly resolve: (tenant: TenantId, name: FunctionName, target: FunctionTarget) => Promise<Callable>
  readonly execute: (request: RunRequest) => Promise<Outcome>
  /** A turn that is free and that nobody waits for. */
  readonly tryAcquire: (ticket: Ticket) => Turn | undefined
}

/** Calls within calls. Deeper is a function that calls itself without end. */
export const DEPTH_MAX = 16
const VERSION_MAX = 999_999_999
const TIMEOUT_MS_MAX = 900_000

/** What the guest is told of a function that did not return. */
const ENDINGS: Readonly<Record<Exclude<RunStatus, 'ok'>, CapabilityErrorCode>> = {
  error: 'RUN_ERROR',
  timeout: 'RUN_TIMEOUT',
  'cpu-exceeded': 'RUN_CPU_EXCEEDED',
  'memory-exceeded': 'RUN_MEMORY_EXCEEDED',
  'output-exceeded': 'RUN_OUTPUT_EXCEEDED',
  crashed: 'RUN_CRASHED',
  cancelled: 'RUN_CANCELLED',
  // Only executions are suspended, and nobody calls a run of theirs.
  suspended: 'RUN_ERROR',
}

/** Refusals that the guest is told as they are. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode & CapabilityErrorCode>([
  'NOT_FOUND',
  'BUDGET_EXCEEDED',
  'RATE_LIMITED',
  'CONCURRENCY_LIMITED',
  'TOO_LARGE',
  'OVERLOADED',
  'DRAINING',
])

/**
 * Host half of `invoke`: calls another function of the tenant, through the path of every run. The function that is called is a
 * run of its own, charged and recorded as the child of its caller; it ends when its caller ends, and has no more time than
 * that.
 */
export function createInvokeCapability(parts: Parts): Capability<'invoke'> {
  const turns = {}
  return {
    name: 'invoke',
    operations: new Map([
      [
        'call',
        {
          effect: 'lasting',
          async run(scope, grant, [name, input, options]) {
            const depth = (scope.ticket.request.depth ?? 0) + 1
            if (depth > DEPTH_MAX) {
              throw new CapabilityError(
                'TOO_DEEP',
                `this function is ${DEPTH_MAX} calls deep already, the most there may be`,
              )
            }
            const call = callOf(scope, grant, [name, input, options])
            const lent = scope.keep(turns, () => new LentTurn(parts.tryAcquire))
            return await invoke(parts, scope, { ...call, depth, lent })
          },
        },
      ],
    ]),
    argumentsMax: ({ inputBytes }) => inputBytes + 1_000,
  }
}

interface Call {
  readonly name: FunctionName
  readonly input: string
  readonly target: FunctionTarget
  readonly timeout: Millis
}

/** Checks what the guest sent. */
function callOf(scope: RunScope, grant: InvokeGrant, [name, input, given]: readonly unknown[]): Call {
  const parsed = typeof name === 'string' ? parseFunctionName(name) : undefined
  if (parsed === undefined)
    throw invalid('name must be the name of a function: 1 to 63 of A-Z a-z 0-9 _ -, a letter first')
  const { version, alias, timeoutMs } = optionsOf(given, ['version', 'alias', 'timeoutMs'])
  const timeout =
    timeoutMs === undefined ? Infinity : wholeOf(timeoutMs, 'options.timeoutMs', { min: 1, max: TIMEOUT_MS_MAX })
  return {
    name: parsed,
    input: jsonOf(input ?? null, 'input', grant.inputBytes),
    target: targetOf(version, alias),
    // Never 0: what is out of time ends by its own limit, as a run.
    timeout: millis(Math.max(1, Math.min(timeout, scope.remaining()))),
  }
}

function targetOf(version: unknown, alias: unknown): FunctionTarget {
  if (version !== undefined && alias !== undefined) throw invalid('options must not have both version and alias')
  if (version !== undefined) return { version: wholeOf(version, 'options.version', { min: 1, max: VERSION_MAX }) }
  if (alias === undefined) return {}
  const parsed = typeof alias === 'string' ? parseAliasName(alias) : undefined
  if (parsed === undefined) throw invalid('options.alias must be the name of an alias')
  return { alias: parsed }
}

async function invoke(
  { resolve, execute }: Parts,
  { tenant, ticket, signal }: RunScope,
  { name, input, target, timeout, depth, lent }: Call & { readonly depth: number; readonly lent: LentTurn },
): Promise<string> {
  try {
    const found = await resolve(tenant, name, target)
    if (!found.handlers.includes('default')) {
      throw new CapabilityError('NOT_FOUND', `version ${found.version} of "${name}" has no default function to call`)
    }
    if (found.config.durable !== undefined) {
      throw new CapabilityError(
        'CONFLICT',
        `version ${found.version} of "${name}" is durable, and started from outside`,
      )
    }
    const call = { tenant, trigger: 'function', input: Buffer.from(input), timeout, signal } as const
    return resultOf(name, await execute({ ...functionRequest(found, call), parentRun: ticket.run, depth, turns: lent }))
  } catch (error) {
    if (error instanceof CloisterError && REFUSALS.has(error.code)) {
      throw new CapabilityError(error.code as CapabilityErrorCode, error.message)
    }
    throw error
  }
}

function resultOf(name: FunctionName, { run, status, result, error }: Outcome): string {
  if (status === 'ok') return Buffer.from(result ?? []).toString()
  const why = error === undefined ? '' : `: ${error.name}: ${error.message}`
  throw new CapabilityError(ENDINGS[status], `function "${name}" ended as ${status} (${run})${why}`)
}
