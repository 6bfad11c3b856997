import { z } from 'zod'
import { HANDLERS } from '../core/function-store.ts'
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
