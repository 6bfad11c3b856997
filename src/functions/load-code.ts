import { CloisterError } from '../core/errors.ts'
import { HANDLERS, type Handler } from '../core/function-store.ts'
import type { TenantId } from '../core/ids.ts'
import { unreachable } from '../core/outcome.ts'
import type { FunctionQuota, Grants } from '../core/policy.ts'
import { type Millis, bytes, millis } from '../core/quantity.ts'
import type { Admission, Artifact, GuestError, Pool, Report, Scheduler, Session } from '../core/run.ts'

interface Stages {
  readonly admission: Admission
  readonly scheduler: Scheduler
  readonly pool: Pool
}

export interface Loaded {
  /** What the code can be called by. Never empty. */
  readonly handlers: readonly Handler[]
  /** What the tenant may keep. */
  readonly quota: FunctionQuota
  /** What its code may use. */
  readonly grants: Grants
}

/**
 * Loads code once, in a cell of the tenant's and in an isolate that is thrown away, and asks what it exports. Rejects with
 * INVALID_CODE, NO_HANDLER, START_TOO_SLOW or START_TOO_LARGE, with the code's own lines, and with whatever refuses a run.
 * Nobody is charged: a refusal costs nothing, and a load is bounded in time and by the tenant's rate of runs.
 */
export type LoadCode = (tenant: TenantId, artifact: Artifact) => Promise<Loaded>

/** Longest time that code may take to load. The first run after a pause has to wait for it. */
const START: Millis = millis(5_000)
/** Tries after the first, of a load whose cell another run has brought down. */
const AGAIN_MAX = 2
const NO_INPUT = Buffer.from('null')

export function createLoadCode({ admission, scheduler, pool }: Stages): LoadCode {
  return async (tenant, artifact) => {
    const how = { trigger: 'invoke', stage: 'load', reuse: 'run', timeout: START } as const
    using ticket = admission.admit({ tenant, artifact, input: NO_INPUT, ...how })
    using _turn = await scheduler.acquire(ticket)
    let report: Report
    let again = 0
    do {
      using lease = await pool.lease(ticket)
      report = await lease.run(NO_CAPABILITIES)
      again += 1
    } while (report.bystander === true && again <= AGAIN_MAX)
    return {
      handlers: handlersOf(report, ticket.wall),
      quota: ticket.policy.functions,
      grants: ticket.policy.capabilities,
    }
  }
}

/** What code may call while it is loaded. */
const NO_CAPABILITIES: Session = Object.freeze({
  call: () =>
    Promise.resolve({
      ok: false,
      text: JSON.stringify({
        code: 'NOT_GRANTED',
        message: 'nothing can be called while a function is being deployed',
      }),
    }),
  operations: {},
  traffic: { egress: bytes(0), ingress: bytes(0) },
  hadEffects: false,
  [Symbol.dispose]: () => undefined,
})

function handlersOf({ status, result, error, bystander }: Report, wall: Millis): readonly Handler[] {
  if (bystander === true) throw new CloisterError('OVERLOADED', 'other runs of the tenant keep ending its cells')
  switch (status) {
    case 'ok':
      return readHandlers(result)
    case 'error':
      throw new CloisterError('INVALID_CODE', `the code cannot be loaded: ${describe(error)}`)
    case 'crashed':
    case 'output-exceeded':
    case 'cancelled':
    case 'suspended':
      throw new CloisterError('INVALID_CODE', 'the code brings down its cell when it is loaded')
    case 'timeout':
    case 'cpu-exceeded':
      throw new CloisterError('START_TOO_SLOW', `the code is not loaded after ${wall} ms: ${describe(error)}`)
    case 'memory-exceeded':
      throw new CloisterError('START_TOO_LARGE', `the code cannot be loaded: ${describe(error)}`)
    default:
      return unreachable(status)
  }
}

/** What comes from a cell is anybody's text: only names that are known count. */
function readHandlers(result: Uint8Array | undefined): readonly Handler[] {
  const names: unknown = JSON.parse(Buffer.from(result ?? NO_INPUT).toString())
  const handlers = Array.isArray(names) ? HANDLERS.filter((name) => names.includes(name)) : []
  if (handlers.length > 0) return handlers
  const advice = 'write `export default async function (input, context) { … }`, or an object with a `fetch` handler'
  throw new CloisterError('NO_HANDLER', `the code exports no default function and no handler: ${advice}`)
}

/** The error with the place that it comes from. */
function describe(error: GuestError | undefined): string {
  if (error === undefined) return 'no reason is known'
  const { name, message, stack } = error
  const place = stack.split('\n').find((line) => /^\s+at .*:\d+:\d+/.test(line))
  const where = place === undefined || /:\d+:\d+\]?$/.test(message) ? '' : ` (${place.trim()})`
  return `${name}: ${message}${where}`.slice(0, 4_000)
}
