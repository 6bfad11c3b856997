import { createBroker } from '../../src/broker/broker.ts'
import { createKvCapability } from '../../src/broker/kv.ts'
import { parseTenantId } from '../../src/core/ids.ts'
import type { KvGrant } from '../../src/core/policy.ts'
import { bytes, epochMillis, millis } from '../../src/core/quantity.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { openTemporaryStores } from '../../src/store/sqlite/open.ts'
import { ticketOf } from '../scheduler/ticket.ts'

export const GRANT: KvGrant = {
  operations: 1_000_000,
  keyBytes: bytes(16),
  valueBytes: bytes(64),
  keys: 1_000,
  storedBytes: bytes(100_000),
}
export const START_MS = Date.UTC(2026, 0, 1)

/** What came of a call: a value, or a refusal. */
export type Answer = { readonly value: unknown } | { readonly code: string; readonly message: string }

export interface KvWorld extends AsyncDisposable {
  /** Calls an operation as a tenant's guest would. */
  as(tenant: string, grant?: KvGrant): (operation: string, ...args: unknown[]) => Promise<Answer>
  pass(ms: number): void
  nowMs(): number
  readonly faults: readonly unknown[]
}

/** kv over a real store, with a clock of the test's own. */
export async function openKv(tenants: readonly string[]): Promise<KvWorld> {
  let nowMs = START_MS
  const clock = { now: () => epochMillis(nowMs), elapsed: () => millis(nowMs) }
  const stores = await openTemporaryStores({ clock })
  for (const name of tenants) {
    const id = parseTenantId(name)
    if (id === undefined) throw new Error(`${name} is no tenant`)
    await stores.tenants.put({ id, policy: 'default', budget: {}, createdAt: clock.now(), updatedAt: clock.now() })
  }
  const faults: unknown[] = []
  const capabilities = [createKvCapability({ store: stores.kv, clock })]
  const broker = createBroker({ capabilities, clock, onFault: (_, error) => faults.push(error) })
  const base = loadPolicies([]).resolve('default')
  return {
    faults,
    nowMs: () => nowMs,
    pass: (ms) => void (nowMs += ms),
    as(tenant, grant = GRANT) {
      const session = broker.open(ticketOf(tenant, { ...base, capabilities: { kv: grant } }))
      return async (operation, ...args) => {
        const { ok, text } = await session.call(`kv.${operation}`, JSON.stringify(args))
        return ok ? { value: text === '' ? undefined : JSON.parse(text) } : JSON.parse(text)
      }
    },
    [Symbol.asyncDispose]: () => stores[Symbol.asyncDispose](),
  }
}
