import { z } from 'zod'
import type { Canary } from '../core/function-store.ts'
import { jsonBody } from './route.ts'

const schema = z
  .strictObject({
    version: z.number().int('must be a whole number').min(1, 'must be at least 1'),
    weights: z
      .record(
        z.string().regex(/^[1-9][0-9]{0,8}$/, 'is no version'),
        z.number('must be a number').min(0, 'must be at least 0').max(100, 'must be at most 100'),
      )
      .optional()
      .describe(
        'Percent of calls by version: of `version`, and of one other. What one of the two has not, the other has.',
      ),
  })
  .transform(({ version, weights = {} }, context): { version: number; canary?: Canary } => {
    const own = weights[version]
    const others = Object.entries(weights).filter(([name]) => Number(name) !== version)
    const fault = (message: string): never => {
      context.addIssue({ code: 'custom', path: ['weights'], message })
      return z.NEVER
    }
    if (others.length > 1) return fault(`names ${others.length} versions besides ${version}; one may be there`)
    const [other] = others
    if (other === undefined) {
      return own === undefined || own === 100
        ? { version }
        : fault(`is ${own} for ${version} alone; the rest goes nowhere`)
    }
    const [name, percent] = other
    if (own !== undefined && own + percent !== 100) return fault(`adds up to ${own + percent}; it must be 100`)
    return { version, canary: { version: Number(name), percent } }
  })

/** Reads where an alias is to lead. */
export const aliasBody = jsonBody(schema)

/** Reads which alias to take back. */
export const rollbackBody = jsonBody(
  z.strictObject({ alias: z.string().default('live').describe('`live` if absent.') }),
  'optional',
)
