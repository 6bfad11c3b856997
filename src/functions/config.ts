import { z } from 'zod'
import { bindSchema } from './bind-schema.ts'
import { httpSchema } from './http-schema.ts'
import { destinationSchema, retrySchema, triggersSchema } from './event-schema.ts'

/** Environment values of one function: names, and bytes of names and values together. */
const ENV_COUNT_MAX = 64
const ENV_BYTES_MAX = 32_768
const ENV_NAME = /^[A-Za-z][A-Za-z0-9_]{0,127}$/

const env = z
  .record(z.string(), z.string('must be text'))
  .superRefine((given, context) => {
    const names = Object.keys(given)
    for (const name of names) {
      if (ENV_NAME.test(name)) continue
      const fault = 'its name must be 1 to 128 of A-Z, a-z, 0-9 and _, a letter first'
      context.addIssue({ code: 'custom', path: [name.slice(0, 80)], message: fault })
    }
    for (const [name, value] of Object.entries(given)) {
      if (!value.isWellFormed()) {
        context.addIssue({ code: 'custom', path: [name.slice(0, 80)], message: 'holds half of a surrogate pair' })
      }
    }
    if (names.length > ENV_COUNT_MAX) {
      context.addIssue({ code: 'custom', message: `has ${names.length} values; at most ${ENV_COUNT_MAX}` })
    }
    const size = Object.entries(given).reduce((sum, pair) => sum + Buffer.byteLength(pair.join('')), 0)
    if (size > ENV_BYTES_MAX) {
      context.addIssue({ code: 'custom', message: `has ${size} bytes; at most ${ENV_BYTES_MAX}` })
    }
  })
  // In one order, so that equal values are equal text.
  .transform((given) => Object.fromEntries(Object.entries(given).toSorted(([a], [b]) => (a < b ? -1 : 1))))

/** How the runs of a function are set up, as it is deployed. Whatever it does not know is a fault. */
export const configSchema = z.strictObject({
  timeoutMs: z
    .number()
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(900_000, 'must be at most 900000')
    .optional()
    .describe('Wall time of a run in milliseconds; shortens what the policy allows.'),
  reuse: z
    .enum(['function', 'context', 'run'])
    .optional()
    .describe(
      '`function` (default): globals live on between runs; `context`: fresh globals; `run`: a fresh isolate. ' +
        'What the policy states can only be made stricter.',
    ),
  http: httpSchema.optional().describe('How it answers HTTP requests, and whose.'),
  bind: bindSchema
    .optional()
    .describe('Documents and blobs that the host reads before a run, and what it writes after it: `context.bound`.'),
  durable: z
    .strictObject({
      versions: z
        .enum(['pin', 'follow'])
        .optional()
        .describe(
          '`pin` (default): an execution ends with the version that it began with; `follow`: each of its runs has the version that `live` names then.',
        ),
    })
    .optional()
    .describe('It is called as an execution: `context.step`, `.sleep` and `.waitForEvent`, over many runs.'),
  retry: retrySchema.optional().describe('How events that it did not handle are given to it again.'),
  triggers: triggersSchema.optional().describe('Queues, schedules, blobs and documents whose events it is given.'),
  onSuccess: destinationSchema.optional().describe('Where the record of each event goes that it has dealt with.'),
  onFailure: destinationSchema.optional().describe('Where the record of each event goes that was given up.'),
  env: env.optional().describe('Plain values, seen as `context.env`. Not for secrets.'),
})
