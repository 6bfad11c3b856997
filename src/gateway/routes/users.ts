import { z } from 'zod'
import type { AuthSession, AuthStore, AuthUser } from '../../core/auth.ts'
import { CloisterError } from '../../core/errors.ts'
import { DONE, json } from '../answer.ts'
import type { Directory } from '../ports.ts'
import { type Route, route } from '../route.ts'
import { report } from '../schemas.ts'

interface Parts {
  readonly directory: Directory
  readonly users: Pick<
    AuthStore,
    'listUsers' | 'findUser' | 'deleteUser' | 'listSessions' | 'endSessions' | 'findSigningKey'
  >
}

const USER = '/v1/tenants/{tenant}/users/{userId}'
const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1_000).default(100).describe('Users of a page.'),
  after: z.string().optional().describe('Continue after the user of this id.'),
})

/** Users of a tenant's application, looked at and ended from outside, and the key that their tokens are checked with. */
export function userRoutes({ directory, users }: Parts): readonly Route[] {
  const missing = (): CloisterError => new CloisterError('NOT_FOUND', 'there is no such user')
  return [
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/users',
      caller: 'tenant',
      summary: 'Users of the tenant’s application, by id; never their passwords.',
      query: pageQuery,
      answer: { status: 200, description: 'The page.', schema: report },
      refusals: ['NOT_FOUND'],
      async handle({ path, query: { limit, after } }) {
        directory.getTenant(path.tenant)
        const found = await users.listUsers(path.tenant, { limit, ...(after !== undefined && { after }) })
        return json({ users: found.map(viewUser) })
      },
    }),
    route({
      method: 'DELETE',
      path: USER,
      caller: 'tenant',
      summary: 'Delete a user with all sessions.',
      answer: { status: 204, description: 'It is deleted.' },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        if (await users.deleteUser(path.tenant, path.userId)) return DONE
        throw missing()
      },
    }),
    route({
      method: 'GET',
      path: `${USER}/sessions`,
      caller: 'tenant',
      summary: 'Sessions of a user, the oldest first; never their tokens.',
      answer: { status: 200, description: 'The sessions.', schema: report },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        if ((await users.findUser(path.tenant, { id: path.userId })) === undefined) throw missing()
        return json({ sessions: (await users.listSessions(path.tenant, path.userId)).map(viewSession) })
      },
    }),
    route({
      method: 'DELETE',
      path: `${USER}/sessions`,
      caller: 'tenant',
      summary: 'End all sessions of a user.',
      answer: { status: 200, description: 'How many there were.', schema: report },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        if ((await users.findUser(path.tenant, { id: path.userId })) === undefined) throw missing()
        return json({ revoked: await users.endSessions(path.tenant, path.userId) })
      },
    }),
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/jwks',
      caller: 'public',
      summary: 'The keys that the tenant’s JSON Web Tokens are checked with (RFC 7517); none if it has signed none.',
      answer: { status: 200, description: 'The keys.', schema: report },
      async handle({ path }) {
        const key = await users.findSigningKey(path.tenant)
        return json({ keys: key === undefined ? [] : [JSON.parse(key.publicKey) as unknown] })
      },
    }),
  ]
}

function viewUser({ id, name, createdAt }: AuthUser): object {
  return { id, name, createdAt: new Date(createdAt).toISOString() }
}

function viewSession({ id, createdAt, expiresAt }: AuthSession): object {
  return { id, createdAt: new Date(createdAt).toISOString(), expiresAt: new Date(expiresAt).toISOString() }
}
