import { createHmac, timingSafeEqual } from 'node:crypto'
import type { BlobUrls } from '../../core/blob-urls.ts'
import type { BlobStore } from '../../core/blobs.ts'
import type { Clock } from '../../core/clock.ts'
import { CloisterError } from '../../core/errors.ts'
import type { TenantId } from '../../core/ids.ts'

interface Parts {
  readonly store: BlobStore
  readonly clock: Clock
  /** What signatures are made with: 32 bytes that never leave the host. */
  readonly secret: Uint8Array
  /** Where clients reach this host. Asked each time: a port may be known only once the host listens. */
  readonly baseUrl: () => string
}

/**
 * Signs with HMAC-SHA-256 over tenant, key and expiry. A tenant's number is in it too, so that a URL says nothing about a
 * later tenant of the same name. Where the backend has a door of its own, URLs lead there instead.
 */
export function createBlobUrls({ store, clock, secret, baseUrl }: Parts): BlobUrls {
  const sign = async (tenant: TenantId, key: string, expires: string): Promise<Buffer> => {
    // JSON keeps the fields apart, whatever is in the key.
    const text = JSON.stringify(['GET', tenant, await store.generation(tenant), key, expires])
    return createHmac('sha256', secret).update(text).digest()
  }
  return {
    async make(tenant, key, expiresInSeconds) {
      const elsewhere = await store.presign(tenant, key, expiresInSeconds)
      if (elsewhere !== undefined) return elsewhere
      const expires = String(Math.ceil(clock.now() / 1_000) + expiresInSeconds)
      const signature = (await sign(tenant, key, expires)).toString('base64url')
      return `${baseUrl()}/blobs/${tenant}/${encodeURIComponent(key)}?expires=${expires}&signature=${signature}`
    },
    async check(tenant, key, { expires, signature }) {
      if (!/^\d{1,12}$/.test(expires) || Number(expires) * 1_000 <= clock.now()) return false
      const given = Buffer.from(signature, 'base64url')
      const expected = await sign(tenant, key, expires).catch((error: unknown) => {
        if (error instanceof CloisterError && error.code === 'NOT_FOUND') return Buffer.alloc(0)
        throw error
      })
      return given.length > 0 && given.length === expected.length && timingSafeEqual(given, expected)
    },
  }
}
