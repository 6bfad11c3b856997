import { join } from 'node:path'
import { createBlobsCapability } from '../../src/broker/blobs.ts'
import { createQueuesCapability } from '../../src/broker/queues.ts'
import type { BlobUrls } from '../../src/core/blob-urls.ts'
import type { BlobsGrant, QueuesGrant } from '../../src/core/policy.ts'
import { bytes } from '../../src/core/quantity.ts'
import { openBlobStore } from '../../src/store/blobs/blob-store.ts'
import { openFileBackend } from '../../src/store/blobs/file-backend.ts'
import { createBlobUrls } from '../../src/store/blobs/signed-urls.ts'
import { type Calls, type GuestWorld, openGuestWorld } from './guest-world.ts'

export const BLOBS: BlobsGrant = {
  operations: 1_000_000,
  keyBytes: bytes(64),
  blobBytes: bytes(3 << 20),
  blobs: 50,
  storedBytes: bytes(4 << 20),
}
export const QUEUES: QueuesGrant = {
  operations: 1_000_000,
  queues: 3,
  messageBytes: bytes(64),
  messages: 200,
  storedBytes: bytes(10_000),
}

export interface StorageWorld extends GuestWorld {
  /** Calls operations as a tenant's guest would: `blobs.put`, `queues.send`. */
  as(tenant: string, grants?: { blobs?: BlobsGrant; queues?: QueuesGrant }): Calls
  readonly urls: BlobUrls
}

/** blobs and queues over real stores, with a clock of the test's own. */
export async function openStorage(tenants: readonly string[]): Promise<StorageWorld> {
  const world = await openGuestWorld(tenants)
  const { stores, clock, faults } = world
  const backend = await openFileBackend(join(stores.directory, 'blobs'))
  const store = await openBlobStore({ index: stores.blobs, backend, clock, onFault: (error) => faults.push(error) })
  const urls = createBlobUrls({ store, clock, secret: Buffer.alloc(32, 1), baseUrl: () => 'http://host.example' })
  const open = world.callers([createBlobsCapability({ store, urls }), createQueuesCapability({ store: stores.queues })])
  return {
    ...world,
    urls,
    as: (tenant, grants = {}) => open(tenant, { blobs: BLOBS, queues: QUEUES, ...grants }),
    async [Symbol.asyncDispose]() {
      world.endSessions()
      await store[Symbol.asyncDispose]()
      await world[Symbol.asyncDispose]()
    },
  }
}
