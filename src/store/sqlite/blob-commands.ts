/** What blobs ask of the writer. */
export interface BlobCommands {
  /** Writes down that an object is about to be made. */
  'blob.begin': { input: { tenant: string; object: string }; output: void }
  'blob.commit': { input: BlobCommit; output: BlobCommitted }
  /** How many of the keys were there. */
  'blob.delete': { input: { tenant: string; keys: readonly string[]; depth: number }; output: number }
  /** Objects of uploads that were given up are garbage; without a list, all uploads are: the host has just started. */
  'blob.discard': { input: { objects: readonly string[] | null }; output: void }
  /** Objects that are gone from the backend. */
  'blob.forget': { input: { objects: readonly string[] }; output: void }
}

/** How a write ended. `object-lost`: what was uploaded is garbage already. */
export type BlobCommitted = 'done' | 'condition-failed' | 'blobs-exceeded' | 'bytes-exceeded' | 'object-lost'

export interface BlobCommit {
  readonly tenant: string
  readonly key: string
  readonly object: string
  readonly size: number
  readonly etag: string
  readonly contentType: string
  /** JSON text. */
  readonly metadata: string
  readonly uploadedAt: number
  readonly ifMatch: readonly string[] | null
  readonly ifNoneMatch: readonly string[] | null
  readonly blobsMax: number
  readonly bytesMax: number
  /** How many events lead to those that it causes. */
  readonly depth: number
}
