import type { BlobService } from './blob-service.ts'
import { createBlobsCapability } from './broker/blobs.ts'
import type { Capability } from './broker/capability.ts'
import { createDocsCapability } from './broker/docs.ts'
import { createResolver } from './broker/egress/resolver.ts'
import { createFetchCapability } from './broker/fetch.ts'
import { createKvCapability } from './broker/kv.ts'
import { createQueuesCapability } from './broker/queues.ts'
import type { Config } from './config.ts'
import type { Clock } from './core/clock.ts'
import type { Stores } from './core/stores.ts'

interface Parts {
  readonly config: Pick<Config, 'dnsServers' | 'egressSocketsMax'>
  readonly stores: Stores
  readonly blobs: BlobService
  readonly clock: Clock
}

export interface OpenCapabilities extends AsyncDisposable {
  readonly all: readonly Capability[]
}

/** Makes everything that a policy can grant, out of what this host has. A part of the composition root, see main.ts. */
export function openCapabilities({ config, stores, blobs, clock }: Parts): OpenCapabilities {
  const fetch = createFetchCapability({
    resolve: createResolver(config.dnsServers?.split(',') ?? []),
    socketsMax: config.egressSocketsMax,
  })
  return {
    all: [
      createKvCapability({ store: stores.kv, clock }),
      createDocsCapability({ store: stores.docs, clock }),
      fetch,
      createBlobsCapability(blobs),
      createQueuesCapability({ store: stores.queues }),
    ],
    [Symbol.asyncDispose]: () => fetch[Symbol.asyncDispose](),
  }
}
