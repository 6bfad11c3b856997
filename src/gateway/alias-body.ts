import { z } from 'zod'
import { type Canary, ROLLBACK_METRICS } from '../core/function-store.ts'
import { jsonBody } from './route.ts'

const rollback = z.union(
  [
    z.literal('off'),
    z
      .strictObject({
        metrics: z
          .array(z.enum(ROLLBACK_METRICS, `must be one of ${ROLLBACK_METRICS.join(', ')}`))
          .min(1, 'must name at least one')
          .max(ROLLBACK_METRICS.length, 'names one twice')
          .optional()
          .describe('What is compared; all of it if absent.'),
        minRuns: z
          .number()
          .int('must be a whole number')
          .min(20, 'must be at least 20')
          .max(1_000, 'must be at most 1000')
          .optional()
          .describe('Runs of each version before anything is concluded; 50 if absent.'),
        worsePercent: z
          .number()
          .min(0, 'must be at least 0')
          .max(1_000, 'must be at most 1000')
          .optional()
          .describe('How much higher a figure must be at least, in percent; 20 if absent.'),
      })
      .transform(({ metrics, minRuns, worsePercent }) => ({
        ...(metrics && { metrics: ROLLBACK_METRICS.filter((each) => metrics.includes(each)) }),
        ...(minRuns !== undefined && { minRuns }),
        ...(worsePercent !== undefined && { worsePercent }),
      })),
  ],
  'must be "off" or an object',
)

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
    rollback: rollback
      .optional()
      .describe('When the other version loses its share by itself, because it is worse than `version`.'),
  })
  .transform(({ version, weights = {}, rollback: rules }, context): { version: number; canary?: Canary } => {
    const own = weights[version]
    const others = Object.entries(weights).filter(([name]) => Number(name) !== version)
    const fault = (message: string): never => {
      context.addIssue({ code: 'custom', path: ['weights'], message })
      return z.NEVER
    }
    if (others.length > 1) return fault(`names ${others.length} versions besides ${version}; one may be there`)
    const [other] = others
    if (other === undefined) {
      if (rules !== undefined) return fault('names no other version, and rollback is about that one')
      return own === undefined || own === 100
        ? { version }
        : fault(`is ${own} for ${version} alone; the rest goes nowhere`)
    }
    const [name, percent] = other
    if (own !== undefined && own + percent !== 100) return fault(`adds up to ${own + percent}; it must be 100`)
    return { version, canary: { version: Number(name), percent, ...(rules && { rollback: rules }) } }
  })

/** Reads where an alias is to lead. */
export const aliasBody = jsonBody(schema)

/** Reads which alias to take back. */
export const rollbackBody = jsonBody(
  z.strictObject({ alias: z.string().default('live').describe('`live` if absent.') }),
  'optional',
)
