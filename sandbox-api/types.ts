/** The types that guest code is written against. */

/** Any value that JSON can hold. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

export interface PutOptions {
  /** The entry vanishes after so many seconds. At least 1; absent: it stays. */
  ttlSeconds?: number
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
  keys: { key: string; expiresAt?: string }[]
  /** Absent on the last page. */
  cursor?: string
}

/** Key-value storage of the tenant. Values are JSON. Each method rejects with an error that has a `code`. */
export interface KeyValue {
  /** The value, or null if the key does not exist. */
  get(key: string): Promise<Json>
  put(key: string, value: Json, options?: PutOptions): Promise<void>
  /** True if there was something to delete. */
  delete(key: string): Promise<boolean>
  /** Keys in code-point order. */
  list(options?: ListOptions): Promise<ListPage>
  /** Adds to a number (absent counts as 0) in one atomic step and returns the sum. */
  increment(key: string, by?: number): Promise<number>
  /** Writes only if the present value equals `expected` (null: absent or null). True if it was written. */
  compareAndSet(key: string, expected: Json, value: Json, options?: PutOptions): Promise<boolean>
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
}
