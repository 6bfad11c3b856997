import type { DatabaseSync } from 'node:sqlite'
import type { Operations } from '../../core/run.ts'
import type { CanonicalFields } from '../canonical.ts'
import { FIELD_COLUMNS } from '../schema.ts'
import { RollupWriter } from './rollup-writer.ts'

/** Records between two writes: bounds what is kept in memory. */
const RECORDS_MAX = 10_000

/** Makes the roll-ups of all records that a database has from before there were any. A step of a migration. */
export function fillRollups(database: DatabaseSync): void {
  const columns = Object.entries(FIELD_COLUMNS).map(([field, column]) => `"${column}" AS "${field}"`)
  const writer = new RollupWriter(database)
  let count = 0
  for (const row of database.prepare(`SELECT ${columns.join(', ')} FROM ledger`).iterate()) {
    const fields = row as unknown as CanonicalFields
    writer.add(fields, JSON.parse(fields.operations) as Operations)
    count += 1
    if (count % RECORDS_MAX === 0) writer.flush()
  }
  writer.flush()
}
