import { createDocsCapability } from '../../src/broker/docs.ts'
import type { DocsGrant } from '../../src/core/policy.ts'
import { bytes } from '../../src/core/quantity.ts'
import { type Calls, type GuestWorld, openGuestWorld } from './guest-world.ts'

export const GRANT: DocsGrant = {
  operations: 1_000_000,
  documentBytes: bytes(20_000),
  documents: 20_000,
  storedBytes: bytes(10_000_000),
  collections: 5,
  indexes: 4,
}

export interface DocsWorld extends GuestWorld {
  /** Calls an operation as a guest of a tenant would. */
  as(tenant: string, grant?: DocsGrant): Calls
}

/** `docs` over a real store, with a clock of the test's own. */
export async function openDocs(tenants: readonly string[]): Promise<DocsWorld> {
  const world = await openGuestWorld(tenants)
  const open = world.callers([createDocsCapability({ store: world.stores.docs, clock: world.clock })])
  return {
    ...world,
    as(tenant, grant = GRANT) {
      const call = open(tenant, { docs: grant })
      const { session } = call
      return Object.assign((operation: string, ...args: unknown[]) => call(`docs.${operation}`, ...args), { session })
    },
  }
}
