import { z } from 'zod'
import { CloisterError } from '../../core/errors.ts'
import { isRunStatus } from '../../core/outcome.ts'
import { parseFunctionName, parseRunId } from '../../core/ids.ts'
import { json } from '../answer.ts'
import { executeBody } from '../execute-body.ts'
import type { Calls } from '../event-ports.ts'
import type { Accounts, Artifacts, Execute, Runs } from '../ports.ts'
import { type Route, route } from '../route.ts'
import { runAnswer, viewInvocation, viewRecord, viewRun } from '../run-view.ts'
import * as schemas from '../schemas.ts'
import { type History, requireHistory } from '../history.ts'

interface ExecuteParts {
  readonly execute: Execute
  readonly artifacts: Artifacts
  readonly accounts: Accounts
}

/** Runs submitted code once: the route that everything else is here for. */
export function executeRoute({ execute, artifacts, accounts }: ExecuteParts): Route {
  return route({
    method: 'POST',
    path: '/v1/tenants/{tenant}/execute',
    caller: 'tenant',
    summary: 'Run submitted code once. 200 whatever the code did: `status` says what.',
    body: executeBody(artifacts),
    answer: { status: 200, description: 'The run took place and was charged.', schema: schemas.runAnswer },
    refusals: [
      'BUDGET_EXCEEDED',
      'WALLS_TOO_WEAK',
      'NOT_FOUND',
      'RATE_LIMITED',
      'CONCURRENCY_LIMITED',
      'OVERLOADED',
      'DRAINING',
    ],
    starts: 'run',
    async handle({ path, body, signal }) {
      const outcome = await execute({ tenant: path.tenant, trigger: 'execute', ...body, signal: signal() })
      return runAnswer(outcome, accounts.costUsd)
    },
  })
}

const PAGE_DEFAULT = 100
const PAGE_MAX = 1_000

const pageQuery = z.strictObject({
  status: z.string().refine(isRunStatus, 'is not how a run can end').optional().describe('Only runs that ended so.'),
  function: z
    .string()
    .transform((text, context) => parseFunctionName(text) ?? refuse(context, 'is no name of a function'))
    .optional()
    .describe('Only runs of this function.'),
  from: z.string().optional().describe('ISO 8601, inclusive.'),
  to: z.string().optional().describe('ISO 8601, exclusive.'),
  before: z
    .string()
    .transform((text, context) => parseRunId(text) ?? refuse(context, 'is not the id of a run'))
    .optional()
    .describe('Continue after this run: `next` of the page before.'),
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE_DEFAULT).describe('Runs of a page.'),
})

interface RunsParts extends History {
  readonly runs: Runs
  readonly calls: Pick<Calls, 'find'>
  readonly accounts: Accounts
}

/** What a tenant ran. */
export function runRoutes({ runs, calls, accounts, directory }: RunsParts): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/runs',
      caller: 'tenant',
      summary: 'A page of runs, newest first.',
      query: pageQuery,
      answer: { status: 200, description: 'The page.', schema: schemas.runPage },
      refusals: ['NOT_FOUND', 'INVALID_PERIOD'],
      async handle({ path, query: { status, function: name, from, to, before, limit } }) {
        await requireHistory(path.tenant, { directory, runs })
        const range = from === undefined && to === undefined ? undefined : accounts.parseRange({ from, to })
        const filter = {
          limit,
          ...(status && { status }),
          ...(name && { function: name }),
          ...(range && { range }),
          ...(before && { before }),
        }
        const page = await runs.page(path.tenant, filter)
        const next = page.length < limit ? undefined : page.at(-1)?.run
        return json({ runs: page.map((record) => viewRecord(record, accounts.costUsd)), next })
      },
    }),
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/runs/{runId}',
      caller: 'tenant',
      summary:
        'One run, with its error and its logs; for an asynchronous one also before it took place: `queued`, `running`.',
      answer: { status: 200, description: 'The run.', schema: schemas.run },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        const event = await calls.find(path.tenant, path.runId)
        // After it: an event that is dealt with meanwhile is in the ledger by now.
        const run = await runs.find(path.tenant, event?.run ?? path.runId)
        if (event !== undefined) return json(viewInvocation(event, run, accounts.costUsd))
        if (run === undefined)
          throw new CloisterError('NOT_FOUND', `tenant "${path.tenant}" has no run "${path.runId}"`)
        return json(viewRun(run, accounts.costUsd))
      },
    }),
  ]
}

function refuse(context: z.core.ParsePayload, message: string): never {
  context.issues.push({ code: 'custom', message, input: context.value })
  return z.NEVER
}
