import { grant, whole } from './fields.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** What a grant of `sql` says. */
export const sql = grant({
  operations: whole({
    min: 1,
    max: 1_000_000,
    about: 'Calls to databases of one run.',
    bounds: 'null removes sql altogether; each call is work for host and database.',
  }),
  connections: whole({
    min: 1,
    max: 100,
    about: 'Connections to each database, shared by all runs of the tenant.',
    bounds: 'a run needs one; a server takes 100 unless it is told otherwise.',
  }),
  waiting: whole({
    min: 0,
    max: 100_000,
    about: 'Calls that may wait for a connection to a database.',
    bounds: '0 refuses at once; each that waits keeps its statement in memory.',
  }),
  statementBytes: whole({
    min: 1,
    max: 256 * KIB,
    about: 'Length of a statement in bytes, and of its parameters together.',
    bounds: 'one call carries at most 2 MiB, the escapes of its text included.',
  }),
  rows: whole({
    min: 1,
    max: 100_000,
    about: 'Rows of one result.',
    bounds: 'one is the least worth asking for; more belongs in pages.',
  }),
  resultBytes: whole({
    min: 100,
    max: 4 * MIB,
    about: 'Size of one result as JSON in bytes.',
    bounds: 'a row of a few columns fits; a result is held whole in host and cell.',
  }),
})
