import { z } from 'zod'
import { EXECUTION_STATUSES, type ExecutionRecord, type Executions, type JournalEntry } from '../../core/durable.ts'
import { CloisterError } from '../../core/errors.ts'
import { parseFunctionName, parseRunId } from '../../core/ids.ts'
import { DONE, json } from '../answer.ts'
import { readCallerTarget } from '../caller-target.ts'
import { invokeBody } from '../function-bodies.ts'
import type { Directory } from '../ports.ts'
import { type Route, jsonBody, route } from '../route.ts'
import { report } from '../schemas.ts'

interface Parts {
  readonly directory: Directory
  readonly executions: Executions
}

const PATH = '/v1/tenants/{tenant}/executions'

const listQuery = z.strictObject({
  status: z.enum(EXECUTION_STATUSES, `must be one of ${EXECUTION_STATUSES.join(', ')}`).optional(),
  function: z
    .string()
    .refine((text) => parseFunctionName(text) !== undefined, 'is no name of a function')
    .optional(),
  before: z
    .string()
    .refine((text) => parseRunId(text) !== undefined, 'is no id of an execution')
    .optional()
    .describe('Continue after this one, the last of a page.'),
  limit: z.coerce.number().int().min(1).max(100).default(20).describe('Executions of a page.'),
})

const eventBody = jsonBody(
  z.strictObject({ payload: z.unknown().optional().describe('What `waitForEvent` gives; null if absent.') }),
  'optional',
)

/** Executions of durable functions: started, looked at, given events, cancelled. */
export function executionRoutes({ directory, executions }: Parts): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/v1/tenants/{tenant}/functions/{function}/executions',
      caller: 'tenant',
      summary: 'Start an execution of a durable function. It comes to its end whatever happens to the host.',
      body: invokeBody,
      answer: { status: 202, description: 'It is on disk.', schema: z.strictObject({ executionId: z.string() }) },
      refusals: ['FORBIDDEN', 'NOT_FOUND', 'CONFLICT', 'NO_HANDLER', 'QUOTA_EXCEEDED'],
      async handle({ path, body: { input }, headers }) {
        directory.getTenant(path.tenant)
        const call = { ...readCallerTarget(headers), input }
        return json({ executionId: await executions.start(path.tenant, path.function, call) }, 202)
      },
    }),
    route({
      method: 'GET',
      path: PATH,
      caller: 'tenant',
      summary: 'A page of executions, newest first.',
      query: listQuery,
      answer: { status: 200, description: 'The page.', schema: report },
      refusals: ['NOT_FOUND'],
      async handle({ path, query: { status, function: name, before, limit } }) {
        directory.getTenant(path.tenant)
        const by = name === undefined ? undefined : parseFunctionName(name)
        const last = before === undefined ? undefined : parseRunId(before)
        const filter = { limit, ...(status && { status }), ...(by && { function: by }), ...(last && { before: last }) }
        return json({ executions: (await executions.list(path.tenant, filter)).map(viewExecution) })
      },
    }),
    route({
      method: 'GET',
      path: `${PATH}/{runId}`,
      caller: 'tenant',
      summary: 'One execution, with its journal.',
      answer: { status: 200, description: 'The execution.', schema: report },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        directory.getTenant(path.tenant)
        const { record, journal } = await executions.find(path.tenant, path.runId)
        const { input } = record
        return json({ ...viewExecution(record), input: JSON.parse(input) as unknown, steps: journal.map(viewEntry) })
      },
    }),
    route({
      method: 'POST',
      path: `${PATH}/{runId}/events/{event}`,
      caller: 'tenant',
      summary: 'Give an execution an event, for `waitForEvent`. One that comes before it is waited for is kept.',
      body: eventBody,
      answer: { status: 204, description: 'It is on disk.' },
      refusals: ['FORBIDDEN', 'NOT_FOUND', 'CONFLICT', 'QUOTA_EXCEEDED'],
      async handle({ path, body: { payload = null } }) {
        directory.getTenant(path.tenant)
        if (Buffer.byteLength(path.event) > 200) {
          throw new CloisterError('INVALID_REQUEST', 'the name of an event has 200 bytes at most')
        }
        await executions.deliver(path.tenant, path.runId, { name: path.event, payload: JSON.stringify(payload) })
        return DONE
      },
    }),
    route({
      method: 'POST',
      path: `${PATH}/{runId}/cancel`,
      caller: 'tenant',
      summary: 'End an execution, with the run of it that is in progress.',
      answer: { status: 204, description: 'It is cancelled.' },
      refusals: ['NOT_FOUND', 'CONFLICT'],
      async handle({ path }) {
        directory.getTenant(path.tenant)
        await executions.cancel(path.tenant, path.runId)
        return DONE
      },
    }),
  ]
}

function viewExecution(record: ExecutionRecord): object {
  const { id, function: name, version, status, result, error, dueAt, runs, lastRun, createdAt, updatedAt } = record
  return {
    id,
    function: name,
    version,
    status,
    ...(result !== undefined && { result: JSON.parse(result) as unknown }),
    ...(error && { error }),
    ...(dueAt !== undefined && { dueAt: new Date(dueAt).toISOString() }),
    runs,
    ...(lastRun && { lastRun }),
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
  }
}

function viewEntry({ id, kind, state, value, dueAt, tries, version, at }: JournalEntry): object {
  const told = value === undefined || value === '' ? undefined : (JSON.parse(value) as unknown)
  return {
    id,
    kind,
    state,
    ...(told !== undefined && (state === 'done' ? { value: told } : { error: told })),
    ...(state === 'open' && dueAt !== undefined && { dueAt: new Date(dueAt).toISOString() }),
    ...(tries > 0 && { tries }),
    version,
    at: new Date(at).toISOString(),
  }
}
