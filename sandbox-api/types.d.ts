// Declarations of modules by a pattern cannot be in a module, hence in a file that is not imported.
// oxlint-disable-next-line typescript/triple-slash-reference
/// <reference path="./data-modules.d.ts" />

/**
 * The types that guest code is written against: `import type { Handler } from 'cloister/types'`.
 *
 * The globals of a guest are the web's own, as workers have them. A project of guest code says so in its tsconfig.json:
 * `"lib": ["esnext", "webworker"], "types": []`. `Request`, `Response` and the rest below come from there.
 */

import type { Durable } from './durable-types.d.ts'
import type { BlobEvent, DocumentEvent, MessageBatch, ScheduledEvent } from './event-types.d.ts'
import type { Blobs, Queues, Secrets } from './storage-types.d.ts'

export type { BlobEvent, DocumentEvent, MessageBatch, QueueMessage, ScheduledEvent } from './event-types.d.ts'
import type { Auth } from './auth-types.d.ts'

export type { Durable } from './durable-types.d.ts'
export type { AppSession, AppUser, Auth, Credentials } from './auth-types.d.ts'
export type {
  BlobCondition,
  BlobGetOptions,
  BlobInfo,
  BlobListOptions,
  BlobPutOptions,
  Blobs,
  Queues,
  Secrets,
  SendOptions,
  SentMessage,
  StoredBlob,
} from './storage-types.d.ts'

/** Any value that JSON can hold. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

export interface PutOptions {
  /** The entry vanishes after so many seconds. At least 1; absent: it stays. */
  ttlSeconds?: number
  /** Kept beside the value and shown by `list`: JSON of at most 1024 bytes. Absent: the entry has none. */
  metadata?: Json
}

export interface PutEntry extends PutOptions {
  key: string
  value: Json
}

export interface ListOptions {
  /** Only keys that start with it. */
  prefix?: string
  /** At most so many keys: 1 to 1000, default 100. */
  limit?: number
  /** Where the page before ended. */
  cursor?: string
}

export interface ListPage {
  keys: { key: string; expiresAt?: string; metadata?: Json }[]
  /** Absent on the last page. */
  cursor?: string
}

/** Key-value storage of the tenant. Values are JSON. Each method rejects with an error that has a `code`. */
export interface KeyValue {
  /** The value, or null if the key does not exist. */
  get(key: string): Promise<Json>
  /** Value and metadata, each null if there is none. */
  getWithMetadata(key: string): Promise<{ value: Json; metadata: Json }>
  /** The values of 1 to 100 keys as they were at one moment, in the order of the keys; null for those that do not exist. */
  getMany(keys: readonly string[]): Promise<Json[]>
  put(key: string, value: Json, options?: PutOptions): Promise<void>
  /** Writes 1 to 100 entries: all of them or, if one is refused, none. */
  putMany(entries: readonly PutEntry[]): Promise<void>
  /** Deletes 1 to 100 keys in one atomic step. How many of them existed. */
  deleteMany(keys: readonly string[]): Promise<number>
  /** True if there was something to delete. */
  delete(key: string): Promise<boolean>
  /** Keys in code-point order. */
  list(options?: ListOptions): Promise<ListPage>
  /** Adds to a number (absent counts as 0) in one atomic step and returns the sum. */
  increment(key: string, by?: number): Promise<number>
  /** Writes only if the present value equals `expected` (null: absent or null). True if it was written. */
  compareAndSet(key: string, expected: Json, value: Json, options?: PutOptions): Promise<boolean>
}

/** A JSON document as it is stored. */
export interface StoredDocument<Data = { [key: string]: Json }> {
  readonly id: string
  /** 1 for a new document, one more with every write. */
  readonly version: number
  /** ISO 8601. */
  readonly createdAt: string
  readonly updatedAt: string
  readonly data: Data
}

export interface WrittenDocument {
  readonly id: string
  readonly version: number
}

export interface VersionOption {
  /** The version that the document must have, or else the write is a CONFLICT; 0: there must be no such document. */
  ifVersion?: number
}

type Scalar = null | boolean | number | string

