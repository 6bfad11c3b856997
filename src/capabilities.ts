import type { Capability } from './broker/capability.ts'
import { createDocsCapability } from './broker/docs.ts'
import { createKvCapability } from './broker/kv.ts'
import { createSqlCapability } from './broker/sql.ts'
import { Databases } from './broker/sql/databases.ts'
import type { Config } from './config.ts'
import type { Clock } from './core/clock.ts'
import type { Stores } from './core/stores.ts'
import type { Vault } from './core/vault.ts'

interface Parts {
  readonly stores: Stores
  readonly vault: Vault
  readonly clock: Clock
  readonly config: Config
}

/** Every capability of the host, and what of it is operated from outside as well. */
export interface Capabilities extends Disposable {
  readonly all: readonly Capability[]
  readonly databases: Databases
  /** Lets go of what is held for a tenant that was deleted. */
  forgetTenant: Databases['forget']
}

/** Puts the capabilities together. A run sees those of them that its policy grants. */
export function createCapabilities({ stores, vault, clock, config }: Parts): Capabilities {
  const { sqlConnectionsMax: connectionsMax, sqlIdleMs: idle } = config
  const databases = new Databases({ store: stores.sqlBindings, vault, clock, connectionsMax, idle })
  return {
    all: [
      createKvCapability({ store: stores.kv, clock }),
      createDocsCapability({ store: stores.docs, clock }),
      createSqlCapability({ databases }),
    ],
    databases,
    forgetTenant: (tenant) => databases.forget(tenant),
    [Symbol.dispose]: () => databases[Symbol.dispose](),
  }
}
