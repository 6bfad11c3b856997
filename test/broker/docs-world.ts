import { createBroker } from '../../src/broker/broker.ts'
import { createDocsCapability } from '../../src/broker/docs.ts'
import { parseTenantId } from '../../src/core/ids.ts'
import type { DocsGrant } from '../../src/core/policy.ts'
import { bytes, epochMillis, millis } from '../../src/core/quantity.ts'
import type { Session } from '../../src/core/run.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { openTemporaryStores } from '../../src/store/sqlite/open.ts'
import { ticketOf } from '../scheduler/ticket.ts'

export const GRANT: DocsGrant = {
  operations: 1_000_000,
  documentBytes: bytes(20_000),
  documents: 20_000,
  storedBytes: bytes(10_000_000),
  collections: 5,
  indexes: 4,
}
export const START_MS = Date.UTC(2026, 0, 1)

/** What came of a call: a value, or a refusal. */
export type Answer = { readonly value: any } | { readonly code: string; readonly message: string }

export interface DocsWorld extends AsyncDisposable {
  /** Calls an operation as a guest of a tenant would. */
  as(
    tenant: string,
    grant?: DocsGrant,
  ): ((operation: string, ...args: unknown[]) => Promise<Answer>) & {
    readonly session: Session
  }
  pass(ms: number): void
  readonly stores: Awaited<ReturnType<typeof openTemporaryStores>>
  readonly faults: unknown[]
}

/** `docs` over a real store, with a clock of the test's own. */
export async function openDocs(tenants: readonly string[]): Promise<DocsWorld> {
  let nowMs = START_MS
  const clock = { now: () => epochMillis(nowMs), elapsed: () => millis(nowMs) }
  const stores = await openTemporaryStores({ clock })
  for (const name of tenants) {
    const id = parseTenantId(name)
    if (id === undefined) throw new Error(`${name} is no tenant`)
    await stores.tenants.put({ id, policy: 'default', budget: {}, createdAt: clock.now(), updatedAt: clock.now() })
  }
  const faults: unknown[] = []
  const capabilities = [createDocsCapability({ store: stores.docs, clock })]
  const broker = createBroker({ capabilities, clock, onFault: (_, error) => faults.push(error) })
  const base = loadPolicies([]).resolve('default')
  return {
    faults,
    stores,
    pass: (ms) => void (nowMs += ms),
    as(tenant, grant = GRANT) {
      const session = broker.open(ticketOf(tenant, { ...base, capabilities: { docs: grant } }))
      const call = async (operation: string, ...args: unknown[]): Promise<Answer> => {
        const { ok, text } = await session.call(`docs.${operation}`, JSON.stringify(args))
        return ok ? { value: text === '' ? undefined : JSON.parse(text) } : JSON.parse(text)
      }
      return Object.assign(call, { session })
    },
    [Symbol.asyncDispose]: () => stores[Symbol.asyncDispose](),
  }
}
