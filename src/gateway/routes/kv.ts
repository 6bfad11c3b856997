import { z } from 'zod'
import { CloisterError } from '../../core/errors.ts'
import { DONE, JSON_TYPE, json } from '../answer.ts'
import type { Data } from '../ports.ts'
import { quoted } from '../quoted.ts'
import { type Route, jsonBody, route } from '../route.ts'
import { report } from '../schemas.ts'

interface Parts {
  readonly data: Data
}

const listQuery = z.strictObject({
  prefix: z.string().optional().describe('Only keys that start with it.'),
  limit: z.coerce.number().optional().describe('Keys of a page: 1 to 1000, 100 if absent.'),
  cursor: z.string().optional().describe('`cursor` of the page before.'),
})

const entry = z.strictObject({
  value: z.unknown().describe('Any JSON.'),
  ttlSeconds: z.number().optional().describe('The entry vanishes after so many seconds.'),
  metadata: z.unknown().optional().describe('JSON of at most 1024 bytes, shown by the list.'),
})

/** Key-value data of a tenant from outside of its runs, within the bounds of its grant. */
export function kvRoutes({ data }: Parts): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/kv',
      caller: 'tenant',
      summary: 'A page of keys, in the order of code points, without their values.',
      query: listQuery,
      answer: { status: 200, description: 'The page.', schema: report },
      refusals: ['NOT_FOUND'],
      async handle({ path, query }) {
        return { status: 200, type: JSON_TYPE, body: await data.perform(path.tenant, 'kv.list', [query]) }
      },
    }),
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/kv/{key}',
      caller: 'tenant',
      summary: 'One entry.',
      answer: { status: 200, description: 'Key, value and, if there are, metadata and expiresAt.', schema: report },
      refusals: ['NOT_FOUND'],
      async handle({ path: { tenant, key } }) {
        const found = await data.findKv(tenant, key)
        if (found === undefined) throw noSuchKey(key)
        const { value, metadata, expiresAt } = found
        return json({
          key,
          value: JSON.parse(value) as unknown,
          ...(metadata !== undefined && { metadata: JSON.parse(metadata) as unknown }),
          ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt).toISOString() }),
        })
      },
    }),
    route({
      method: 'PUT',
      path: '/v1/tenants/{tenant}/kv/{key}',
      caller: 'tenant',
      summary: 'Write an entry.',
      body: jsonBody(entry),
      answer: { status: 204, description: 'It is written.' },
      refusals: ['NOT_FOUND', 'QUOTA_EXCEEDED'],
      async handle({ path: { tenant, key }, body: { value, ...options } }) {
        await data.perform(tenant, 'kv.put', [key, value, options])
        return DONE
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/tenants/{tenant}/kv/{key}',
      caller: 'tenant',
      summary: 'Delete an entry.',
      answer: { status: 204, description: 'It is deleted.' },
      refusals: ['NOT_FOUND'],
      async handle({ path: { tenant, key } }) {
        if ((await data.perform(tenant, 'kv.delete', [key])) !== 'true') throw noSuchKey(key)
        return DONE
      },
    }),
  ]
}

function noSuchKey(key: string): CloisterError {
  return new CloisterError('NOT_FOUND', `there is no key ${quoted(key)}`)
}
