import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Operations } from '../../core/run.ts'
import type { CanonicalFields } from '../canonical.ts'
import { type RollupKey, Rollups } from '../rollup.ts'

/**
 * Adds records to the stored roll-ups inside the writer's transaction.
 *
 * Invariant: nothing is added to a stored roll-up but in the transaction that holds the records it is the sum of.
 */
export class RollupWriter {
  readonly #find: StatementSync
  readonly #put: StatementSync
  readonly #pending = new Rollups()

  constructor(database: DatabaseSync) {
    this.#find = database.prepare(
      `SELECT sums FROM rollups WHERE tenant = ? AND resolution = ? AND start = ? AND kind = ? AND "trigger" = ?
        AND status = ? AND function = ? AND version = ? AND policy = ?`,
    )
    this.#put = database.prepare(
      `INSERT INTO rollups (tenant, resolution, start, kind, "trigger", status, function, version, policy, sums)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET sums = excluded.sums`,
    )
  }

  /** Notes a record that was appended. */
  add(record: CanonicalFields, operations: Operations): void {
    this.#pending.add(record, operations)
  }

  /** Writes what was noted: call it before each commit. */
  flush(): void {
    if (this.#pending.size === 0) return
    for (const { key, sums } of this.#pending.values()) {
      const columns = columnsOf(key)
      const stored = this.#find.get(...columns) as { sums: string } | undefined
      if (stored !== undefined) sums.addText(stored.sums)
      this.#put.run(...columns, sums.text())
    }
    this.#pending.clear()
  }

  /** The transaction was rolled back. */
  rolledBack(): void {
    this.#pending.clear()
  }
}

function columnsOf(key: RollupKey): readonly (string | number)[] {
  const { tenant, resolution, start, kind, trigger, status, version, policy } = key
  return [tenant, resolution, start, kind, trigger, status, key.function, version, policy]
}
