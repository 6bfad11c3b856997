/** What `docs` needs of storage: JSON documents of a tenant in collections, with indexes on fields that were declared. */
import type { TenantId } from './ids.ts'
import type { Cause } from './invocations.ts'
import type { EpochMillis } from './quantity.ts'

/**
 * What an index holds of a document: the field's value; null if there is none; `[]` for a list or an object, which no find
 * can name. They are in this order: numbers, texts by code point, false, true, null, `[]`.
 */
export type FieldValue = number | string | boolean | null | readonly []

export interface StoredDocument {
  readonly id: string
  /** 1 for a new document, one more with every write. */
  readonly version: number
  /** JSON text of an object. */
  readonly data: string
  readonly createdAt: EpochMillis
  readonly updatedAt: EpochMillis
}

export interface Bound {
  readonly value: FieldValue
  readonly reach: 'inclusive' | 'exclusive'
}

/** Values of one kind between two bounds, one of which may be missing. The kind is that of the bounds. */
export interface ValueRange {
  readonly from?: Bound
  readonly to?: Bound
}

/** A field's value lies in one of the ranges. */
export interface DocCondition {
  readonly path: string
  readonly ranges: readonly ValueRange[]
}

export interface DocSort {
  readonly path: string
  readonly direction: 'ascending' | 'descending'
}

/** A place in the order of a find: the values that it is sorted by, then the id. */
export interface DocPosition {
  readonly values: readonly FieldValue[]
  readonly id: string
}

export interface DocQuery {
  readonly conditions: readonly DocCondition[]
  /** After these, documents are ordered by id, in the direction of the last. */
  readonly sort: readonly DocSort[]
  readonly after?: DocPosition
  readonly limit: number
  /** Of the documents of a page, together. One document is given whatever its size. */
  readonly bytesMax: number
}

export interface DocPage {
  readonly documents: readonly StoredDocument[]
  /** Where the next page goes on; absent if there is none. A page may be short, or empty, and yet not be the last. */
  readonly next?: DocPosition
}

/** What a find named that cannot be used. */
export interface DocFault {
  readonly kind: 'not-indexed' | 'being-built'
  readonly path: string
}

/** How much a tenant may keep; a write that would pass it is refused as a whole. */
export interface DocQuota {
  readonly documents: number
  readonly storedBytes: number
  readonly documentBytes: number
  readonly collections: number
  /** Of one collection. */
  readonly indexes: number
}

interface DocTarget {
  readonly collection: string
  readonly id: string
  /** The version that there must be; 0: there must be no such document. */
  readonly ifVersion?: number
}

/**
 * One change of a transaction. `data` is JSON text: of the whole document, or a merge patch (RFC 7396). Only an insert minds that
 * the document is there, replace and patch that it is not; a check changes nothing.
 */
export type DocWrite = DocTarget &
  (
    | { readonly op: 'insert' | 'replace' | 'put' | 'patch'; readonly data: string }
    | { readonly op: 'delete' }
    | { readonly op: 'check' }
  )

/** What became of one change: the version that there is now, 0 if the document is gone or never was. */
export interface DocWritten {
  readonly id: string
  readonly version: number
  /** Whether there was such a document before. */
  readonly existed: boolean
}

/** Why a transaction changed nothing. */
export interface DocRefusal {
  /** The place of the change that was refused. */
  readonly place: number
  readonly code: 'CONFLICT' | 'NOT_FOUND' | 'QUOTA_EXCEEDED' | 'INVALID_ARGUMENT'
  readonly message: string
}

export type DocOutcome = { readonly written: readonly DocWritten[] } | { readonly refused: DocRefusal }

export interface DocCollection {
  readonly name: string
  readonly documents: number
  readonly storedBytes: number
  /** Paths, by name. */
  readonly indexes: readonly { readonly path: string; readonly state: 'ready' | 'being-built' }[]
}

/** Documents per tenant. Writes for a tenant that does not exist reject with NOT_FOUND. */
export interface DocStore {
  get(tenant: TenantId, collection: string, id: string): Promise<StoredDocument | undefined>
  /** Looks at a bounded number of documents, some at a time. */
  find(tenant: TenantId, collection: string, query: DocQuery): Promise<DocPage | DocFault>
  /** All changes or none, in one atomic step. Makes collections that are not there. */
  write(tenant: TenantId, writes: readonly DocWrite[], quota: DocQuota, cause?: Cause): Promise<DocOutcome>
  /** By name. */
  collections(tenant: TenantId): Promise<readonly DocCollection[]>
  collection(tenant: TenantId, name: string): Promise<DocCollection | undefined>
  /**
   * Makes the collection if it is not there and adds indexes; `exactly` also takes those away that are not named. Resolves
   * when they can be used: documents that were there before have been entered, some at a time.
   */
  declare(
    tenant: TenantId,
    name: string,
    indexes: { readonly paths: readonly string[]; readonly mode: 'add' | 'exactly' },
    quota: DocQuota,
  ): Promise<DocRefusal | undefined>
  /** Deletes a collection with all that is in it. False if there was none. */
  drop(tenant: TenantId, name: string): Promise<boolean>
}
