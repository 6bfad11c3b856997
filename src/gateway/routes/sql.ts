import { z } from 'zod'
import { DONE, json } from '../answer.ts'
import type { Databases, Directory, SqlBinding } from '../ports.ts'
import { type Route, jsonBody, route } from '../route.ts'

interface Parts {
  readonly directory: Directory
  readonly databases: Databases
}

const PATH = '/v1/tenants/{tenant}/sql/{databaseName}'

const change = z.strictObject({
  url: z
    .string()
    .describe(
      '`postgres://user:password@host:5432/database?sslmode=verify-full` (or `require`, `disable`). Never shown again.',
    ),
})
const binding = z.strictObject({
  name: z.string(),
  host: z.string(),
  port: z.number(),
  database: z.string(),
  user: z.string(),
  sslmode: z.enum(['verify-full', 'require', 'disable']),
  boundBy: z.enum(['operator', 'tenant']).describe('Only what the operator bound may be a private address.'),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
})
const trial = z.strictObject({
  ok: z.boolean(),
  elapsedMs: z.number(),
  server: z.string().optional().describe('The version of the server, if it was reached.'),
  reason: z.string().optional().describe('Why it was not.'),
})

/** The databases of a tenant, by the names that its code uses. */
export function sqlRoutes({ directory, databases }: Parts): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/sql',
      caller: 'tenant',
      summary: 'The databases that are bound, by name; never their passwords.',
      answer: { status: 200, description: 'The databases.', schema: z.strictObject({ databases: z.array(binding) }) },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        directory.getTenant(path.tenant)
        return json({ databases: (await databases.list(path.tenant)).map(viewBinding) })
      },
    }),
    route({
      method: 'PUT',
      path: PATH,
      caller: 'tenant',
      summary:
        'Bind a name to a PostgreSQL (201), or to another one (200). Its address is only connected to when it is used.',
      body: jsonBody(change),
      answer: { status: 200, description: 'What is bound.', schema: binding },
      refusals: ['NOT_FOUND', 'CONFLICT'],
      async handle({ path, body, principal }) {
        directory.requireGrant(path.tenant, 'sql')
        const boundBy = principal?.kind === 'admin' ? 'operator' : 'tenant'
        const { binding: bound, created } = await databases.put(path.tenant, path.databaseName, {
          url: body.url,
          boundBy,
        })
        return json(viewBinding(bound), created ? 201 : 200)
      },
    }),
    route({
      method: 'GET',
      path: PATH,
      caller: 'tenant',
      summary: 'What a name is bound to; never the password.',
      answer: { status: 200, description: 'What is bound.', schema: binding },
      refusals: ['NOT_FOUND'],
      handle: async ({ path }) => json(viewBinding(await databases.get(path.tenant, path.databaseName))),
    }),
    route({
      method: 'DELETE',
      path: PATH,
      caller: 'tenant',
      summary: 'Unbind a name. Statements in progress go on.',
      answer: { status: 204, description: 'It is unbound.' },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        await databases.delete(path.tenant, path.databaseName)
        return DONE
      },
    }),
    route({
      method: 'POST',
      path: `${PATH}/test`,
      caller: 'tenant',
      summary: 'Connect to the database once and say what came of it.',
      answer: { status: 200, description: 'What came of it, good or bad.', schema: trial },
      refusals: ['NOT_FOUND', 'OVERLOADED'],
      async handle({ path }) {
        directory.requireGrant(path.tenant, 'sql')
        const { elapsed, ...rest } = await databases.test(path.tenant, path.databaseName)
        return json({ ...rest, elapsedMs: Math.round(elapsed * 10) / 10 })
      },
    }),
  ]
}

function viewBinding({ tls, createdAt, updatedAt, ...rest }: SqlBinding): object {
  return {
    ...rest,
    sslmode: tls,
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
  }
}
