import { z } from 'zod'
import { CloisterError } from '../../core/errors.ts'
import { functionRequest } from '../../core/function-request.ts'
import { parseAliasName } from '../../core/ids.ts'
import { type Answer, JSON_TYPE, json } from '../answer.ts'
import { readCallerTarget } from '../caller-target.ts'
import { type Invocation, invokeBody } from '../function-bodies.ts'
import { prefersAsync, readIdempotencyKey } from '../invoke-headers.ts'
import type { Calls } from '../event-ports.ts'
import type { Accounts, Directory, Execute, Functions, ResolvedFunction } from '../ports.ts'
import { type Call, type Route, route } from '../route.ts'
import { runAnswer, runText } from '../run-view.ts'
import { runAnswer as runAnswerSchema } from '../schemas.ts'
import { RUN_REFUSALS } from './functions.ts'

interface Parts {
  readonly functions: Functions
  readonly directory: Directory
  readonly execute: Execute
  readonly accounts: Accounts
  readonly calls: Calls
  readonly draining: () => boolean
}

const invokeQuery = z
  .strictObject({
    version: z.coerce
      .number('must be a whole number')
      .int('must be a whole number')
      .min(1, 'must be at least 1')
      .optional()
      .describe('This version, whatever the aliases say.'),
    alias: z
      .string()
      .refine((text) => parseAliasName(text) !== undefined, 'is no name of an alias')
      .optional()
      .describe('The version that this alias names; `live` if there is neither.'),
  })
  .refine(({ version, alias }) => version === undefined || alias === undefined, 'takes a version or an alias, not both')

type InvokeCall = Call<
  '/v1/tenants/{tenant}/functions/{function}/invoke',
  { version?: number | undefined; alias?: string | undefined },
  Invocation
>

/** Calls deployed functions: waiting for the answer, or not. */
export function invokeRoutes(parts: Parts): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/v1/tenants/{tenant}/functions/{function}/invoke',
      caller: 'tenant',
      summary:
        'Call a function. 200 whatever its code did: `status` says what. With `Prefer: respond-async` the run takes place by ' +
        'itself, and is tried again if it fails: 202 `{runId}`. An `Idempotency-Key` makes the call once a day.',
      query: invokeQuery,
      body: invokeBody,
      answer: { status: 200, description: 'The run took place and was charged.', schema: runAnswerSchema },
      refusals: ['BUDGET_EXCEEDED', 'NO_HANDLER', 'CONFLICT', 'TOO_LARGE', 'QUOTA_EXCEEDED', ...RUN_REFUSALS],
      starts: 'run',
      handle: (call) => (prefersAsync(call.headers) ? queue(parts, call) : invoke(parts, call)),
    }),
  ]
}

async function invoke(parts: Parts, call: InvokeCall): Promise<Answer> {
  const { execute, accounts, calls } = parts
  const { path, body, headers, signal } = call
  const key = readIdempotencyKey(headers)
  const deployed = await resolve(parts, call)
  const how = { tenant: path.tenant, trigger: 'invoke', ...body } as const
  if (key === undefined) {
    return runAnswer(await execute(functionRequest(deployed, { ...how, signal: signal() })), accounts.costUsd)
  }
  const named = { tenant: path.tenant, function: path.function, target: targetOf(call), input: body.input, key }
  // Not ended when its caller leaves: whoever asks again waits for this one.
  const { answer, again } = await calls.once(named, async () =>
    runText(await execute(functionRequest(deployed, how)), accounts.costUsd),
  )
  return { status: 200, type: JSON_TYPE, body: answer, ...(again && REPLAYED) }
}

async function queue(parts: Parts, call: InvokeCall): Promise<Answer> {
  const { path, body, headers } = call
  if (parts.draining()) throw new CloisterError('DRAINING', 'the host is shutting down; nothing was queued')
  const key = readIdempotencyKey(headers)
  await resolve(parts, call)
  const { run, again } = await parts.calls.queue({
    tenant: path.tenant,
    function: path.function,
    target: targetOf(call),
    input: body.input,
    key,
  })
  const replayed = again ? REPLAYED.headers : []
  return {
    ...json({ runId: run, status: 'queued' }, 202),
    headers: ['preference-applied', 'respond-async', ...replayed],
  }
}

const REPLAYED = { headers: ['idempotency-replayed', 'true'] }

/** What a call means now. A queued one is resolved again when it runs. */
async function resolve(
  { functions, directory }: Parts,
  { path, query, headers }: InvokeCall,
): Promise<ResolvedFunction> {
  directory.getTenant(path.tenant)
  const alias = query.alias === undefined ? undefined : parseAliasName(query.alias)
  const target = { version: query.version, alias, ...readCallerTarget(headers) }
  const deployed = await functions.resolve(path.tenant, path.function, target)
  if (deployed.config.durable !== undefined) {
    const advice = 'start it: POST …/functions/{function}/executions'
    throw new CloisterError('CONFLICT', `version ${deployed.version} of "${deployed.name}" is durable; ${advice}`)
  }
  if (deployed.handlers.includes('default')) return deployed
  const found = deployed.handlers.join(', ')
  throw new CloisterError(
    'NO_HANDLER',
    `version ${deployed.version} of "${deployed.name}" has no default function to call, only: ${found}`,
  )
}

function targetOf({
  query: { version, alias },
  body: { timeout },
}: InvokeCall): Parameters<Calls['queue']>[0]['target'] {
  const named = alias === undefined ? undefined : parseAliasName(alias)
  return {
    ...(version !== undefined && { version }),
    ...(named !== undefined && { alias: named }),
    ...(timeout !== undefined && { timeoutMs: timeout }),
  }
}
