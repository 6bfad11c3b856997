import { z } from 'zod'
import type { Destination, RetryConfig } from '../core/event-config.ts'
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
