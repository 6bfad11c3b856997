import { z } from 'zod'
import { CloisterError } from '../../core/errors.ts'
import { DONE, json } from '../answer.ts'
import type { Directory } from '../ports.ts'
import { type Route, jsonBody, route } from '../route.ts'
import { report } from '../schemas.ts'

interface Parts {
  readonly directory: Pick<Directory, 'getTenant' | 'changeEnv'>
}

const whole = z.strictObject({ env: z.record(z.string(), z.string('must be text')) })
const one = z.strictObject({ value: z.string() })

/** Plain configuration of a tenant: what its code sees as `context.env`, from the next run on. Not for secrets. */
export function envRoutes({ directory }: Parts): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/env',
      caller: 'tenant',
      summary: 'All variables, by name.',
      answer: { status: 200, description: 'The variables.', schema: report },
      refusals: ['NOT_FOUND'],
      handle: ({ path }) => json({ env: directory.getTenant(path.tenant).env ?? {} }),
    }),
    route({
      method: 'PUT',
      path: '/v1/tenants/{tenant}/env',
      caller: 'tenant',
      summary: 'Put these variables in the place of all there are.',
      body: jsonBody(whole),
      answer: { status: 200, description: 'The variables.', schema: report },
      refusals: ['NOT_FOUND'],
      handle: async ({ path, body }) => json({ env: await directory.changeEnv(path.tenant, () => body.env) }),
    }),
    route({
      method: 'DELETE',
      path: '/v1/tenants/{tenant}/env',
      caller: 'tenant',
      summary: 'Remove all variables.',
      answer: { status: 204, description: 'They are removed.' },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        await directory.changeEnv(path.tenant, () => ({}))
        return DONE
      },
    }),
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/env/{variable}',
      caller: 'tenant',
      summary: 'One variable.',
      answer: { status: 200, description: 'Its name and value.', schema: report },
      refusals: ['NOT_FOUND'],
      handle({ path: { tenant, variable } }) {
        const env = directory.getTenant(tenant).env ?? {}
        if (!Object.hasOwn(env, variable)) throw noSuchVariable(variable)
        return json({ name: variable, value: env[variable] })
      },
    }),
    route({
      method: 'PUT',
      path: '/v1/tenants/{tenant}/env/{variable}',
      caller: 'tenant',
      summary: 'Set one variable.',
      body: jsonBody(one),
      answer: { status: 204, description: 'It is set.' },
      refusals: ['NOT_FOUND'],
      async handle({ path: { tenant, variable }, body: { value } }) {
        await directory.changeEnv(tenant, (env) => ({ ...env, [variable]: value }))
        return DONE
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/tenants/{tenant}/env/{variable}',
      caller: 'tenant',
      summary: 'Remove one variable.',
      answer: { status: 204, description: 'It is removed.' },
      refusals: ['NOT_FOUND'],
      async handle({ path: { tenant, variable } }) {
        await directory.changeEnv(tenant, ({ [variable]: present, ...others }) => {
          if (present === undefined) throw noSuchVariable(variable)
          return others
        })
        return DONE
      },
    }),
  ]
}

function noSuchVariable(name: string): CloisterError {
  return new CloisterError('NOT_FOUND', `there is no variable "${name}"`)
}
