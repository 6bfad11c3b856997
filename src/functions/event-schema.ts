import { Cron } from 'croner'
import { z } from 'zod'
import {
  DOC_CHANGES,
  type Destination,
  MISSED_POLICIES,
  type RetryConfig,
  type TriggerConfig,
} from '../core/event-config.ts'
import { parseFunctionName } from '../core/ids.ts'
import { queueNameFault } from '../core/queue-rules.ts'

/** What a function's configuration may say of events. Whatever it does not know is a fault. */

function whole(min: number, max: number) {
  return z
    .number('must be a number')
    .int('must be a whole number')
    .min(min, `must be at least ${min}`)
    .max(max, `must be at most ${max}`)
}

const backoff = z
  .strictObject({
    initialMs: whole(1, 3_600_000).optional().describe('Before the second attempt. 1000 if absent.'),
    factor: z
      .number('must be a number')
      .min(1, 'must be at least 1')
      .max(10, 'must be at most 10')
      .optional()
      .describe('By how much the wait grows with each further attempt. 2 if absent.'),
    maxMs: whole(1, 43_200_000).optional().describe('The wait grows no further. 300000 if absent.'),
  })
  .refine(({ initialMs = 1, maxMs = Infinity }) => initialMs <= maxMs, 'initialMs is more than maxMs')

export const retrySchema: z.ZodType<RetryConfig> = z.strictObject({
  maxAttempts: whole(1, 100).optional().describe('Runs of one event at most. 3 if absent.'),
  backoff: backoff.optional().describe('How long to wait between attempts, spread at random.'),
  maxAgeSeconds: whole(1, 604_800)
    .optional()
    .describe('From when it was due; past it, an event is given up. 21600 if absent.'),
})

export const queueName = z.string('must be the name of a queue').superRefine((text, context) => {
  const fault = queueNameFault(text)
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
})

const functionName = z.string('must be the name of a function').transform((text, context) => {
  const name = parseFunctionName(text)
  if (name !== undefined) return name
  context.issues.push({
    code: 'custom',
    message: 'must be 1 to 63 of A-Z, a-z, 0-9, _ and -, a letter first',
    input: text,
  })
  return z.NEVER
})

export const destinationSchema: z.ZodType<Destination> = z.union(
  [z.strictObject({ queue: queueName }), z.strictObject({ function: functionName })],
  'must be {"queue": name} or {"function": name}',
)

/** Triggers of one function. */
const TRIGGERS_MAX = 20
const KEY_PART = z.string('must be text').min(1, 'must not be empty').max(1_024, 'must be at most 1024 characters')

const schedule = z
  .strictObject({
    schedule: z.string('must be a line of cron').max(200, 'must be at most 200 characters'),
    timezone: z.string('must be the name of a time zone').max(64, 'must be at most 64 characters').optional(),
    missed: z.enum(MISSED_POLICIES, `must be one of ${MISSED_POLICIES.join(', ')}`).optional(),
  })
  .superRefine(({ schedule: line, timezone = 'UTC' }, context) => {
    const fault = scheduleFault(line, timezone)
    if (fault !== undefined) context.addIssue({ code: 'custom', path: [fault.field], message: fault.message })
  })

const TRIGGERS = {
  queue: z.strictObject({
    queue: queueName,
    batchSize: whole(1, 100).optional(),
    maxWaitMs: whole(0, 60_000).optional(),
    concurrency: whole(1, 64).optional(),
    visibilityTimeoutMs: whole(1_000, 43_200_000).optional(),
    maxAttempts: whole(1, 100).optional(),
    retryDelayMs: whole(0, 43_200_000).optional(),
  }),
  schedule,
  blob: z.strictObject({
    blob: z.enum(['created', 'deleted'], 'must be "created" or "deleted"'),
    prefix: KEY_PART.optional(),
    suffix: KEY_PART.optional(),
  }),
  doc: z.strictObject({
    doc: KEY_PART,
    on: z
      .array(z.enum(DOC_CHANGES, `must be some of ${DOC_CHANGES.join(', ')}`))
      .min(1, 'must not be empty')
      .optional(),
  }),
}

const trigger = z.record(z.string(), z.unknown(), 'must be an object').transform((given, context): TriggerConfig => {
  const kinds = (Object.keys(TRIGGERS) as (keyof typeof TRIGGERS)[]).filter((kind) => Object.hasOwn(given, kind))
  const [kind] = kinds
  if (kind === undefined || kinds.length > 1) {
    const message = `must have one of ${Object.keys(TRIGGERS).join(', ')}`
    context.issues.push({ code: 'custom', message, input: given })
    return z.NEVER
  }
  const parsed = TRIGGERS[kind].safeParse(given, { reportInput: true })
  if (parsed.success) return parsed.data as TriggerConfig
  for (const issue of parsed.error.issues) context.issues.push(issue as never)
  return z.NEVER
})

export const triggersSchema = z
  .array(trigger, 'must be a list')
  .max(TRIGGERS_MAX, `must have at most ${TRIGGERS_MAX} entries`)
  .refine((given) => new Set(given.map((one) => JSON.stringify(one))).size === given.length, 'has the same entry twice')

function scheduleFault(
  line: string,
  timezone: string,
): { field: 'schedule' | 'timezone'; message: string } | undefined {
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch {
    return { field: 'timezone', message: 'is no time zone, such as Europe/Vienna' }
  }
  try {
    const next = new Cron(line, { timezone, paused: true }).nextRun()
    return next === null ? { field: 'schedule', message: 'never comes' } : undefined
  } catch (error) {
    return {
      field: 'schedule',
      message: `is no line of cron: ${error instanceof Error ? error.message : String(error)}`.slice(0, 300),
    }
  }
}
