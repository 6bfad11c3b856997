import type { BlobService } from './blob-service.ts'
import { createBlobsCapability } from './broker/blobs.ts'
import type { Capability } from './broker/capability.ts'
import { createResolver } from './broker/egress/resolver.ts'
import { createFetchCapability } from './broker/fetch.ts'
import { createQueuesCapability } from './broker/queues.ts'
import { type TenantData, createTenantData } from './broker/tenant-data.ts'
import type { Config } from './config.ts'
import type { Clock } from './core/clock.ts'
import type { TenantId } from './core/ids.ts'
import type { Policy } from './core/policy.ts'
import type { Stores } from './core/stores.ts'

interface Parts {
  readonly config: Pick<Config, 'dnsServers' | 'egressSocketsMax'>
  readonly stores: Stores
  readonly blobs: BlobService
  readonly clock: Clock
  /** Throws NOT_FOUND, INVALID_POLICY. */
  readonly policyOf: (tenant: TenantId) => Policy
}

export interface OpenCapabilities extends AsyncDisposable {
  readonly all: readonly Capability[]
  /** What tenants keep, for whoever operates it from outside. */
  readonly data: TenantData
}

/** Makes everything that a policy can grant, out of what this host has. A part of the composition root, see main.ts. */
export function openCapabilities({ config, stores, blobs, clock, policyOf }: Parts): OpenCapabilities {
  const fetch = createFetchCapability({
    resolve: createResolver(config.dnsServers?.split(',') ?? []),
    socketsMax: config.egressSocketsMax,
  })
  const data = createTenantData({ ...stores, clock, policyOf })
  return {
    all: [...data.capabilities, fetch, createBlobsCapability(blobs), createQueuesCapability({ store: stores.queues })],
    data,
    [Symbol.asyncDispose]: () => fetch[Symbol.asyncDispose](),
  }
}
