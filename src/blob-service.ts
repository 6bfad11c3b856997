import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import type { BlobUrls } from './core/blob-urls.ts'
import type { Clock } from './core/clock.ts'
import type { BlobIndex } from './store/blobs/blob-index.ts'
import { type OwnedBlobStore, openBlobStore } from './store/blobs/blob-store.ts'
import { openFileBackend } from './store/blobs/file-backend.ts'
import { createBlobUrls } from './store/blobs/signed-urls.ts'
import { sweepRegularly } from './sweeping.ts'
import { loadVaultKey } from './vault/vault-key.ts'

interface Parts {
  readonly config: Config
  readonly index: BlobIndex
  readonly clock: Clock
  readonly log: Logger
  /** Where the host listens, once it does. */
  readonly listening: () => string | undefined
}

/** Blobs as the rest of the host uses them. */
export interface BlobService extends AsyncDisposable {
  readonly store: OwnedBlobStore
  readonly urls: BlobUrls
}

/** Opens the blobs on the backend that the configuration names. */
export async function openBlobService({ config, index, clock, log, listening }: Parts): Promise<BlobService> {
  const backend = await openFileBackend(join(config.dataDirectory, 'blobs'))
  const onFault = (error: unknown): void => log.error({ err: error }, 'blob.removal-failed')
  const store = await openBlobStore({ index, backend, clock, onFault })
  const { key } = await loadVaultKey({ directory: config.dataDirectory })
  const urls = createBlobUrls({
    store,
    clock,
    // A key of its own: what a signature tells of it tells nothing of the vault's.
    secret: createHmac('sha256', key).update('cloister signed blob urls').digest(),
    baseUrl: () => config.publicUrl?.replace(/\/+$/, '') ?? listening() ?? `http://${config.host}:${config.port}`,
  })
  void store.sweep().catch(onFault)
  const sweep = async (): Promise<{ complete: boolean }> => {
    await store.sweep()
    return { complete: true }
  }
  const sweeping = sweepRegularly({ sweep }, clock, log)
  return {
    store,
    urls,
    async [Symbol.asyncDispose]() {
      sweeping[Symbol.dispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}
