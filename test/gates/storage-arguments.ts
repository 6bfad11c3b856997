import { join } from 'node:path'
import fc from 'fast-check'
import { createBlobsCapability } from '../../src/broker/blobs.ts'
import type { Capability } from '../../src/broker/capability.ts'
import { createQueuesCapability } from '../../src/broker/queues.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { BlobsGrant, QueuesGrant } from '../../src/core/policy.ts'
import { bytes } from '../../src/core/quantity.ts'
import { type OwnedBlobStore, openBlobStore } from '../../src/store/blobs/blob-store.ts'
import { openFileBackend } from '../../src/store/blobs/file-backend.ts'
import { createBlobUrls } from '../../src/store/blobs/signed-urls.ts'
import type { openTemporaryStores } from '../../src/store/sqlite/open.ts'

export const BLOBS: BlobsGrant = {
  operations: Number.MAX_SAFE_INTEGER,
  keyBytes: bytes(64),
  blobBytes: bytes(200),
  blobs: 5,
  storedBytes: bytes(600),
}

export const QUEUES: QueuesGrant = {
  operations: Number.MAX_SAFE_INTEGER,
  queues: 2,
  messageBytes: bytes(64),
  messages: 20,
  storedBytes: bytes(1_000),
}

export const STORAGE_OPERATIONS: readonly string[] = [
  ...['head', 'put', 'begin', 'write', 'commit', 'get', 'read', 'close', 'delete', 'deleteMany', 'list'].map(
    (verb) => `blobs.${verb}`,
  ),
  'blobs.signedUrl',
  'queues.send',
  'queues.sendMany',
]

/** They count as many operations as they have items. */
export const STORAGE_BATCHES: readonly string[] = ['blobs.deleteMany', 'queues.sendMany']

interface OpenStorage {
  readonly capabilities: readonly Capability[]
  readonly store: OwnedBlobStore
}

/** blobs over files and queues over the database, as a host has them. */
export async function openStorage(
  stores: Awaited<ReturnType<typeof openTemporaryStores>>,
  onFault: (error: unknown) => void,
): Promise<OpenStorage> {
  const backend = await openFileBackend(join(stores.directory, 'blobs'))
  const store = await openBlobStore({ index: stores.blobs, backend, clock: systemClock, onFault })
  const urls = createBlobUrls({
    store,
    clock: systemClock,
    secret: Buffer.alloc(32),
    baseUrl: () => 'http://host.example',
  })
  return {
    capabilities: [createBlobsCapability({ store, urls }), createQueuesCapability({ store: stores.queues })],
    store,
  }
}

/** Arguments that mean something to blobs and queues, and some that nearly do. */
export function storageArguments(key: fc.Arbitrary<string>, value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown[]> {
  const etag = fc.constantFrom('*', '0'.repeat(64), '"*"', '', 5, null)
  const content = fc.oneof(fc.base64String({ maxLength: 280 }), fc.constantFrom('=', 'A', 'AA=', null, 5))
  const whole = fc.oneof(fc.nat(300), fc.constantFrom(-1, 0, 1.5, 2 ** 53, '1', null))
  const options = fc.record(
    {
      contentType: fc.constantFrom('text/plain', 'text/html; charset=x', 'x', '\r\n', 5, null),
      metadata: fc.oneof(
        fc.dictionary(fc.constantFrom('a', 'a-b', 'A_', '__proto__'), fc.string({ maxLength: 9 })),
        value,
      ),
      ifMatch: etag,
      ifNoneMatch: etag,
      range: fc.oneof(fc.record({ offset: whole, length: whole, suffix: whole }, { requiredKeys: [] }), value),
      expiresInSeconds: whole,
    },
    { requiredKeys: [] },
  )
  const page = fc.record({ prefix: key, delimiter: key, cursor: key, limit: whole }, { requiredKeys: [] })
  const queue = fc.constantFrom('mail', 'jobs', 'more', '../mail', '', '__proto__', 5)
  const tags = { delaySeconds: whole, deduplicationId: key, orderingKey: key }
  const message = fc.record({ body: value, ...tags }, { requiredKeys: ['body'] })
  return fc.oneof(
    fc.tuple(key, content, fc.oneof(options, fc.constant({}))),
    fc.tuple(whole, content),
    fc.tuple(whole, key, options),
    fc.tuple(whole),
    fc.tuple(key, options),
    fc.tuple(page),
    fc.tuple(queue, value, fc.record(tags, { requiredKeys: [] })),
    fc.tuple(queue, fc.array(message, { maxLength: 4 })),
  )
}
