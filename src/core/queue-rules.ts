/** What may be said of queues and messages, in one place for every door. */

/** Messages of one call. */
export const BATCH_MESSAGES_MAX = 100
/** Bodies of one call together, as JSON. */
export const BATCH_BYTES_MAX = 1 << 20
/** Twelve hours. */
export const DELAY_SECONDS_MAX = 43_200
/** Of a deduplication id and of an ordering key. */
export const TAG_BYTES_MAX = 128
export const RETENTION_SECONDS = Object.freeze({ min: 60, max: 1_209_600 })
export const LEASE_SECONDS = Object.freeze({ min: 1, max: 43_200 })
/** What a queue's name must look like. */
export const QUEUE_NAME_PATTERN = '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$'

const QUEUE_NAME = new RegExp(QUEUE_NAME_PATTERN)

/** What is wrong with a queue's name; undefined if nothing is. */
export function queueNameFault(name: string): string | undefined {
  return QUEUE_NAME.test(name) ? undefined : 'must be 1 to 64 of A-Z, a-z, 0-9, _ and -, a letter or digit first'
}
