import { z } from 'zod'
import { type Millis, millis } from '../core/quantity.ts'
import type { Artifact } from '../core/run.ts'
import { faultsOf, invalidRequest } from './faults.ts'
import { readString, scanFields } from './json-fields.ts'
import type { Artifacts } from './ports.ts'
import type { BodyFormat } from './route.ts'

/** What a caller wants to have run. */
export interface SubmittedRun {
  readonly artifact: Artifact
  /** JSON text, as bytes of the body itself. */
  readonly input: Uint8Array
  readonly timeout?: Millis
}

/** Code, as bodies hold it. */
export const codeFields = {
  code: z.string().optional().describe('One file. Without `export` it is the body of an async function.'),
  modules: z.record(z.string(), z.string()).optional().describe('Several files, by relative path; goes with `main`.'),
  main: z.string().optional().describe('The module to start with.'),
  language: z
    .enum(['javascript', 'typescript'])
    .optional()
    .describe('By the name of `main` if absent; JavaScript for `code`.'),
}

/** What a run is given, as bodies hold it. */
export const runFields = {
  input: z.unknown().optional().describe('Any JSON; null if absent.'),
  timeoutMs: z.number().positive().max(86_400_000).optional().describe('Shortens the time that the policy allows.'),
}

const schema = z.strictObject({ ...codeFields, ...runFields })

const NULL = Buffer.from('null')
const QUOTE = 0x22

/**
 * Reads what is to be run. The input is never parsed: it is checked where it stands, and the bytes that came in are the
 * bytes that travel on to the cell.
 */
export function executeBody(artifacts: Artifacts): BodyFormat<SubmittedRun> {
  return {
    schema,
    presence: 'required',
    read(bytes) {
      const given = readFields(bytes)
      const { timeoutMs, ...submission } = check(given)
      const { input } = given
      const artifact = artifacts.build(submission)
      return timeoutMs === undefined ? { artifact, input } : { artifact, input, timeout: millis(timeoutMs) }
    },
  }
}

/** The fields of a body that starts a run. */
export interface Given {
  readonly input: Uint8Array
  readonly code: unknown
  /** The other fields, if there are any. */
  readonly others: Readonly<Record<string, unknown>> | undefined
}

/** Takes a body apart without parsing its input. Throws INVALID_JSON, INVALID_REQUEST for a field that is there twice. */
export function readFields(bytes: Buffer): Given {
  let input: Uint8Array = NULL
  let code: unknown
  let others: Record<string, unknown> | undefined
  for (const { name, start, end } of scanFields(bytes)) {
    if (name === 'input') input = bytes.subarray(start, end)
    else if (name === 'code') code = readValue(bytes, start, end)
    else {
      // Without a prototype, so that a field named __proto__ is a field like any other.
      others ??= Object.create(null) as Record<string, unknown>
      others[name] = readValue(bytes, start, end)
    }
  }
  return { code, input, others }
}

function readValue(bytes: Buffer, start: number, end: number): unknown {
  return bytes[start] === QUOTE ? readString(bytes, start, end) : JSON.parse(bytes.toString('utf8', start, end))
}

function check({ code, others }: Given): z.output<typeof schema> {
  // What nearly every call sends needs no schema to be seen as right.
  if (typeof code === 'string' && others === undefined) return { code }
  const parsed = schema.safeParse({ ...(code !== undefined && { code }), ...others })
  if (parsed.success) return parsed.data
  throw invalidRequest(faultsOf(parsed.error.issues, 'body'))
}
