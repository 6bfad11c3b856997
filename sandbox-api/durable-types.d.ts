import type { Json } from './types.d.ts'

/** What the context of a durable function has: see `config.durable`. */
export interface Durable {
  /** The same in all runs of the execution; what an event from outside is sent to. */
  readonly executionId: string
  /**
   * Calls the function once and keeps what it returns, as JSON: in every later run of the execution the step gives that at
   * once. A host or cell that dies in the middle has it called again. What it throws is tried again, three times unless
   * `retries` says otherwise, after growing pauses in which no isolate is held; then, or if the error has `retryable: false`,
   * the step throws it.
   */
  step<Value>(
    name: string,
    work: (about: { readonly attempt: number }) => Value | Promise<Value>,
    options?: { readonly retries?: number; readonly backoffMs?: number },
  ): Promise<Value>
  /** Waits so many milliseconds, or until a time, without holding an isolate. */
  sleep(time: number | Date | string): Promise<void>
  /** Waits for an event that is sent to the execution. `timeout` in milliseconds: then it rejects with `code: 'TIMEOUT'`. */
  waitForEvent<Payload = Json>(name: string, options?: { readonly timeout?: number }): Promise<Payload>
  /** Does something for every item, a bounded number (10) at a time. */
  map<Item, Value>(
    items: readonly Item[],
    work: (item: Item, index: number) => Value | Promise<Value>,
    options?: { readonly concurrency?: number },
  ): Promise<Value[]>
}
