import { z } from 'zod'
import { parseFunctionName } from '../../core/ids.ts'
import { type Tail, type TailFilter, hasText } from '../../core/log-tail.ts'
import { isRunStatus } from '../../core/outcome.ts'
import type { TenantId } from '../../core/ids.ts'
import type { PostedRun } from '../../core/stores.ts'
import { type Answer, json } from '../answer.ts'
import { type History, requireHistory } from '../history.ts'
import type { Accounts, Gatekeeper } from '../ports.ts'
import { type Call, type Route, route } from '../route.ts'
import { viewRun } from '../run-view.ts'
import * as schemas from '../schemas.ts'

interface LogsParts extends History {
  readonly gatekeeper: Gatekeeper
  readonly accounts: Accounts
  readonly tail: Tail
}

const RUNS_DEFAULT = 20
const RUNS_MAX = 200
/** Runs that are looked at for one that fits. */
const LOOKED_AT_MAX = 2_000
const PAGE = 200

const query = z.strictObject({
  follow: z.enum(['true', 'false']).default('false').describe('Go on with the runs that end from now on, as events.'),
  function: z
    .string()
    .transform((text, context) => parseFunctionName(text) ?? refuse(context, 'is no name of a function'))
    .optional()
    .describe('Only runs of this function.'),
  status: z.string().refine(isRunStatus, 'is not how a run can end').optional().describe('Only runs that ended so.'),
  search: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('Only runs with this text in a log line or in the message of the error, in any case of letters.'),
  sample: z.coerce.number().gt(0).max(1).optional().describe('Only so many of one run, by chance; with `follow`.'),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(RUNS_MAX)
    .default(RUNS_DEFAULT)
    .describe('At most so many of the last runs; without `follow`.'),
})

type Query = z.output<typeof query>

/** What tenants' code has logged, and what it logs. */
export function logRoutes({ gatekeeper, runs, directory, accounts, tail }: LogsParts): readonly Route[] {
  const path = '/v1/tenants/{tenant}/logs'
  return [
    route({
      method: 'GET',
      path,
      caller: 'tenant',
      summary:
        'The last runs with their logs, oldest first. With `follow=true`, server-sent events: `run` for every run that ends ' +
        'from now on, `lost` for runs that came faster than they were read.',
      query,
      answer: {
        status: 200,
        description: 'The runs.',
        schema: schemas.runLogs,
        otherTypes: ['text/event-stream'],
      },
      refusals: ['NOT_FOUND', 'CONCURRENCY_LIMITED'],
      async handle(call) {
        if (call.query.follow === 'true') return follow(call)
        await requireHistory(call.path.tenant, { directory, runs })
        const found = await lastRuns(call.path.tenant, call.query)
        return json({ runs: found.map((run) => viewRun(run, accounts.costUsd)) })
      },
    }),
  ]

  async function lastRuns(tenant: TenantId, { limit, function: name, status, search }: Query): Promise<PostedRun[]> {
    const text = search?.toLowerCase()
    const found: PostedRun[] = []
    const filter = { limit: PAGE, ...(name && { function: name }), ...(status && { status }) }
    let page = await runs.page(tenant, filter)
    for (let looked = 0; page.length > 0 && looked < LOOKED_AT_MAX; looked += PAGE) {
      for (const { run } of page) {
        const posted = await runs.find(tenant, run)
        if (posted !== undefined && hasText(posted, text)) found.push(posted)
        if (found.length === limit) return found.toReversed()
      }
      const before = page.at(-1)?.run
      page = page.length < PAGE || before === undefined ? [] : await runs.page(tenant, { ...filter, before })
    }
    return found.toReversed()
  }

  /** A tenant that is deleted and a key that is withdrawn end it, at the latest when nothing has come for a while. */
  function follow({ path: { tenant }, query: filter, headers, signal }: Call<typeof path, Query, undefined>): Answer {
    directory.getTenant(tenant)
    const leaving = new AbortController()
    const items = tail.follow(tenant, filterOf(filter), AbortSignal.any([signal(), leaving.signal]))
    const mayStay = (): boolean => {
      try {
        gatekeeper.authorize(gatekeeper.authenticate(headers.authorization), tenant)
        return directory.findTenant(tenant) !== undefined
      } catch {
        return false
      }
    }
    async function* events(): AsyncGenerator<Uint8Array, void> {
      yield Buffer.from(': following\n\n')
      for await (const item of items) {
        if (!mayStay()) return
        if (item.kind === 'quiet') yield Buffer.from(':\n\n')
        else if (item.kind === 'lost') yield eventOf('lost', { runs: item.runs })
        else yield eventOf('run', viewRun(item.run, accounts.costUsd), item.run.run)
      }
    }
    const close = async (): Promise<void> => leaving.abort()
    return { status: 200, type: 'text/event-stream', headers: HEADERS, body: { bytes: events, close } }
  }
}

/** Proxies are asked to hand on what comes when it comes. The connection is of no use after the end, and a host that stops need not wait for it. */
const HEADERS = ['x-accel-buffering', 'no', 'connection', 'close']

function filterOf({ function: name, status, search, sample }: Query): TailFilter {
  return { function: name, status, search, sample }
}

function eventOf(name: string, data: object, id?: string): Buffer {
  return Buffer.from(`${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
}

function refuse(context: z.core.ParsePayload, message: string): never {
  context.issues.push({ code: 'custom', message, input: context.value })
  return z.NEVER
}
