import { OUTCOMES } from '../../core/outcome.ts'
import type { Outcome } from '../../core/run.ts'
import { type Answer, JSON_TYPE } from '../answer.ts'

/**
 * What the client of a function is told of a run that gave no response: that it failed, and how. What the guest threw is
 * between the tenant and its logs.
 */
export function failureAnswer({ run, status }: Pick<Outcome, 'run' | 'status'>): Answer {
  const { http, failure } = OUTCOMES[status]
  const code = status === 'ok' ? 'RUN_INVALID_RESPONSE' : `RUN_${status.replaceAll('-', '_').toUpperCase()}`
  return { status: http, type: JSON_TYPE, body: JSON.stringify({ error: { code, message: failure, runId: run } }) }
}
