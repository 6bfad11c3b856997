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

/** Messages of a queue, some of them at a time. */
export interface QueueTrigger {
  readonly queue: string
  /** Messages of one run at most. 10 if absent. */
  readonly batchSize?: number | undefined
  /** How long a message may wait for others to come with it. 0 if absent. */
  readonly maxWaitMs?: number | undefined
  /** Batches at once. 5 if absent. */
  readonly concurrency?: number | undefined
  /** How long a message is nobody else's once a run has it. Long enough for a run if absent. */
  readonly visibilityTimeoutMs?: number | undefined
  /** How often a message is given to the function, before it is given up. 5 if absent. */
  readonly maxAttempts?: number | undefined
  /** How long a message waits after an attempt that failed. 0 if absent. */
  readonly retryDelayMs?: number | undefined
}

/** What becomes of times that came while nobody could keep them: all of them are made up for, the last one is, or none. */
export const MISSED_POLICIES = ['all', 'once', 'skip'] as const

/** Times that are planned: a line of cron, in a time zone. */
export interface ScheduleTrigger {
  readonly schedule: string
  /** UTC if absent. */
  readonly timezone?: string | undefined
  /** `once` if absent. */
  readonly missed?: (typeof MISSED_POLICIES)[number] | undefined
}

/** Blobs whose keys begin and end as said. */
export interface BlobTrigger {
  readonly blob: 'created' | 'deleted'
  readonly prefix?: string | undefined
  readonly suffix?: string | undefined
}

export const DOC_CHANGES = ['created', 'updated', 'deleted'] as const

/** Documents of a collection. */
export interface DocTrigger {
  readonly doc: string
  /** All changes if absent. */
  readonly on?: readonly (typeof DOC_CHANGES)[number][] | undefined
}

export type TriggerConfig = QueueTrigger | ScheduleTrigger | BlobTrigger | DocTrigger
