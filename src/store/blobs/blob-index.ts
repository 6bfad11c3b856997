import type { BlobAttributes, BlobCondition, BlobListing, BlobPage, BlobQuota, BlobRecord } from '../../core/blobs.ts'
import type { TenantId } from '../../core/ids.ts'
import type { Cause } from '../../core/invocations.ts'

/** A blob and the object of the backend that has its content. */
export interface IndexedBlob {
  readonly record: BlobRecord
  readonly object: string
}

export type IndexOutcome = 'done' | 'condition-failed' | 'blobs-exceeded' | 'bytes-exceeded' | 'object-lost'

/**
 * What blobs there are, and which objects of the backend are anybody's. All of it rejects with NOT_FOUND for a tenant that is
 * not there where it writes, INTERNAL when storage fails.
 */
export interface BlobIndex {
  find(tenant: TenantId, key: string): Promise<IndexedBlob | undefined>
  page(tenant: TenantId, listing: BlobListing): Promise<BlobPage>
  totals(tenant: TenantId): Promise<{ readonly blobs: number; readonly bytes: number }>
  generation(tenant: TenantId): Promise<number>
  /** Writes down that an object is about to be made. */
  begin(tenant: TenantId, object: string): Promise<void>
  /** Makes an object the content of a blob, in one atomic step with its condition and its quota. */
  commit(
    tenant: TenantId,
    object: string,
    blob: BlobAttributes & Pick<BlobRecord, 'size' | 'etag' | 'uploadedAt'>,
    condition: BlobCondition,
    quota: BlobQuota,
    cause?: Cause,
  ): Promise<IndexOutcome>
  /** How many of the keys were there. */
  delete(tenant: TenantId, keys: readonly string[], cause?: Cause): Promise<number>
  /** Objects of uploads that were given up; `all`: of every upload there is. */
  discard(objects: readonly string[] | 'all'): Promise<void>
  /** Some of the objects that are to be removed. */
  garbage(limit: number): Promise<readonly string[]>
  /** They are removed. */
  forget(objects: readonly string[]): Promise<void>
}
