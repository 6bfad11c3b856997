import { z } from 'zod'
import type { ErrorCode } from '../../core/errors.ts'
import type { FunctionConfig } from '../../core/function-store.ts'
import { DONE, json } from '../answer.ts'
import { deployBody } from '../function-bodies.ts'
import * as schemas from '../function-schemas.ts'
import { viewFunction, viewRollback, viewVersion } from '../function-view.ts'
import type { Artifacts, Directory, Functions } from '../ports.ts'
import { type Route, route } from '../route.ts'

interface Parts {
  readonly functions: Functions
  readonly functionConfig: z.ZodType<FunctionConfig>
  readonly artifacts: Artifacts
  readonly directory: Directory
}

/** What refuses anything that runs. */
export const RUN_REFUSALS: readonly ErrorCode[] = [
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

/** Deploys functions, and looks at them. */
export function functionRoutes(parts: Parts): readonly Route[] {
  return [...deploying(parts), ...looking(parts)]
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
