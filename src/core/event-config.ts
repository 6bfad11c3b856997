import type { FunctionName } from './ids.ts'

/** How often, and for how long, an event that a function did not handle is given to it again. What is absent has a default. */
export interface RetryConfig {
  /** Runs of one event at most. */
  readonly maxAttempts?: number | undefined
  /** The wait before the second attempt; it grows by `factor` with each further one, up to `maxMs`, and is spread at random. */
  readonly backoff?:
    | {
        readonly initialMs?: number | undefined
        readonly factor?: number | undefined
        readonly maxMs?: number | undefined
      }
    | undefined
  /** From when an event was due; past it, it is given up. */
  readonly maxAgeSeconds?: number | undefined
}

/** Where the record of an event goes that a function has dealt with, or that was given up. */
export type Destination = { readonly queue: string } | { readonly function: FunctionName }
