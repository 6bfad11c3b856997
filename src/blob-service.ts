import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import type { BlobUrls } from './core/blob-urls.ts'
import type { BlobBackend } from './core/blobs.ts'
import type { Clock } from './core/clock.ts'
import type { BlobIndex } from './store/blobs/blob-index.ts'
import { type OwnedBlobStore, openBlobStore } from './store/blobs/blob-store.ts'
import { openFileBackend } from './store/blobs/file-backend.ts'
import { openS3Backend } from './store/blobs/s3/s3-backend.ts'
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
  /** Why the storage cannot be used; undefined if it can. Asks it. */
  examine(): Promise<string | undefined>
}

/** Opens the blobs on the backend that the configuration names. */
export async function openBlobService({ config, index, clock, log, listening }: Parts): Promise<BlobService> {
  const { backend, check } = await openBackend(config, clock)
  const examine = (): Promise<string | undefined> => check().then(() => undefined, String)
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
  // The host runs without it: what needs no blobs works, and storage may come back.
  void examine().then((reason) => reason !== undefined && log.error({ reason }, 'blob.storage-unreachable'))
  const sweep = async (): Promise<{ complete: boolean }> => {
    await store.sweep()
    return { complete: true }
  }
  const sweeping = sweepRegularly({ sweep }, clock, log)
  return {
    store,
    urls,
    examine,
    async [Symbol.asyncDispose]() {
      sweeping[Symbol.dispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}

interface Opened {
  readonly backend: BlobBackend
  /** Rejects if it cannot be used. */
  readonly check: () => Promise<void>
}

async function openBackend(config: Config, clock: Clock): Promise<Opened> {
  const { s3Endpoint: endpoint, s3Bucket: bucket, s3AccessKey: accessKey, s3SecretKey: secretKey } = config
  if (endpoint === undefined || bucket === undefined || accessKey === undefined || secretKey === undefined) {
    return { backend: await openFileBackend(join(config.dataDirectory, 'blobs')), check: async () => undefined }
  }
  const place = { endpoint, bucket, prefix: config.s3Prefix ?? '', style: config.s3Style, region: config.s3Region }
  const backend = openS3Backend({ ...place, accessKey, secretKey }, { clock, urls: config.s3Urls })
  return { backend, check: () => backend.check() }
}
