import { z } from 'zod'
import { DONE, json } from '../answer.ts'
import type { Directory, Secret, Secrets } from '../ports.ts'
import { type Route, jsonBody, route } from '../route.ts'

interface Parts {
  readonly directory: Directory
  readonly secrets: Secrets
}

const PATH = '/v1/tenants/{tenant}/secrets/{secretName}'

const change = z.strictObject({
  value: z.string().describe('The secret, of 8 bytes or more. Never shown again.'),
  hosts: z
    .array(z.string())
    .describe(
      'Where it may be sent, 1 to 20: `api.example.com`, `*.example.com`, `host:8443` (all by https), `http://host:8080`.',
    ),
})
const secret = z.strictObject({
  name: z.string(),
  hosts: z.array(z.string()),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
})

/** The secrets of a tenant. Nobody can read a value back, neither the tenant nor the administrator. */
export function secretRoutes({ directory, secrets }: Parts): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/secrets',
      caller: 'tenant',
      summary: 'The names of all secrets, with their hosts; never their values.',
      answer: { status: 200, description: 'The secrets.', schema: z.strictObject({ secrets: z.array(secret) }) },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        directory.getTenant(path.tenant)
        return json({ secrets: (await secrets.list(path.tenant)).map(view) })
      },
    }),
    route({
      method: 'PUT',
      path: PATH,
      caller: 'tenant',
      summary:
        'Store a secret (201), or another value and other hosts of it (200). Runs that have asked for it go on with the old one.',
      body: jsonBody(change),
      answer: { status: 200, description: 'What is stored, without the value.', schema: secret },
      refusals: ['NOT_FOUND', 'QUOTA_EXCEEDED'],
      async handle({ path, body }) {
        const grant = directory.requireGrant(path.tenant, 'secrets')
        const put = await secrets.put(path.tenant, path.secretName, body, grant)
        return json(view(put.secret), put.created ? 201 : 200)
      },
    }),
    route({
      method: 'GET',
      path: PATH,
      caller: 'tenant',
      summary: 'The hosts of a secret; never its value.',
      answer: { status: 200, description: 'The secret, without the value.', schema: secret },
      refusals: ['NOT_FOUND'],
      handle: async ({ path }) => json(view(await secrets.get(path.tenant, path.secretName))),
    }),
    route({
      method: 'DELETE',
      path: PATH,
      caller: 'tenant',
      summary: 'Delete a secret. Runs that have asked for it may use it to their end.',
      answer: { status: 204, description: 'It is deleted.' },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        await secrets.delete(path.tenant, path.secretName)
        return DONE
      },
    }),
  ]
}

function view({ name, hosts, createdAt, updatedAt }: Secret): object {
  return {
    name,
    hosts,
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
  }
}
