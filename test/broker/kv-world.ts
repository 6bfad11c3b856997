import { createKvCapability } from '../../src/broker/kv.ts'
import type { KvGrant } from '../../src/core/policy.ts'
import { bytes } from '../../src/core/quantity.ts'
import { type Answer, type GuestWorld, openGuestWorld } from './guest-world.ts'

export const GRANT: KvGrant = {
  operations: 1_000_000,
  keyBytes: bytes(16),
  valueBytes: bytes(64),
  keys: 1_000,
  storedBytes: bytes(100_000),
}

export interface KvWorld extends GuestWorld {
  /** Calls an operation as a tenant's guest would. */
  as(tenant: string, grant?: KvGrant): (operation: string, ...args: unknown[]) => Promise<Answer>
}

/** kv over a real store, with a clock of the test's own. */
export async function openKv(tenants: readonly string[]): Promise<KvWorld> {
  const world = await openGuestWorld(tenants)
  const open = world.callers([createKvCapability({ store: world.stores.kv, clock: world.clock })])
  return {
    ...world,
    as(tenant, grant = GRANT) {
      const call = open(tenant, { kv: grant })
      return (operation, ...args) => call(`kv.${operation}`, ...args)
    },
  }
}
