import { z } from 'zod'
import { CloisterError } from '../../core/errors.ts'
import { type Answer, DONE, JSON_TYPE, json } from '../answer.ts'
import { invalidRequest } from '../faults.ts'
import type { Data } from '../ports.ts'
import { quoted } from '../quoted.ts'
import { type Route, jsonBody, route } from '../route.ts'
import { report } from '../schemas.ts'

interface Parts {
  readonly data: Data
}

const version = z.coerce.number().optional().describe('The version that the document must have; 0: there must be none.')
const findQuery = z.strictObject({
  where: z.string().optional().describe('Conditions as JSON, as in the guest: {"total":{"gte":10}}.'),
  sort: z.string().optional().describe('Paths with commas between them, - before one to sort descending.'),
  limit: z.coerce.number().optional().describe('Documents of a page: 1 to 1000, 100 if absent.'),
  cursor: z.string().optional().describe('`cursor` of the page before.'),
})
const document = z.record(z.string(), z.unknown(), 'must be an object')

/** Documents of a tenant from outside of its runs, within the bounds of its grant. */
export function docRoutes(parts: Parts): readonly Route[] {
  return [...collections(parts), ...documents(parts), ...writes(parts)]
}

function collections({ data }: Parts): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/docs',
      caller: 'tenant',
      summary: 'The collections, by name, with their indexes.',
      answer: { status: 200, description: 'The collections.', schema: report },
      refusals: ['NOT_FOUND'],
      handle: async ({ path }) => json({ collections: await data.collections(path.tenant) }),
    }),
    route({
      method: 'POST',
      path: '/v1/tenants/{tenant}/docs',
      caller: 'tenant',
      summary: 'A transaction: 1 to 100 operations, all of them or none.',
      body: jsonBody(z.strictObject({ operations: z.array(z.unknown()) })),
      answer: { status: 200, description: 'What became of each operation.', schema: report },
      refusals: ['NOT_FOUND', 'CONFLICT', 'QUOTA_EXCEEDED'],
      async handle({ path, body }) {
        return text(`{"results":${await data.perform(path.tenant, 'docs.transact', [body.operations])}}`)
      },
    }),
    route({
      method: 'PUT',
      path: '/v1/tenants/{tenant}/docs/{collection}',
      caller: 'tenant',
      summary: 'Make a collection, or change its indexes to these; answered once they can be used.',
      body: jsonBody(z.strictObject({ indexes: z.array(z.string()).describe('Paths of fields.') })),
      answer: { status: 200, description: 'The collection.', schema: report },
      refusals: ['NOT_FOUND', 'QUOTA_EXCEEDED'],
      handle: async ({ path, body }) => json(await data.declare(path.tenant, path.collection, body.indexes)),
    }),
    route({
      method: 'DELETE',
      path: '/v1/tenants/{tenant}/docs/{collection}',
      caller: 'tenant',
      summary: 'Delete a collection with all of its documents.',
      answer: { status: 204, description: 'It is deleted.' },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        if (await data.drop(path.tenant, path.collection)) return DONE
        throw new CloisterError('NOT_FOUND', `there is no collection ${quoted(path.collection)}`)
      },
    }),
  ]
}

function documents({ data }: Parts): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/docs/{collection}',
      caller: 'tenant',
      summary: 'Find documents by indexed fields; all, by id, without conditions.',
      query: findQuery,
      answer: { status: 200, description: 'A page. It can be short and yet have a cursor.', schema: report },
      refusals: ['NOT_FOUND'],
      async handle({ path, query: { where, sort, ...page } }) {
        const query = { ...page, ...(where && { where: parsed(where) }), ...(sort && { sort: sort.split(',') }) }
        return text(await data.perform(path.tenant, 'docs.find', [path.collection, query]))
      },
    }),
    route({
      method: 'POST',
      path: '/v1/tenants/{tenant}/docs/{collection}',
      caller: 'tenant',
      summary: 'Store a new document; its id is made unless it is given.',
      body: jsonBody(z.strictObject({ data: document, id: z.string().optional() })),
      answer: { status: 201, description: 'Its id and version.', schema: report },
      refusals: ['NOT_FOUND', 'CONFLICT', 'QUOTA_EXCEEDED'],
      async handle({ path, body: { data: given, id } }) {
        return text(await data.perform(path.tenant, 'docs.insert', [path.collection, given, { id }]), 201)
      },
    }),
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/docs/{collection}/{id}',
      caller: 'tenant',
      summary: 'One document.',
      answer: { status: 200, description: 'The document.', schema: report },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        const found = await data.perform(path.tenant, 'docs.get', [path.collection, path.id])
        if (found === 'null') throw noSuchDocument(path.collection, path.id)
        return text(found)
      },
    }),
  ]
}

function writes({ data }: Parts): readonly Route[] {
  return [
    route({
      method: 'PUT',
      path: '/v1/tenants/{tenant}/docs/{collection}/{id}',
      caller: 'tenant',
      summary: 'Put data in the place of a document, or make it.',
      body: jsonBody(z.strictObject({ data: document })),
      query: z.strictObject({ ifVersion: version }),
      answer: { status: 200, description: 'Its id and version.', schema: report },
      refusals: ['NOT_FOUND', 'CONFLICT', 'QUOTA_EXCEEDED'],
      async handle({ path, body, query }) {
        const options = { ...query, upsert: true }
        return text(await data.perform(path.tenant, 'docs.replace', [path.collection, path.id, body.data, options]))
      },
    }),
    route({
      method: 'PATCH',
      path: '/v1/tenants/{tenant}/docs/{collection}/{id}',
      caller: 'tenant',
      summary: 'Change some fields of a document: a JSON merge patch (RFC 7396), in which null removes a field.',
      body: jsonBody(z.strictObject({ patch: document })),
      query: z.strictObject({ ifVersion: version }),
      answer: { status: 200, description: 'Its id and version.', schema: report },
      refusals: ['NOT_FOUND', 'CONFLICT', 'QUOTA_EXCEEDED'],
      async handle({ path, body, query }) {
        return text(await data.perform(path.tenant, 'docs.patch', [path.collection, path.id, body.patch, query]))
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/tenants/{tenant}/docs/{collection}/{id}',
      caller: 'tenant',
      summary: 'Delete a document.',
      query: z.strictObject({ ifVersion: version }),
      answer: { status: 204, description: 'It is deleted.' },
      refusals: ['NOT_FOUND', 'CONFLICT'],
      async handle({ path, query }) {
        if ((await data.perform(path.tenant, 'docs.delete', [path.collection, path.id, query])) === 'true') return DONE
        throw noSuchDocument(path.collection, path.id)
      },
    }),
  ]
}

function text(body: string, status = 200): Answer {
  return { status, type: JSON_TYPE, body }
}

function parsed(where: string): unknown {
  try {
    return JSON.parse(where)
  } catch {
    throw invalidRequest(['where: is not JSON'])
  }
}

function noSuchDocument(collection: string, id: string): CloisterError {
  return new CloisterError('NOT_FOUND', `there is no document ${quoted(`${collection}/${id}`)}`)
}
