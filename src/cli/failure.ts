import { CloisterError, ERRORS, type ErrorCode } from '../core/errors.ts'
import { formatMillis } from './format.ts'
import { type ExitCode, EXIT_HOST_FAULT, Stop } from './stop.ts'
import { type Screen, paint, print, printable } from './terminal.ts'

/** What to do after a refusal, where one line can say it. */
const NEXT_STEPS: Partial<Record<ErrorCode, string>> = {
  INVALID_POLICY: 'cloister policy check FILE lists every fault of a policy',
  UNAUTHENTICATED: 'set CLOISTER_KEY to a key of the tenant, or to the admin key',
  BUDGET_EXCEEDED: 'wait for the next period, or raise the budget: cloister tenants put NAME --budget JSON',
  FORBIDDEN: 'use a key of that tenant, or the admin key',
  WALLS_TOO_WEAK: 'cloister doctor prints the line that raises each missing wall; for development: --allow-weak-walls',
  NOT_FOUND: 'cloister tenants list shows who is there; cloister tenants put NAME makes a tenant',
  CONFLICT: 'if another process has the data directory open, wait for its end or choose another --data',
  DRAINING: 'try again when the server has restarted',
  INTERNAL: 'nothing was billed; cloister doctor looks for what is wrong with this machine',
}

export interface Failure {
  readonly exit: ExitCode
  readonly code?: ErrorCode
  readonly message: string
  readonly retryAfterMs?: number
  readonly next?: string
}

/** What a person is told about anything that was thrown. Nothing unexpected is hidden: it exits 70 with its message. */
export function describeFailure(thrown: unknown): Failure {
  if (thrown instanceof Stop) {
    return { exit: thrown.exit, message: thrown.message, ...(thrown.next !== undefined && { next: thrown.next }) }
  }
  if (thrown instanceof CloisterError) {
    const { code, message, retryAfterMs } = thrown
    const next = NEXT_STEPS[code] ?? suggestRetry(code, retryAfterMs)
    const optional = { ...(retryAfterMs !== undefined && { retryAfterMs }), ...(next !== undefined && { next }) }
    return { exit: ERRORS[code].exit, code, message, ...optional }
  }
  const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)
  return { exit: EXIT_HOST_FAULT, message, next: 'set CLOISTER_DEBUG=1 to see where it comes from' }
}

function suggestRetry(code: ErrorCode, retryAfterMs: number | undefined): string | undefined {
  if (ERRORS[code].retry !== 'later') return undefined
  return retryAfterMs === undefined ? 'try again later' : `try again in ${formatMillis(retryAfterMs)}`
}

/** Prints a failure for people: what is wrong, then the next step. */
export function printFailure(screen: Screen, { code, message, next }: Failure): void {
  const label = paint(screen, 'red', code === undefined ? 'error' : `error ${code}`)
  print(screen, `${label}: ${printable(screen, message)}`)
  if (next !== undefined) print(screen, `  ${paint(screen, 'cyan', 'next')}: ${next}`)
}

/** Prints a failure for programs: one line of JSON in the API's own shape. */
export function printFailureAsJson(screen: Screen, { code, message, retryAfterMs, next }: Failure): void {
  print(screen, JSON.stringify({ error: { code: code ?? 'FAILED', message, retryAfterMs, next } }))
}
