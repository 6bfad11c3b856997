import type { BlobService } from './blob-service.ts'
import { createAuthCapability } from './broker/auth.ts'
import { HASH_COST, makeHash } from './broker/auth/passwords.ts'
import { Signing } from './broker/auth/signing.ts'
import { createBlobsCapability } from './broker/blobs.ts'
import type { Capability } from './broker/capability.ts'
import { createDurableCapability } from './broker/durable.ts'
import { createResolver } from './broker/egress/resolver.ts'
import { createFetchCapability } from './broker/fetch.ts'
import { IssuerTokens } from './broker/http-auth/issuer-tokens.ts'
import { createUserTokens } from './broker/http-auth/user-tokens.ts'
import { createSecretsCapability } from './broker/secrets.ts'
import { Secrets } from './broker/secrets/secrets.ts'
import { createSqlCapability } from './broker/sql.ts'
import { Databases } from './broker/sql/databases.ts'
import { type TenantData, createTenantData } from './broker/tenant-data.ts'
import type { Config } from './config.ts'
import type { AuthStore } from './core/auth.ts'
import type { Clock } from './core/clock.ts'
import type { TenantId } from './core/ids.ts'
import type { Policy } from './core/policy.ts'
import type { Stores } from './core/stores.ts'
import type { Vault } from './core/vault.ts'

/** Half of the threads that Node has for such work, so that the other half serves files and name lookups. */
const HASHES_MAX = 2

interface Parts {
  readonly config: Pick<Config, 'dnsServers' | 'egressSocketsMax' | 'sqlConnectionsMax' | 'sqlIdleMs'>
  readonly stores: Stores
  readonly blobs: BlobService
  readonly vault: Vault
  readonly clock: Clock
  /** Throws NOT_FOUND, INVALID_POLICY. */
  readonly policyOf: (tenant: TenantId) => Policy
}

export interface OpenCapabilities extends AsyncDisposable {
  readonly all: readonly Capability[]
  /** What the gateway needs of them, for whoever operates them from outside and for requests to functions. */
  readonly doors: {
    readonly data: TenantData
    readonly databases: Databases
    /** Written from outside, used by `fetch`. */
    readonly secrets: Secrets
    readonly users: AuthStore
    /** Whose tokens requests have. */
    readonly tokens: {
      readonly user: ReturnType<typeof createUserTokens>
      readonly jwt: IssuerTokens['check']
    }
  }
  /** Lets go of what is held for a tenant that was deleted. */
  forgetTenant(tenant: TenantId): void
}

/** Makes everything that a policy can grant, out of what this host has. A part of the composition root, see main.ts. */
export function openCapabilities({ config, stores, blobs, vault, clock, policyOf }: Parts): OpenCapabilities {
  const secrets = new Secrets({ store: stores.secrets, vault, clock })
  const egress = { resolve: createResolver(config.dnsServers?.split(',') ?? []), socketsMax: config.egressSocketsMax }
  const fetch = createFetchCapability({ ...egress, secrets })
  const issuers = new IssuerTokens({ ...egress, clock, policyOf })
  const user = createUserTokens({ store: stores.auth, signing: new Signing({ store: stores.auth, vault, clock }) })
  const databases = new Databases({
    store: stores.sqlBindings,
    vault,
    clock,
    connectionsMax: config.sqlConnectionsMax,
    idle: config.sqlIdleMs,
  })
  const data = createTenantData({ ...stores, clock, policyOf })
  return {
    all: [
      ...data.capabilities,
      createSqlCapability({ databases }),
      fetch,
      createSecretsCapability({ secrets }),
      createBlobsCapability(blobs),
      createDurableCapability({ clock }),
      createAuthCapability({ store: stores.auth, vault, clock, makeHash, cost: HASH_COST, hashesMax: HASHES_MAX }),
    ],
    doors: {
      data,
      databases,
      secrets,
      users: stores.auth,
      tokens: { user, jwt: (...given) => issuers.check(...given) },
    },
    forgetTenant: (tenant) => databases.forget(tenant),
    async [Symbol.asyncDispose]() {
      databases[Symbol.dispose]()
      await issuers[Symbol.asyncDispose]()
      await fetch[Symbol.asyncDispose]()
    },
  }
}