/** A value; or bounds, exclusive or inclusive, for numbers or texts; or one of up to 100 values. */
export type Condition =
  | Scalar
  | { eq: Scalar }
  | { in: readonly Scalar[] }
  | { gt?: number | string; gte?: number | string; lt?: number | string; lte?: number | string }

export interface FindQuery {
  /** Conditions by path of the field, `'customer.id'`; all must hold. null holds for a missing field, too. */
  where?: { [path: string]: Condition }
  /** Paths, `-` before one to sort descending. Then, and without, by id. */
  sort?: string | readonly string[]
  /** 1 to 1000, default 100. */
  limit?: number
  /** Where the page before ended. */
  cursor?: string
}

export interface DocumentPage<Data = { [key: string]: Json }> {
  readonly documents: readonly StoredDocument<Data>[]
  /** Absent on the last page. A page can be short, even empty, and have one. */
  readonly cursor?: string
}

/** Documents of one kind. Each method rejects with an error that has a `code`: CONFLICT, NOT_FOUND, QUOTA_EXCEEDED, … */
export interface Collection<Data = { [key: string]: Json }> {
  readonly name: string
  /** Stores a new document; its id is made unless it is given. CONFLICT if there is one of that id. */
  insert(data: Data, options?: { id?: string }): Promise<WrittenDocument>
  /** The document, or null. */
  get(id: string): Promise<StoredDocument<Data> | null>
  /** Puts other data in the place of all that there was. NOT_FOUND if there is no such document, unless `upsert`. */
  replace(id: string, data: Data, options?: VersionOption & { upsert?: boolean }): Promise<WrittenDocument>
  /** Changes some fields: a JSON merge patch (RFC 7396), in which null removes a field. */
  patch(id: string, patch: { [key: string]: Json }, options?: VersionOption): Promise<WrittenDocument>
  /** True if there was something to delete. */
  delete(id: string, options?: VersionOption): Promise<boolean>
  /** Documents that meet all conditions, on indexed fields. */
  find(query?: FindQuery): Promise<DocumentPage<Data>>
}

/** One change of a transaction. */
export type DocumentOperation = { collection: string; ifVersion?: number } & (
  | { op: 'insert'; id?: string; data: object }
  | { op: 'replace' | 'put' | 'patch'; id: string; data: object }
  | { op: 'delete'; id: string }
  /** Changes nothing: `ifVersion` must hold for the others to take place. */
  | { op: 'check'; id: string; ifVersion: number }
)

/** JSON documents of the tenant, in collections. */
export interface Documents {
  /** `indexes`: paths of the fields that are found and sorted by. They are made when the collection first lacks them. */
  collection<Data = { [key: string]: Json }>(name: string, options?: { indexes?: readonly string[] }): Collection<Data>
  /** 1 to 100 changes, all of them or none; what becomes of each, in order (version 0: gone). */
  transact(operations: readonly DocumentOperation[]): Promise<WrittenDocument[]>
}

/**
 * Calls another function of the tenant and gives what it returns. Rejects with an error that has a `code`: `NOT_FOUND`,
 * `TOO_DEEP` past 16 calls within calls, `RUN_ERROR` or another `RUN_…` if the function did not return, or what refused it.
 */
export type Invoke = (
  name: string,
  input?: Json,
  options?: { version?: number; alias?: string; timeoutMs?: number },
) => Promise<Json>

/** What SQL takes as a parameter. A list is an array of SQL's, an object is JSON, bytes are a bytea. */
export type SqlValue = Json | bigint | Date | Uint8Array | readonly SqlValue[] | undefined

/**
 * A result. `int8` and `numeric` are strings, which lose no digit; times are ISO 8601 with all their digits; a `bytea` is
 * base64; arrays are lists; `json` is what it holds; NaN and the infinities are strings; what has no other form is its text.
 */
export interface SqlResult<Row = Record<string, Json>> {
  rows: Row[]
  /** Rows that were given, or that the statement changed. */
  rowCount: number
  fields: { name: string; type: string }[]
}

