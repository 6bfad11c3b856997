import { type Kysely, sql } from 'kysely'
import type { TenantId } from '../../core/ids.ts'
import { epochMillis } from '../../core/quantity.ts'
import type { Invoice, InvoiceStore } from '../../core/invoices.ts'
import { reading } from '../reading.ts'
import type { InvoicesTable, Tables } from '../schema.ts'
import type { WriteQueue } from './write-queue.ts'

interface Parts {
  readonly queue: WriteQueue
  readonly database: Kysely<Tables>
}

/** Invoices: written through the queue, read on the reading connection. */
export function createInvoiceStore({ queue, database }: Parts): InvoiceStore {
  return {
    put: (invoice) => queue.write('invoice.put', invoice),
    find: (tenant, period) =>
      reading(async () => {
        const row = await database
          .selectFrom('invoices')
          .selectAll()
          .where('tenant', '=', tenant)
          .where('period', '=', period)
          .executeTakeFirst()
        return row && invoiceOf(row)
      }),
    list: (tenant) =>
      reading(async () => {
        const rows = await database
          .selectFrom('invoices')
          .selectAll()
          .where('tenant', '=', tenant)
          .orderBy('period')
          .execute()
        return rows.map(invoiceOf)
      }),
    unbilled: ({ from, to }, period) =>
      reading(async () => {
        const billed = database.selectFrom('invoices').select('tenant').where('period', '=', period)
        const rows = await database
          .selectFrom('rollups')
          .select('tenant')
          .distinct()
          .where('resolution', '=', 'day')
          .where('start', '>=', from)
          .where('start', '<', to)
          .where('tenant', 'not in', billed)
          .execute()
        return rows.map(({ tenant }) => tenant as TenantId)
      }),
    closedUntil: () =>
      reading(async () => {
        const row = await database
          .selectFrom('invoices')
          .select(sql<number | null>`max(ends_at)`.as('until'))
          .executeTakeFirst()
        return epochMillis(row?.until ?? 0)
      }),
  }
}

function invoiceOf(row: InvoicesTable): Invoice {
  return {
    tenant: row.tenant as TenantId,
    period: row.period,
    from: epochMillis(row.starts_at),
    to: epochMillis(row.ends_at),
    closedAt: epochMillis(row.closed_at),
    records: row.records,
    books: row.books,
    bill: row.bill,
  }
}
