import type { Json } from './types.d.ts'

/** Blobs and queues, as guest code sees them: a part of types.d.ts. */

export interface BlobInfo {
  readonly key: string
  /** In bytes. */
  readonly size: number
  /** SHA-256 of the content, hexadecimal. */
  readonly etag: string
  readonly contentType: string
  readonly metadata: Readonly<Record<string, string>>
  /** ISO 8601. */
  readonly uploadedAt: string
}

/** Takes effect only if what is stored fits. */
export interface BlobCondition {
  /** An etag, or `*`: there is a blob. */
  ifMatch?: string
  /** An etag, or `*`: there is none. */
  ifNoneMatch?: string
}

export interface BlobPutOptions extends BlobCondition {
  /** `application/octet-stream`, or what the content says of itself, if absent. */
  contentType?: string
  /** Names of a-z, 0-9 and -, values of visible ASCII; 2 KiB in all. */
  metadata?: Record<string, string>
}

export interface BlobGetOptions extends BlobCondition {
  /** From `offset`, at most `length` bytes; or the last `suffix` bytes. */
  range?: { offset?: number; length?: number } | { suffix: number }
}

/** A blob with its content, which can be read once, like that of a Response. */
export interface StoredBlob extends BlobInfo {
  /** The part that is there to be read; absent if the condition was not met. */
  readonly range?: { readonly offset: number; readonly length: number }
  /** Null if the condition was not met. */
  readonly body: ReadableStream<Uint8Array> | null
  readonly bodyUsed: boolean
  arrayBuffer(): Promise<ArrayBuffer>
  blob(): Promise<Blob>
  bytes(): Promise<Uint8Array>
  json(): Promise<unknown>
  text(): Promise<string>
}

export interface BlobListOptions {
  prefix?: string
  /** Keys that have it after the prefix are told together, in `prefixes`. */
  delimiter?: string
  /** 1 to 1000, default 100. */
  limit?: number
  /** Where the page before ended. */
  cursor?: string
}

/** Files of the tenant. A blob is there as a whole or not at all. Each method rejects with an error that has a `code`. */
export interface Blobs {
  /** Resolves with null if the condition is not met. Streams of any length go in pieces, at the pace of the store. */
  put(
    key: string,
    content: ReadableStream<Uint8Array> | BufferSource | string | Blob | FormData | URLSearchParams | null,
    options?: BlobPutOptions,
  ): Promise<BlobInfo | null>
  /** Null if there is no such blob. At most 32 bodies of a run are open at once: read or cancel them. */
  get(key: string, options?: BlobGetOptions): Promise<StoredBlob | null>
  head(key: string): Promise<BlobInfo | null>
  /** True if there was something to delete. */
  delete(key: string): Promise<boolean>
  /** How many of at most 1000 keys were there. */
  deleteMany(keys: readonly string[]): Promise<number>
  /** In the order of the keys' code points. */
  list(options?: BlobListOptions): Promise<{ blobs: BlobInfo[]; prefixes: string[]; cursor?: string }>
  /** A URL from which anybody can get the blob without a key. From 1 s to a week; an hour if absent. */
  signedUrl(key: string, options?: { expiresInSeconds?: number }): Promise<string>
}

export interface SendOptions {
  /** Up to 12 hours, during which nobody gets the message. */
  delaySeconds?: number
  /** A second message with the same one within five minutes is not sent. */
  deduplicationId?: string
  /** Messages with the same one are delivered one at a time, in the order in which they were sent. */
  orderingKey?: string
}

/** The message's id; that of the first one for a duplicate. */
export interface SentMessage {
  id: string
  duplicate: boolean
}

/** Queues of the tenant. A message that was sent is stored. Each method rejects with an error that has a `code`. */
export interface Queues {
  /** A queue that does not exist is created. */
  send(queue: string, body: Json, options?: SendOptions): Promise<SentMessage>
  /** All of 1 to 100 messages, 1 MiB together, or none. */
  sendMany(queue: string, messages: readonly ({ body: Json } & SendOptions)[]): Promise<SentMessage[]>
}

/** Secrets that the code uses and does not have. */
export interface Secrets {
  /**
   * What stands for a secret in this run: put it into the headers, the URL or the body of a `fetch`, and the secret itself
   * goes out in its place, to the hosts that it is bound to. Code of NOT_FOUND if there is none of that name.
   */
  ref(name: string): Promise<string>
  /** The secret itself. Present if the policy says so. */
  reveal?(name: string): Promise<string>
}
