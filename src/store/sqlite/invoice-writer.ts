import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Invoice } from '../../core/invoices.ts'
import { Sums } from '../sums.ts'

/** Keeps invoices inside the writer's transaction. */
export class InvoiceWriter {
  readonly #rollups: StatementSync
  readonly #insert: StatementSync

  constructor(database: DatabaseSync) {
    this.#rollups = database.prepare(
      "SELECT sums FROM rollups WHERE tenant = ? AND resolution = 'day' AND start >= ? AND start < ?",
    )
    this.#insert = database.prepare(
      `INSERT INTO invoices (tenant, period, starts_at, ends_at, closed_at, records, books, bill)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    )
  }

  /** Keeps an invoice. False if the month has one, or if it is not of all records that the month has. */
  put({ tenant, period, from, to, closedAt, records, books, bill }: Invoice): boolean {
    const all = new Sums()
    for (const row of this.#rollups.all(tenant, from, to) as unknown as readonly { sums: string }[]) {
      all.addText(row.sums)
    }
    if (all.records !== BigInt(records)) return false
    return this.#insert.run(tenant, period, from, to, closedAt, records, books, bill).changes !== 0
  }
}
