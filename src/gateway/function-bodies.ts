import { z } from 'zod'
import type { FunctionConfig } from '../core/function-store.ts'
import { type Millis, millis } from '../core/quantity.ts'
import type { Artifact } from '../core/run.ts'
import { codeFields, readFields, runFields } from './execute-body.ts'
import { faultsOf, invalidRequest } from './faults.ts'
import type { Artifacts } from './ports.ts'
import { readJson } from './read-json.ts'
import type { BodyFormat } from './route.ts'

/** A version as it comes in. */
export interface Deployment {
  readonly artifact: Artifact
  readonly config: FunctionConfig
}

/** Reads code and how it is to be run. Throws INVALID_REQUEST with every fault of the body and of the configuration. */
export function deployBody(artifacts: Artifacts, configSchema: z.ZodType<FunctionConfig>): BodyFormat<Deployment> {
  const schema = z.strictObject({ ...codeFields, config: configSchema.optional() })
  return {
    schema,
    presence: 'required',
    read(bytes) {
      const { config = {}, ...submission } = readJson(bytes, schema)
      return { artifact: artifacts.build(submission), config }
    },
  }
}

/** What a call of a function is given. */
export interface Invocation {
  /** JSON text, as bytes of the body itself. */
  readonly input: Uint8Array
  readonly timeout?: Millis
}

const invokeSchema = z.strictObject(runFields)

/** Reads what a function is called with. The input is never parsed; without a body it is null. */
export const invokeBody: BodyFormat<Invocation> = {
  schema: invokeSchema,
  presence: 'optional',
  read(bytes) {
    const { input, code, others } = readFields(bytes.length === 0 ? EMPTY_OBJECT : bytes)
    if (code === undefined && others === undefined) return { input }
    const parsed = invokeSchema.safeParse({ ...(code !== undefined && { code }), ...others })
    if (!parsed.success) throw invalidRequest(faultsOf(parsed.error.issues, 'body'))
    const { timeoutMs } = parsed.data
    return timeoutMs === undefined ? { input } : { input, timeout: millis(timeoutMs) }
  },
}

const EMPTY_OBJECT = Buffer.from('{}')
