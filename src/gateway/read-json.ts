import { z } from 'zod'
import { faultsOf, invalidRequest } from './faults.ts'
import { scanFields } from './json-fields.ts'
import { quoted } from './quoted.ts'

/** Reads a body as JSON that a schema describes. Throws INVALID_JSON with the position, INVALID_REQUEST with every fault. */
export function readJson<Schema extends z.ZodType>(bytes: Buffer, schema: Schema): z.output<Schema> {
  // The scan finds what JSON.parse would let pass: names that are there twice, and depth that costs a stack.
  if (bytes.length > 0) scanFields(bytes)
  const value: unknown = bytes.length === 0 ? {} : JSON.parse(bytes.toString())
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw invalidRequest(faultsOf(parsed.error.issues, 'body'))
}

/** The query of a route that has none. */
export const NO_QUERY = z.strictObject({})
const NONE = Object.freeze({})

/** Reads the query of a URL. Throws INVALID_REQUEST with every fault. */
export function readQuery<Query>(url: string, schema: z.ZodType<Query>): Query {
  const mark = url.indexOf('?')
  if (mark === -1 && schema === NO_QUERY) return NONE as Query
  const given = new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1))
  const parsed = schema.safeParse(Object.fromEntries(given))
  const twice = [...new Set(given.keys())].filter((name) => given.getAll(name).length > 1)
  if (parsed.success && twice.length === 0) return parsed.data
  const faults = parsed.success ? [] : faultsOf(parsed.error.issues, 'query')
  throw invalidRequest([...twice.map((name) => `${quoted(name)} is in the query twice`), ...faults])
}
