import type { Call } from './calls.ts'
import { freeze } from './primordials.ts'
import type { Blobs } from './storage-types.d.ts'
import type { Web } from './web/host.ts'

/**
 * Guest half of `blobs`; its host half, with the checks that count, is src/broker/blobs.ts. What has to do with content needs
 * the web's own API, which is opened when it is first used.
 */
export function createBlobs(call: Call, openWeb: () => Web): Blobs {
  return freeze({
    put: (key: string, content: unknown, options?: object) => openWeb().putBlob(call, key, content, options),
    get: (key: string, options?: object) => openWeb().getBlob(call, key, options),
    head: (key: string) => call('blobs.head', [key]),
    delete: (key: string) => call('blobs.delete', [key]),
    deleteMany: (keys: readonly string[]) => call('blobs.deleteMany', [keys]),
    list: (options?: object) => call('blobs.list', [options]),
    signedUrl: (key: string, options?: object) => call('blobs.signedUrl', [key, options]),
  }) as Blobs
}
