import { z } from 'zod'
import { CloisterError, type ErrorCode } from '../../core/errors.ts'
import type { FunctionConfig } from '../../core/function-store.ts'
import { parseAliasName } from '../../core/ids.ts'
import { DONE, json } from '../answer.ts'
import { readCallerTarget } from '../caller-target.ts'
import { deployBody, invokeBody } from '../function-bodies.ts'
import { functionRequest } from '../../core/function-request.ts'
import * as schemas from '../function-schemas.ts'
import { viewFunction, viewRollback, viewVersion } from '../function-view.ts'
import type { Accounts, Artifacts, Directory, Execute, Functions } from '../ports.ts'
import { type Route, route } from '../route.ts'
import { runAnswer } from '../run-view.ts'
import { runAnswer as runAnswerSchema } from '../schemas.ts'

interface Parts {
  readonly functions: Functions
  readonly functionConfig: z.ZodType<FunctionConfig>
  readonly artifacts: Artifacts
  readonly directory: Directory
  readonly execute: Execute
  readonly accounts: Accounts
}

/** What refuses anything that runs. */
const RUN_REFUSALS: readonly ErrorCode[] = [
  'WALLS_TOO_WEAK',
  'NOT_FOUND',
  'RATE_LIMITED',
  'CONCURRENCY_LIMITED',
  'OVERLOADED',
  'DRAINING',
]

const deployQuery = z.strictObject({
  publish: z
    .enum(['true', 'false'], 'must be true or false')
    .default('true')
    .describe('Whether calls get the new version from now on: whether the alias `live` moves to it.'),
})

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

/** Deploys functions, and calls them. */
export function functionRoutes(parts: Parts): readonly Route[] {
  return [...deploying(parts), ...looking(parts), invoking(parts)]
}

function deploying({ functions, functionConfig, artifacts, directory }: Parts): readonly Route[] {
  return [
    route({
      method: 'PUT',
      path: '/v1/tenants/{tenant}/functions/{function}',
      caller: 'tenant',
      summary: 'Deploy a version (201). Code and configuration equal to the newest version’s are that version (200).',
      query: deployQuery,
      body: deployBody(artifacts, functionConfig),
      answer: { status: 201, description: 'The version.', schema: schemas.deployed },
      refusals: ['INVALID_CODE', 'NO_HANDLER', 'START_TOO_SLOW', 'START_TOO_LARGE', 'QUOTA_EXCEEDED', ...RUN_REFUSALS],
      async handle({ path, query, body: { artifact, config } }) {
        const publish = query.publish === 'true' ? 'live' : 'later'
        const { version, created } = await functions.deploy(path.tenant, path.function, { artifact, config, publish })
        return json({ name: path.function, version, sha256: artifact.id }, created ? 201 : 200)
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/tenants/{tenant}/functions/{function}',
      caller: 'tenant',
      summary: 'Delete a function with all its versions. Runs in progress end as they would.',
      answer: { status: 204, description: 'It is deleted.' },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        directory.getTenant(path.tenant)
        await functions.delete(path.tenant, path.function)
        return DONE
      },
    }),
  ]
}

function looking({ functions, directory }: Parts): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/functions',
      caller: 'tenant',
      summary: 'All functions, by name.',
      answer: { status: 200, description: 'The functions.', schema: schemas.functionList },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        directory.getTenant(path.tenant)
        return json({ functions: (await functions.list(path.tenant)).map(viewFunction) })
      },
    }),
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/functions/{function}',
      caller: 'tenant',
      summary: 'One function: its newest version and its aliases.',
      answer: { status: 200, description: 'The function.', schema: schemas.deployedFunction },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        directory.getTenant(path.tenant)
        return json(viewFunction(await functions.get(path.tenant, path.function)))
      },
    }),
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/functions/{function}/versions',
      caller: 'tenant',
      summary: 'The versions of a function, newest first.',
      answer: { status: 200, description: 'The versions that are kept.', schema: schemas.versionList },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        directory.getTenant(path.tenant)
        return json({ versions: (await functions.versions(path.tenant, path.function)).map(viewVersion) })
      },
    }),
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/functions/{function}/rollbacks',
      caller: 'tenant',
      summary: 'Canaries that lost their share by themselves, with the figures by which they were worse.',
      answer: { status: 200, description: 'The rollbacks.', schema: schemas.rollbackList },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        directory.getTenant(path.tenant)
        return json({ rollbacks: (await functions.rollbacks(path.tenant, path.function)).map(viewRollback) })
      },
    }),
  ]
}

function invoking({ functions, execute, accounts }: Parts): Route {
  return route({
    method: 'POST',
    path: '/v1/tenants/{tenant}/functions/{function}/invoke',
    caller: 'tenant',
    summary: 'Call a function. 200 whatever its code did: `status` says what.',
    query: invokeQuery,
    body: invokeBody,
    answer: { status: 200, description: 'The run took place and was charged.', schema: runAnswerSchema },
    refusals: ['BUDGET_EXCEEDED', 'NO_HANDLER', 'CONFLICT', ...RUN_REFUSALS],
    starts: 'run',
    async handle({ path, query: { version, alias }, body, headers, signal }) {
      const by = alias === undefined ? undefined : parseAliasName(alias)
      const target = { version, alias: by, ...readCallerTarget(headers) }
      const deployed = await functions.resolve(path.tenant, path.function, target)
      if (!deployed.handlers.includes('default')) {
        const found = deployed.handlers.join(', ')
        throw new CloisterError(
          'NO_HANDLER',
          `version ${deployed.version} of "${deployed.name}" has no default function to call, only: ${found}`,
        )
      }
      if (deployed.config.durable !== undefined) {
        const advice = 'start it: POST …/functions/{function}/executions'
        throw new CloisterError('CONFLICT', `version ${deployed.version} of "${deployed.name}" is durable; ${advice}`)
      }
      const request = functionRequest(deployed, { tenant: path.tenant, trigger: 'invoke', ...body, signal: signal() })
      return runAnswer(await execute(request), accounts.costUsd)
    },
  })
}
