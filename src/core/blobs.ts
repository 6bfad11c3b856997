/**
 * Blobs: bytes of any length under a key of a tenant's. What a blob is stands in the database; its content is an object in
 * a backend (files, or S3-compatible storage) under a random name, so that no text of a tenant's ever names a file.
 */
import type { TenantId } from './ids.ts'
import type { Cause } from './invocations.ts'
import type { Bytes, EpochMillis } from './quantity.ts'

/** What there is to know about a blob besides its content. */
export interface BlobRecord {
  readonly key: string
  readonly size: Bytes
  /** SHA-256 of the content, in lower-case hexadecimal. */
  readonly etag: string
  readonly contentType: string
  /** The tenant's own, by names in small letters. */
  readonly metadata: Readonly<Record<string, string>>
  readonly uploadedAt: EpochMillis
}

/** What a writer says of a blob. */
export type BlobAttributes = Pick<BlobRecord, 'key' | 'contentType' | 'metadata'>

/** A write takes place only if the blob that is there fits: `*` is any. All that are stated must hold. */
export interface BlobCondition {
  readonly ifMatch?: readonly string[]
  readonly ifNoneMatch?: readonly string[]
}

/** How much a tenant may keep; exact, whatever else is being written. */
export interface BlobQuota {
  readonly blobs: number
  readonly storedBytes: number
  readonly blobBytes: number
}

/** Bytes from `offset` on; those of the last `suffix` bytes; cut at the blob's end. */
export type BlobRange = { readonly offset: number; readonly length?: number } | { readonly suffix: number }

/** The part of a blob that is read. */
export interface BlobSpan {
  readonly offset: number
  readonly length: number
}

/** Content as it is read, piece by piece, at the reader's pace. Disposing it ends the reading early. */
export interface BlobSource extends AsyncDisposable {
  /** The next bytes, at most `lengthMax`; undefined at the end. One call at a time. */
  read(lengthMax: number): Promise<Buffer | undefined>
}

/** Content as it is written. Until `finish` has resolved nobody sees any of it. */
export interface BlobSink {
  /** One call at a time; resolves when more is welcome. */
  write(bytes: Uint8Array): Promise<void>
  /** Resolves when the content will survive whatever happens to the host. */
  finish(): Promise<void>
  /** Gives the content up. Never rejects. */
  abort(): Promise<void>
}

/** Where contents are. Object names are 32 hexadecimal digits, made up by the host. */
export interface BlobBackend extends AsyncDisposable {
  /** Whether content goes over a network that the tenant's traffic counts. */
  readonly place: 'here' | 'remote'
  /** Uploads of all tenants that may be open at once: what each holds differs from backend to backend. */
  readonly uploadsMax: number
  create(object: string): BlobSink
  /** Undefined if there is no such object. */
  open(object: string, span: BlobSpan): Promise<BlobSource | undefined>
  /** Removes an object and whatever an upload of it left over. Resolves also if there is nothing. */
  remove(object: string): Promise<void>
  /** A URL from which anybody can get the object until it expires; undefined if the backend has no door of its own. */
  presign(object: string, blob: BlobRecord, expiresInSeconds: number): string | undefined
}

export interface BlobListing {
  readonly prefix: string
  /** Keys that have it after the prefix are told together, as the part up to it. */
  readonly delimiter?: string
  /** Where the page before ended. */
  readonly cursor?: string
  readonly limit: number
}

export interface BlobPage {
  readonly blobs: readonly BlobRecord[]
  readonly prefixes: readonly string[]
  /** Absent on the last page. */
  readonly cursor?: string
}

/** How a write or a deletion ended. */
export type BlobOutcome =
  | { readonly outcome: 'done'; readonly record: BlobRecord }
  | { readonly outcome: 'condition-failed' | 'blobs-exceeded' | 'bytes-exceeded' }

/** A blob on its way in. */
export interface BlobUpload {
  /**
   * Takes the next bytes, in their order. Throws TOO_LARGE past the quota of one blob, QUOTA_EXCEEDED past what the tenant may
   * have on the way at once, and INTERNAL when the backend fails; the upload is over then.
   */
  write(bytes: Uint8Array): Promise<void>
  /** Ends the upload: the blob is there as a whole, or there is no trace of it. Throws what `write` throws. */
  commit(attributes: BlobAttributes, condition: BlobCondition): Promise<BlobOutcome>
  /** Gives it up. Never rejects; does nothing once it is over. */
  abort(): Promise<void>
}

/** A blob and its content, or as much of it as was asked for. */
export interface OpenBlob {
  readonly record: BlobRecord
  readonly span: BlobSpan
  readonly body: BlobSource
}

/** The blobs of every tenant. All of it rejects with NOT_FOUND for a tenant that is not there, INTERNAL if storage fails. */
export interface BlobStore {
  /** Whether content goes over a network that the tenant's traffic counts. */
  readonly place: 'here' | 'remote'
  head(tenant: TenantId, key: string): Promise<BlobRecord | undefined>
  /**
   * Undefined if there is no such blob. `choose` sees what is there and says which part is wanted; undefined wants none, and
   * then nothing is opened.
   */
  open(
    tenant: TenantId,
    key: string,
    choose: (record: BlobRecord) => BlobSpan | undefined,
  ): Promise<OpenBlob | BlobRecord | undefined>
  /** Rejects with OVERLOADED if too many uploads are open. */
  begin(tenant: TenantId, quota: BlobQuota, cause?: Cause): Promise<BlobUpload>
  /** How many of the keys were there. */
  delete(tenant: TenantId, keys: readonly string[], cause?: Cause): Promise<number>
  list(tenant: TenantId, listing: BlobListing): Promise<BlobPage>
  /** What the tenant stores. One look-up. */
  stored(tenant: TenantId): Promise<{ readonly blobs: number; readonly bytes: Bytes }>
  /** Tells one tenant from a later one of the same name. */
  generation(tenant: TenantId): Promise<number>
  /** A URL of the backend's own for a blob that is there; undefined if there is none to be had. */
  presign(tenant: TenantId, key: string, expiresInSeconds: number): Promise<string | undefined>
}

/** Whether a blob with that etag, or none, meets a condition. */
export function meetsCondition(etag: string | undefined, { ifMatch, ifNoneMatch }: BlobCondition): boolean {
  const isAmong = (etags: readonly string[]): boolean =>
    etag !== undefined && (etags.includes('*') || etags.includes(etag))
  return (ifMatch === undefined || isAmong(ifMatch)) && (ifNoneMatch === undefined || !isAmong(ifNoneMatch))
}

/** What of a blob a range means; undefined if it begins behind the end, or is empty. */
export function spanOf(range: BlobRange | undefined, size: number): BlobSpan | undefined {
  if (range === undefined) return { offset: 0, length: size }
  if ('suffix' in range) {
    const length = Math.min(range.suffix, size)
    return length === 0 ? undefined : { offset: size - length, length }
  }
  if (range.offset >= size) return undefined
  return { offset: range.offset, length: Math.min(range.length ?? size, size - range.offset) }
}
