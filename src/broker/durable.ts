import { JournalError, type RunJournal, STEP_KINDS, type StepAnswer, type StepKind } from '../core/durable.ts'
import type { Clock } from '../core/clock.ts'
import type { DurableGrant } from '../core/policy.ts'
import { type EpochMillis, epochMillis, millis } from '../core/quantity.ts'
import { invalid, jsonOf, optionsOf, textOf, wholeOf } from './arguments.ts'
import { type Capability, CapabilityError, type Operation, type RunScope } from './capability.ts'

/** Longest name of a step or an event, in bytes. */
const NAME_BYTES_MAX = 200
/** The number that the second step of a name has behind it. */
const ID_BYTES_MAX = NAME_BYTES_MAX + 20
const RETRIES = { fallback: 3, min: 0, max: 100 }
const BACKOFF_MS = { fallback: 1_000, min: 1, max: 3_600_000 }
const ERROR_TEXT_MAX = 4_000

/** Host half of steps: only runs of an execution have them. */
export function createDurableCapability({ clock }: { readonly clock: Clock }): Capability<'durable'> {
  const operations = new Map<string, Operation<DurableGrant>>([
    [
      'begin',
      {
        effect: 'lasting',
        run: (scope, grant, [id, kind, name, options]) =>
          answering(scope, (journal) => {
            const step = kindOf(kind)
            const given = optionsOf(options, OPTIONS[step])
            const { retries = RETRIES.fallback, backoffMs = BACKOFF_MS.fallback } = given
            const until = untilOf(given['until'], clock.now(), grant)
            if (step === 'sleep' && until === undefined) throw invalid('time must be given: milliseconds, or a date')
            return journal.begin({
              id: textOf(id, 'id', ID_BYTES_MAX),
              kind: step,
              name: textOf(name, 'name', NAME_BYTES_MAX),
              ...(until !== undefined && { until }),
              retries: wholeOf(retries, 'options.retries', RETRIES),
              backoff: millis(wholeOf(backoffMs, 'options.backoffMs', BACKOFF_MS)),
            })
          }),
      },
    ],
    [
      'complete',
      {
        effect: 'lasting',
        run: (scope, grant, [id, value]) =>
          answering(scope, async (journal) => {
            const text = value === undefined ? '' : jsonOf(value, 'the value of a step', grant.valueBytes)
            await journal.complete(textOf(id, 'id', ID_BYTES_MAX), text)
            return { state: 'done', value: text }
          }),
      },
    ],
    [
      'fail',
      {
        effect: 'lasting',
        run: (scope, _grant, [id, error, final]) =>
          answering(scope, (journal) =>
            journal.fail(textOf(id, 'id', ID_BYTES_MAX), errorTextOf(error), { final: final === true }),
          ),
      },
    ],
  ])
  return {
    name: 'durable',
    operations,
    argumentsMax: ({ valueBytes }) => 6 * (valueBytes + ERROR_TEXT_MAX * 3) + 2_000,
  }
}

const OPTIONS: Readonly<Record<StepKind, readonly string[]>> = {
  step: ['retries', 'backoffMs'],
  sleep: ['until'],
  event: ['until'],
}

async function answering({ ticket }: RunScope, ask: (journal: RunJournal) => Promise<StepAnswer>): Promise<string> {
  const { execution } = ticket.request
  if (execution === undefined) {
    throw new CapabilityError('NOT_GRANTED', 'only a run of a durable function has steps: see config.durable')
  }
  try {
    return textOfAnswer(await ask(execution.journal))
  } catch (error) {
    if (error instanceof JournalError) throw new CapabilityError(error.code, error.message)
    throw error
  }
}

/** Values are JSON text already, and an empty one is undefined. */
function textOfAnswer(answer: StepAnswer): string {
  const release = answer.release === true ? ',"release":true' : ''
  switch (answer.state) {
    case 'done':
      return `{"state":"done"${answer.value === '' ? '' : `,"value":${answer.value}`}${release}}`
    case 'failed':
      return `{"state":"failed","error":${answer.error}${release}}`
    case 'run':
      return `{"state":"run","attempt":${answer.attempt}${release}}`
    case 'wait':
    case 'parked':
      return `{"state":"${answer.state}"${release}}`
  }
}

function kindOf(given: unknown): StepKind {
  const kind = STEP_KINDS.find((each) => each === given)
  if (kind === undefined) throw invalid(`kind must be one of ${STEP_KINDS.join(', ')}`)
  return kind
}

/** Milliseconds from now, or a date as ISO text. */
function untilOf(given: unknown, now: EpochMillis, { waitSeconds }: DurableGrant): EpochMillis | undefined {
  if (given === undefined || given === null) return undefined
  const at = typeof given === 'number' ? now + given : typeof given === 'string' ? Date.parse(given) : NaN
  if (!Number.isFinite(at)) throw invalid('a time must be a number of milliseconds, a date, or ISO 8601')
  if (at - now > waitSeconds * 1_000) {
    throw invalid(`a wait takes ${waitSeconds} seconds at most (capabilities.durable.waitSeconds)`)
  }
  return epochMillis(Math.max(now, Math.ceil(at)))
}

/** The error of a guest, cut: only what is shown of it lives on. */
function errorTextOf(given: unknown): string {
  const from = typeof given === 'object' && given !== null ? (given as Record<string, unknown>) : {}
  const field = (name: string): string => (typeof from[name] === 'string' ? from[name].slice(0, ERROR_TEXT_MAX) : '')
  return JSON.stringify({ name: field('name'), message: field('message'), stack: field('stack') })
}
