import { CloisterError, type ErrorCode } from '../core/errors.ts'
import type { Consumer } from '../core/event-sources.ts'
import { functionRequest } from '../core/function-request.ts'
import type { RunId } from '../core/ids.ts'
import { EVENT_DEPTH_MAX, type InvocationError } from '../core/invocations.ts'
import type { EventQuota } from '../core/policy.ts'
import { type Millis, millis } from '../core/quantity.ts'
import type { ClaimedMessage } from '../core/queues.ts'
import type { Outcome } from '../core/run.ts'
import { type AttemptParts, HOPELESS, TENANT_WIDE, errorOf, requireHandler } from './attempt.ts'
import { refusalWaitOf } from './retry.ts'

/** Messages that one run is given. */
export interface Batch {
  readonly consumer: Consumer
  readonly messages: readonly ClaimedMessage[]
}

/** What becomes of a message. */
export type Fate =
  | { readonly kind: 'done' }
  | { readonly kind: 'again'; readonly delay: Millis; readonly how?: 'unused' }
  | { readonly kind: 'buried'; readonly error: InvocationError; readonly run?: RunId }

const ATTEMPTS_DEFAULT = 5
const DONE: Fate = { kind: 'done' }

/**
 * Gives a batch to its function and says what becomes of each message, in order. Messages that came too often, or from too
 * deep, are given up before. Rejects only when the host fails.
 */
export async function deliver(
  parts: AttemptParts,
  { consumer, messages }: Batch,
): Promise<{ readonly fates: readonly Fate[]; readonly quota: EventQuota; readonly pause?: Millis }> {
  const policy = parts.policyOf(consumer.tenant)
  const fates = new Map<ClaimedMessage, Fate>()
  const { maxAttempts = ATTEMPTS_DEFAULT } = consumer.config
  for (const message of messages) {
    const error = hopelessness(message, maxAttempts)
    if (error !== undefined) fates.set(message, { kind: 'buried', error })
  }
  let pause: Millis | undefined
  for (const part of partsOf(
    messages.filter((message) => !fates.has(message)),
    policy.limits.input,
  )) {
    const given = await give(parts, consumer, part)
    pause = given.pause ?? pause
    for (const [index, message] of part.entries()) fates.set(message, given.fates[index] ?? DONE)
  }
  return {
    fates: messages.map((message) => fates.get(message) ?? DONE),
    quota: policy.events,
    ...(pause !== undefined && { pause }),
  }
}

function hopelessness({ attempts, depth }: ClaimedMessage, maxAttempts: number): InvocationError | undefined {
  if (depth > EVENT_DEPTH_MAX) {
    const message = `${EVENT_DEPTH_MAX} events led to this message, the most there may be: the function causes itself`
    return { code: 'TOO_DEEP', message }
  }
  if (attempts <= maxAttempts) return undefined
  return {
    code: 'ATTEMPTS_EXHAUSTED',
    message: `it was taken ${attempts - 1} times, and nobody said what became of it`,
  }
}

/** The messages in order, in parts that fit the input of a run; one that does not fit is a part of its own. */
function partsOf(messages: readonly ClaimedMessage[], inputMax: number): readonly ClaimedMessage[][] {
  const parts: ClaimedMessage[][] = []
  let size = 0
  for (const message of messages) {
    const own = Buffer.byteLength(message.body) + 500
    const last = parts.at(-1)
    if (last === undefined || size + own > inputMax - 200) {
      parts.push([message])
      size = own
    } else {
      last.push(message)
      size += own
    }
  }
  return parts
}

async function give(
  parts: AttemptParts,
  consumer: Consumer,
  messages: readonly ClaimedMessage[],
): Promise<{ readonly fates: readonly Fate[]; readonly pause?: Millis }> {
  const { tenant, function: name } = consumer
  try {
    const version = await parts.resolve({ tenant, function: name, target: {} })
    requireHandler(version, 'queue')
    const input = Buffer.from(inputOf(consumer, messages))
    const depth = Math.max(...messages.map((message) => message.depth))
    const attempt = Math.max(...messages.map((message) => message.attempts))
    const outcome = await parts.execute(functionRequest(version, { tenant, trigger: 'queue', input, depth, attempt }))
    return { fates: fatesOf(parts, consumer, messages, outcome) }
  } catch (error) {
    if (!(error instanceof CloisterError)) throw error
    return refused(parts, messages, error)
  }
}

function inputOf({ config: { queue } }: Consumer, messages: readonly ClaimedMessage[]): string {
  const texts = messages.map(({ id, body, attempts, sentAt, orderingKey }) => {
    const head = JSON.stringify({ id, attempts, sentAt: new Date(sentAt).toISOString(), orderingKey })
    return `${head.slice(0, -1)},"body":${body}}`
  })
  return `{"queue":${JSON.stringify(queue)},"messages":[${texts.join(',')}]}`
}

function fatesOf(
  { draining }: AttemptParts,
  { config: { maxAttempts = ATTEMPTS_DEFAULT, retryDelayMs = 0 } }: Consumer,
  messages: readonly ClaimedMessage[],
  outcome: Outcome,
): readonly Fate[] {
  const { run, status, result } = outcome
  const failed = (message: ClaimedMessage, delay: number, error: InvocationError): Fate =>
    message.attempts >= maxAttempts ? { kind: 'buried', error, run } : { kind: 'again', delay: millis(delay) }
  if (status !== 'ok') {
    // A host that is shutting down ends what still runs: that is no doing of the function's.
    if (draining()) return messages.map(() => ({ kind: 'again', delay: millis(0), how: 'unused' }))
    return messages.map((message) => failed(message, retryDelayMs, errorOf(outcome)))
  }
  const said = delaysOf(result)
  const error = { code: 'RETRY_ASKED', message: 'the function asked for it to come again once too often' }
  return messages.map((message, index) => {
    const seconds = said[index] ?? -1
    return seconds < 0 ? DONE : failed(message, seconds > 0 ? seconds * 1_000 : retryDelayMs, error)
  })
}

/** What the runtime says of each message. It comes from a cell: anything that is not understood counts as done with. */
function delaysOf(result: Uint8Array | undefined): readonly number[] {
  const text: unknown = result === undefined ? '' : JSON.parse(Buffer.from(result).toString())
  if (typeof text !== 'string') return []
  return text.split(',').map((part) => {
    const seconds = Number(part)
    return seconds >= 0 && seconds <= 43_200 ? seconds : -1
  })
}

function refused(
  { random }: AttemptParts,
  messages: readonly ClaimedMessage[],
  { code, message: why, retryAfterMs }: CloisterError,
): { readonly fates: readonly Fate[]; readonly pause?: Millis } {
  if (HOPELESS.has(code)) return { fates: messages.map(() => ({ kind: 'buried', error: { code, message: why } })) }
  const asked = retryAfterMs === undefined ? undefined : millis(retryAfterMs)
  const fates = messages.map(({ attempts }): Fate => ({
    kind: 'again',
    delay: refusalWaitOf(attempts, asked, random()),
    how: 'unused',
  }))
  return TENANT_WIDE.has(code satisfies ErrorCode) ? { fates, pause: millis(Math.min(asked ?? 100, 1_000)) } : { fates }
}
