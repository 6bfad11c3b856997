// Declarations of modules by a pattern cannot be in a module, hence in a file that is not imported.
// oxlint-disable-next-line typescript/triple-slash-reference
/// <reference path="./data-modules.d.ts" />

/**
 * The types that guest code is written against: `import type { Handler } from 'cloister/types'`.
 *
 * The globals of a guest are the web's own, as workers have them. A project of guest code says so in its tsconfig.json:
 * `"lib": ["esnext", "webworker"], "types": []`. `Request`, `Response` and the rest below come from there.
 */

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

/** The second argument of a function. */
export interface Context {
  readonly runId: string
  readonly tenant: string
  /** 1, or higher when a run is tried again. */
  readonly attempt: number
  /** Time until the wall limit ends the run. With a frozen clock it shrinks from one await of I/O to the next. */
  remainingMs(): number
  /** Keeps the run going until the promise settles. Its value is ignored, its rejection logged. */
  waitUntil(promise: Promise<unknown>): void
  /** Plain configuration. */
  readonly env: Readonly<Record<string, string>>
  /** Present if the policy grants it. */
  readonly kv?: KeyValue
  /** Present if the policy grants it. */
  readonly sql?: Sql
}

/**
 * A function: `export default (async (input, context) => …) satisfies Handler<Input, Output>`. The input is what the caller
 * sent as JSON, unchecked; the output must be something that JSON can hold, `undefined` becomes null.
 */
export type Handler<Input = unknown, Output = unknown> = (input: Input, context: Context) => Output | Promise<Output>

/** Handlers by what triggers them: `export default { … } satisfies ExportedHandler`. */
export interface ExportedHandler<Message = unknown> {
  /** An HTTP request. */
  fetch?(request: Request, context: Context): Response | Promise<Response>
  /** Messages of a queue. Those that are neither acknowledged nor to be retried are acknowledged when this returns. */
  queue?(batch: MessageBatch<Message>, context: Context): void | Promise<void>
  /** A time that was planned has come. */
  scheduled?(event: ScheduledEvent, context: Context): void | Promise<void>
}

export interface MessageBatch<Message = unknown> {
  /** Name of the queue. */
  readonly queue: string
  readonly messages: readonly QueueMessage<Message>[]
}

export interface QueueMessage<Message = unknown> {
  readonly id: string
  readonly body: Message
  /** 1, or higher when the message is delivered again. */
  readonly attempts: number
  /** It is done with, and never comes again. */
  ack(): void
  retry(options?: { delaySeconds?: number }): void
}

export interface ScheduledEvent {
  /** When it was to begin, in ms since the epoch. */
  readonly scheduledTime: number
  /** The line of the plan that it comes from. */
  readonly cron: string
}
