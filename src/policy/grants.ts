import { fetchGrant } from './egress.ts'
import { grant, whole } from './fields.ts'
import { auth } from './grants/auth.ts'
import { sql } from './sql-grant.ts'
import { docs } from './grants/docs.ts'
import { durable } from './grants/durable.ts'
import { invoke } from './grants/invoke.ts'
import { secrets } from './grants/secrets.ts'

const KIB = 1024
const MIB = 1024 * KIB
const TIB = 1024 * 1024 * MIB

const kv = grant({
  operations: whole({
    min: 1,
    max: 1_000_000,
    about: 'Key-value operations of one run.',
    bounds: 'null removes kv altogether; each operation is work for the host.',
  }),
  keyBytes: whole({
    min: 1,
    max: 2 * KIB,
    about: 'Length of a key in bytes.',
    bounds: 'keys are kept in an index whose pages are 4 KiB.',
  }),
  valueBytes: whole({
    min: 1,
    max: MIB,
    about: 'Length of a value as JSON in bytes.',
    bounds: 'one call carries at most 2 MiB, the escapes of its text included.',
  }),
  keys: whole({
    min: 1,
    max: 100_000_000,
    about: 'Keys that the tenant may keep.',
    bounds: 'more belongs in a database of the tenant’s own.',
  }),
  storedBytes: whole({
    min: KIB,
    max: TIB,
    about: 'Keys and values that the tenant may keep, together, in bytes.',
    bounds: 'less holds nothing; more than one embedded database should hold.',
  }),
})

const blobs = grant({
  operations: whole({
    min: 1,
    max: 1_000_000,
    about: 'Blob operations of one run; of a long body, each piece of at most 1 MiB is one.',
    bounds: 'null removes blobs altogether; each operation is work for the host.',
  }),
  keyBytes: whole({
    min: 1,
    max: KIB,
    about: 'Length of a key in bytes.',
    bounds: 'the longest that S3 takes.',
  }),
  blobBytes: whole({
    min: 1,
    max: 5 * 1024 * MIB,
    about: 'Length of a blob in bytes.',
    bounds: 'the most that S3 takes in one request.',
  }),
  blobs: whole({
    min: 1,
    max: 100_000_000,
    about: 'Blobs that the tenant may keep.',
    bounds: 'more belongs in storage of the tenant’s own.',
  }),
  storedBytes: whole({
    min: KIB,
    max: 1024 * TIB,
    about: 'Contents of all blobs that the tenant may keep, together, in bytes.',
    bounds: 'less holds nothing; more than a bucket that one host serves.',
  }),
})

const queues = grant({
  operations: whole({
    min: 1,
    max: 1_000_000,
    about: 'Messages that one run may send.',
    bounds: 'null removes queues altogether; each message is a write to the store.',
  }),
  queues: whole({
    min: 1,
    max: 1_000,
    about: 'Queues that the tenant may have.',
    bounds: 'none would be no capability; the host looks at each.',
  }),
  messageBytes: whole({
    min: 1,
    max: MIB,
    about: 'Length of a message as JSON in bytes.',
    bounds: 'the most that goes in one call; larger data belongs in a blob.',
  }),
  messages: whole({
    min: 1,
    max: 100_000_000,
    about: 'Messages that the tenant may keep, in all of its queues.',
    bounds: 'more is a backlog that nobody will work off.',
  }),
  storedBytes: whole({
    min: KIB,
    max: TIB,
    about: 'Messages that the tenant may keep, together, in bytes.',
    bounds: 'less holds nothing; more than one embedded database should hold.',
  }),
})

/**
 * What each capability's grant says, by the name of the capability. Check, types and the JSON Schema come from it. A grant is
 * the same in JSON and in memory.
 */
export const GRANTS = { kv, docs, invoke, durable, fetch: fetchGrant, blobs, queues, sql, auth, secrets } as const

export type GrantName = keyof typeof GRANTS
export const GRANT_NAMES: readonly GrantName[] = Object.freeze(Object.keys(GRANTS) as GrantName[])

interface GrantRule {
  readonly field: string
  /** The field of the same grant that it may not be over. */
  readonly beside: string
}

/** Fields of a grant that may not be over another one. */
export const GRANT_RULES: Readonly<Partial<Record<GrantName, readonly GrantRule[]>>> = {
  // A single value that passes the whole store's bound could never be written.
  kv: [{ field: 'valueBytes', beside: 'storedBytes' }],
  blobs: [{ field: 'blobBytes', beside: 'storedBytes' }],
  queues: [{ field: 'messageBytes', beside: 'storedBytes' }],
  durable: [{ field: 'valueBytes', beside: 'journalBytes' }],
  docs: [{ field: 'documentBytes', beside: 'storedBytes' }],
  secrets: [{ field: 'valueBytes', beside: 'storedBytes' }],
}