/** Statements, one at a time, with `$1`, `$2`, … for parameters; as a template, sql`select ${id}`, the values are the parameters. */
export interface SqlQueries {
  <Row = Record<string, Json>>(strings: TemplateStringsArray, ...params: SqlValue[]): Promise<SqlResult<Row>>
  query<Row = Record<string, Json>>(text: string, params?: readonly SqlValue[]): Promise<SqlResult<Row>>
}

/**
 * A PostgreSQL that was bound to the tenant. What the server refuses rejects with `code: 'SQL_ERROR'`, the server's message and
 * `sqlState`, and where there are any `position`, `detail`, `hint`, `table`, `column`, `constraint`.
 */
export interface Sql extends SqlQueries {
  /**
   * Runs the work in a transaction: commits when it is done, rolls back when it throws or the run ends. Statements that are
   * not the transaction's own run outside of it.
   */
  transaction<Value>(
    work: (tx: SqlQueries) => Value | Promise<Value>,
    options?: { isolation?: 'read committed' | 'repeatable read' | 'serializable'; readOnly?: boolean },
  ): Promise<Value>
  /** The database that is bound to another name than `default`. */
  database(name: string): Sql
}

/** The second argument of a durable function: `export default async (input, context: DurableContext) => …`. */
export interface DurableContext extends Context, Durable {}

/** The second argument of a function. */
export interface Context {
  readonly runId: string
  readonly tenant: string
  /** The deployed function that runs; null for code that was submitted. */
  readonly function: { readonly name: string; readonly version: number } | null
  /** 1, or higher when a run is tried again. */
  readonly attempt: number
  /** Time until the wall limit ends the run. With a frozen clock it shrinks from one await of I/O to the next. */
  remainingMs(): number
  /** Keeps the run going until the promise settles. Its value is ignored, its rejection logged. */
  waitUntil(promise: Promise<unknown>): void
  /** Plain configuration. */
  readonly env: Readonly<Record<string, string>>
  /**
   * What the function's configuration binds, by name: inputs have what was read before the run (a document as `docs.get`
   * gives it, the content of a blob), outputs are written after it with the values that they were given here.
   */
  readonly bound?: { [name: string]: unknown }
  /** What stands for the parameters of the route, of an HTTP request. */
  readonly params?: Readonly<Record<string, string>>
  /** Who sent an HTTP request whose route asks for a token: a user of `auth`, or the claims of a JSON Web Token. */
  readonly caller?: {
    readonly user?: { readonly id: string; readonly name: string }
    readonly session?: { readonly id: string }
    readonly claims?: { readonly [name: string]: Json }
  }
  /** Present if the policy grants it. */
  readonly kv?: KeyValue
  readonly blobs?: Blobs
  readonly queues?: Queues
  /** Present if the policy grants it. */
  readonly invoke?: Invoke
  readonly docs?: Documents
  readonly sql?: Sql
  readonly secrets?: Secrets
  readonly auth?: Auth
}

/**
 * A function: `export default (async (input, context) => …) satisfies Handler<Input, Output>`. The input is what the caller
 * sent as JSON, unchecked; the output must be something that JSON can hold, `undefined` becomes null.
 */
export type Handler<Input = unknown, Output = unknown> = (input: Input, context: Context) => Output | Promise<Output>

/** Handlers by what triggers them: `export default { … } satisfies ExportedHandler`. */
export interface ExportedHandler<Message = unknown> {
  /**
   * An HTTP request to `/run/{tenant}/{function}/*`. Bodies may be streams. `request.signal` aborts when the client leaves, and
   * the stream of the response is cancelled; the run is over after that turn.
   */
  fetch?(request: Request, context: Context): Response | Promise<Response>
  /** Messages of a queue. Those that are neither acknowledged nor to be retried are acknowledged when this returns. */
  queue?(batch: MessageBatch<Message>, context: Context): void | Promise<void>
  /** A time that was planned has come. */
  scheduled?(event: ScheduledEvent, context: Context): void | Promise<void>
  /** A blob was stored or deleted. */
  blob?(event: BlobEvent, context: Context): void | Promise<void>
  /** A document was stored, changed or deleted. */
  doc?(event: DocumentEvent, context: Context): void | Promise<void>
}
