import { z } from 'zod'
import type { BlobUrls } from '../../core/blob-urls.ts'
import { BLOB_PAGE_MAX } from '../../core/blob-rules.ts'
import type { BlobRecord, BlobStore } from '../../core/blobs.ts'
import { CloisterError } from '../../core/errors.ts'
import { DONE, json } from '../answer.ts'
import { answerBlob } from '../blob-answer.ts'
import { receiveBlob } from '../blob-upload.ts'
import type { Directory } from '../ports.ts'
import { type Route, route } from '../route.ts'
import { report } from '../schemas.ts'

interface Parts {
  readonly directory: Directory
  readonly blobs: Pick<BlobStore, 'open' | 'begin' | 'list' | 'delete'>
  readonly blobUrls: Pick<BlobUrls, 'check'>
}

const listQuery = z.strictObject({
  prefix: z.string().default('').describe('Only keys that start with it.'),
  delimiter: z.string().min(1).max(64).optional().describe('Keys that have it after the prefix are told together.'),
  cursor: z.string().optional().describe('Where the page before ended.'),
  limit: z.coerce.number().int().min(1).max(BLOB_PAGE_MAX).default(100).describe('Blobs and prefixes of a page.'),
})
const signature = z.strictObject({ expires: z.string(), signature: z.string() })
const BYTES = ['application/octet-stream']

/** What a tenant has stored, looked at and written from outside. A slash in a key is written `%2F` here. */
export function blobRoutes({ directory, blobs, blobUrls }: Parts): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/blobs',
      caller: 'tenant',
      summary: 'A page of blobs, by key.',
      query: listQuery,
      answer: { status: 200, description: 'The page.', schema: report },
      refusals: ['NOT_FOUND'],
      async handle({ path, query: { prefix, limit, delimiter, cursor } }) {
        directory.getTenant(path.tenant)
        const more = { ...(delimiter !== undefined && { delimiter }), ...(cursor !== undefined && { cursor }) }
        const page = await blobs.list(path.tenant, { prefix, limit, ...more })
        return json({ ...page, blobs: page.blobs.map(view) })
      },
    }),
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/blobs/{blobKey}',
      caller: 'tenant',
      summary: 'A blob, or a range of its bytes.',
      answer: { status: 200, description: 'Its content.', otherTypes: BYTES },
      refusals: ['NOT_FOUND', 'PRECONDITION_FAILED', 'RANGE_NOT_SATISFIABLE'],
      handle: ({ path, headers, wants }) => answerBlob(blobs, path.tenant, path.blobKey, { headers, wants }),
    }),
    route({
      method: 'PUT',
      path: '/v1/tenants/{tenant}/blobs/{blobKey}',
      caller: 'tenant',
      summary:
        'Store the body as a blob, with its Content-Type and what X-Cloister-Meta-* say. If-Match and If-None-Match make it conditional.',
      content: 'stream',
      answer: { status: 200, description: 'What is stored now.', schema: report },
      refusals: ['NOT_FOUND', 'PRECONDITION_FAILED', 'QUOTA_EXCEEDED', 'CONCURRENCY_LIMITED'],
      async handle({ path: { tenant, blobKey: key }, headers, content }) {
        const grant = directory.requireGrant(tenant, 'blobs')
        return json(view(await receiveBlob(blobs, { tenant, key, grant }, { headers, content: content() })))
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/tenants/{tenant}/blobs/{blobKey}',
      caller: 'tenant',
      summary: 'Delete a blob.',
      answer: { status: 204, description: 'It is deleted.' },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        if ((await blobs.delete(path.tenant, [path.blobKey])) > 0) return DONE
        throw new CloisterError('NOT_FOUND', 'there is no such blob')
      },
    }),
    route({
      method: 'GET',
      path: '/blobs/{tenant}/{blobKey}',
      caller: 'public',
      summary: 'A blob by a signed URL, as `blobs.signedUrl` makes it.',
      query: signature,
      answer: { status: 200, description: 'Its content.', otherTypes: BYTES },
      refusals: ['FORBIDDEN', 'NOT_FOUND', 'PRECONDITION_FAILED', 'RANGE_NOT_SATISFIABLE'],
      async handle({ path, query, headers, wants }) {
        if (await blobUrls.check(path.tenant, path.blobKey, query)) {
          return answerBlob(blobs, path.tenant, path.blobKey, { headers, wants })
        }
        throw new CloisterError('FORBIDDEN', 'the signature is not good for this blob, or has expired')
      },
    }),
  ]
}

function view({ uploadedAt, ...record }: BlobRecord): object {
  return { ...record, uploadedAt: new Date(uploadedAt).toISOString() }
}
