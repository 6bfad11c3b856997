import { KIB, MIB, TIB, section, whole } from '../fields.ts'
import { operationsPerDay } from './operations-per-day.ts'

/** What a policy says of `kv`. */
export const kv = section({
  operations: whole({
    min: 1,
    max: 1_000_000,
    about: 'Key-value operations of one run.',
    bounds: 'null removes kv altogether; each operation is work for the host.',
  }),
  operationsPerDay,
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
