import type { BlobQuota } from '../../core/blobs.ts'
import { CloisterError } from '../../core/errors.ts'
import type { TenantId } from '../../core/ids.ts'

/** Uploads of one tenant that may be open at once: a file and a megabyte of buffers each. */
const TENANT_UPLOADS_MAX = 32

interface Share {
  uploads: number
  bytes: number
}

/** A place for one upload. Leaving it takes its bytes off what is on the way. */
export interface UploadPlace extends Disposable {
  /** Counts bytes that have come. Throws QUOTA_EXCEEDED if the tenant has more on the way than it may store at all. */
  take(bytes: number): void
}

/**
 * Bounds what is on the way in. What is stored is bounded by the index, exactly, when a blob is committed; until then its
 * bytes are counted here, so that a tenant never fills the disk with more than twice what it may store.
 */
export class UploadRoom {
  readonly #uploadsMax: number
  readonly #shares = new Map<TenantId, Share>()
  #uploads = 0

  constructor(uploadsMax: number) {
    this.#uploadsMax = uploadsMax
  }

  /** Throws CONCURRENCY_LIMITED if the tenant, OVERLOADED if the host has as many open as may be. */
  enter(tenant: TenantId, { storedBytes }: BlobQuota): UploadPlace {
    const share = this.#shares.get(tenant) ?? { uploads: 0, bytes: 0 }
    if (share.uploads >= TENANT_UPLOADS_MAX) {
      throw new CloisterError('CONCURRENCY_LIMITED', `${TENANT_UPLOADS_MAX} uploads of the tenant are open already`)
    }
    if (this.#uploads >= this.#uploadsMax) {
      throw new CloisterError('OVERLOADED', `${this.#uploadsMax} uploads are open already`, { retryAfterMs: 1_000 })
    }
    this.#shares.set(tenant, share)
    this.#uploads += 1
    share.uploads += 1
    let taken = 0
    let isOpen = true
    return {
      take: (bytes) => {
        if (share.bytes + bytes > storedBytes) {
          throw new CloisterError(
            'QUOTA_EXCEEDED',
            `the tenant may store ${storedBytes} bytes of blobs, and has that much on the way`,
          )
        }
        share.bytes += bytes
        taken += bytes
      },
      [Symbol.dispose]: () => {
        if (!isOpen) return
        isOpen = false
        this.#uploads -= 1
        share.uploads -= 1
        share.bytes -= taken
        if (share.uploads === 0) this.#shares.delete(tenant)
      },
    }
  }
}
