import { join } from 'node:path'
import { createBlobsCapability } from '../../src/broker/blobs.ts'
import { createBroker } from '../../src/broker/broker.ts'
import { createQueuesCapability } from '../../src/broker/queues.ts'
import type { BlobUrls } from '../../src/core/blob-urls.ts'
import { parseTenantId } from '../../src/core/ids.ts'
import type { BlobsGrant, QueuesGrant } from '../../src/core/policy.ts'
import { bytes, epochMillis, millis } from '../../src/core/quantity.ts'
import type { Session } from '../../src/core/run.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { openBlobStore } from '../../src/store/blobs/blob-store.ts'
import { openFileBackend } from '../../src/store/blobs/file-backend.ts'
import { createBlobUrls } from '../../src/store/blobs/signed-urls.ts'
import { openTemporaryStores } from '../../src/store/sqlite/open.ts'
import { ticketOf } from '../scheduler/ticket.ts'

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

/** What came of a call: a value, or a refusal. */
export interface Answer {
  readonly value?: any
  readonly code?: string
  readonly message?: string
}

export type Calls = (operation: string, ...args: unknown[]) => Promise<Answer>

export interface StorageWorld extends AsyncDisposable {
  /** Calls operations as a tenant's guest would: `blobs.put`, `queues.send`. */
  as(tenant: string, grants?: { blobs?: BlobsGrant; queues?: QueuesGrant }): Calls & { readonly session: Session }
  pass(ms: number): void
  readonly urls: BlobUrls
  readonly stores: Awaited<ReturnType<typeof openTemporaryStores>>
  readonly faults: readonly unknown[]
}

/** blobs and queues over real stores, with a clock of the test's own. */
export async function openStorage(tenants: readonly string[]): Promise<StorageWorld> {
  let nowMs = Date.UTC(2026, 0, 1)
  const clock = { now: () => epochMillis(nowMs), elapsed: () => millis(nowMs) }
  const stores = await openTemporaryStores({ clock })
  for (const name of tenants) {
    const id = parseTenantId(name)!
    await stores.tenants.put({ id, policy: 'default', budget: {}, createdAt: clock.now(), updatedAt: clock.now() })
  }
  const faults: unknown[] = []
  const backend = await openFileBackend(join(stores.directory, 'blobs'))
  const store = await openBlobStore({ index: stores.blobs, backend, clock, onFault: (error) => faults.push(error) })
  const urls = createBlobUrls({ store, clock, secret: Buffer.alloc(32, 1), baseUrl: () => 'http://host.example' })
  const capabilities = [createBlobsCapability({ store, urls }), createQueuesCapability({ store: stores.queues })]
  const broker = createBroker({ capabilities, clock, onFault: (_, error) => faults.push(error) })
  // Held until the end: a run that is over closes what it has open, and here nobody ends them.
  const sessions: Session[] = []
  const base = loadPolicies([]).resolve('default')
  return {
    faults,
    urls,
    stores,
    pass: (ms) => void (nowMs += ms),
    as(tenant, grants = {}) {
      const policy = { ...base, capabilities: { blobs: BLOBS, queues: QUEUES, ...grants } }
      const session = broker.open(ticketOf(tenant, policy))
      sessions.push(session)
      const call: Calls = async (operation, ...args) => {
        const { ok, text } = await session.call(operation, JSON.stringify(args))
        return ok ? { value: text === '' ? undefined : JSON.parse(text) } : JSON.parse(text)
      }
      return Object.assign(call, { session })
    },
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session[Symbol.dispose]()
      await store[Symbol.asyncDispose]()
      await stores[Symbol.asyncDispose]()
    },
  }
}
