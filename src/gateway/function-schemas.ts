import { z } from 'zod'
import { HANDLERS, ROLLBACK_METRICS } from '../core/function-store.ts'
import { FUNCTION_NAME_PATTERN } from '../core/ids.ts'

/** What the API answers about deployed functions: described here, and tested. */

const time = z.iso.datetime().describe('ISO 8601 in UTC')
const name = z.string().regex(new RegExp(FUNCTION_NAME_PATTERN))
const number = z.number().int().min(1)
const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe('Of the code: equal code has an equal one.')

export const deployed = z.strictObject({ name, version: number, sha256 })

const version = z.strictObject({
  version: number,
  sha256,
  codeBytes: z.number(),
  handlers: z.array(z.enum(HANDLERS)).describe('What the code can be called by: its default export, or members of it.'),
  config: z.record(z.string(), z.unknown()),
  createdAt: time,
})

export const versionList = z.strictObject({ versions: z.array(version).describe('Newest first.') })

export const alias = z.strictObject({
  version: number,
  weights: z
    .record(z.string(), z.number())
    .optional()
    .describe('Percent of calls by version, while there is a canary.'),
  rollback: z
    .union([z.literal('off'), z.record(z.string(), z.unknown())])
    .optional()
    .describe('Rules of its canary that differ from the usual ones.'),
  previous: number.optional().describe('What a rollback would go back to.'),
  updatedAt: time,
})

export const rolledBack = z.strictObject({ name, alias: z.string(), version: number, from: number })

export const deployedFunction = z.strictObject({
  name,
  latest: version,
  aliases: z.record(z.string(), alias).describe('By name. `live` is what calls get that name nothing else.'),
  createdAt: time,
  updatedAt: time,
})

export const functionList = z.strictObject({ functions: z.array(deployedFunction) })

const finding = z.strictObject({
  metric: z.enum(ROLLBACK_METRICS),
  unit: z.enum(['share', 'ms', 'usd']).describe('Share of runs; or the geometric mean of a run.'),
  canary: z.number(),
  stable: z.number(),
  p: z.number().describe('How often versions that are alike would differ as much.'),
  canaryRuns: z.number(),
  stableRuns: z.number(),
})

export const rollbackList = z.strictObject({
  rollbacks: z
    .array(
      z.strictObject({
        alias: z.string(),
        version: number,
        from: number,
        at: time,
        findings: z.array(finding),
      }),
    )
    .describe('Newest first, the last 20.'),
})
