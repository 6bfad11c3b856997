import type { ClaimedInvocation, InvocationError } from '../core/invocations.ts'
import type { EpochMillis } from '../core/quantity.ts'
import type { FunctionVersion, Outcome } from '../core/run.ts'

/** How an event ended. */
export type Condition = 'success' | 'retries-exhausted' | 'too-old' | 'too-deep' | 'refused'

/** All that the record of an event tells, for whoever it is sent on to. */
interface Told {
  readonly event: ClaimedInvocation
  readonly condition: Condition
  readonly at: EpochMillis
  /** Attempts in all. */
  readonly attempts: number
  readonly ran?: Pick<Outcome, 'run' | 'status' | 'result'> | undefined
  readonly version?: FunctionVersion | undefined
  readonly error?: InvocationError | undefined
}

/**
 * The record of an event as JSON text, of at most so many bytes: where input and result do not fit, the record says so in
 * `omitted` and goes without.
 */
export function invocationRecord(told: Told, bytesMax: number): string {
  const { event, condition, at, attempts, ran, version, error } = told
  const head = {
    runId: event.id,
    function: event.function,
    version: version?.version,
    trigger: event.trigger,
    condition,
    timestamp: new Date(at).toISOString(),
    attempts,
    ...(ran && { lastRunId: ran.run, status: ran.status }),
    error,
  }
  const result = ran?.result === undefined ? undefined : Buffer.from(ran.result).toString()
  const whole = withTexts(head, { input: event.input, ...(result !== undefined && { result }) })
  if (Buffer.byteLength(whole) <= bytesMax) return whole
  const withInput = withTexts({ ...head, omitted: ['result'] }, { input: event.input })
  if (result !== undefined && Buffer.byteLength(withInput) <= bytesMax) return withInput
  return JSON.stringify({ ...head, omitted: result === undefined ? ['input'] : ['input', 'result'] })
}

/** An object with more fields whose values are JSON text already. */
function withTexts(head: object, texts: Readonly<Record<string, string>>): string {
  const fields = Object.entries(texts).map(([name, text]) => `,"${name}":${text}`)
  return `${JSON.stringify(head).slice(0, -1)}${fields.join('')}}`
}
