import type { DatabaseSync } from 'node:sqlite'
import type { TenantId } from '../../core/ids.ts'
import { epochMillis } from '../../core/quantity.ts'
import type { SqlBindingRecord, SqlBindingStore } from '../../core/sql-bindings.ts'
import { reading } from '../reading.ts'
import type { WriteQueue } from './write-queue.ts'

interface Parts {
  readonly queue: WriteQueue
  /** A connection that is only read from. */
  readonly database: DatabaseSync
}

interface Row {
  readonly name: string
  readonly sealed: string
  readonly bound_by: SqlBindingRecord['boundBy']
  readonly created_at: number
  readonly updated_at: number
}

const ROWS = `SELECT name, sealed, bound_by, created_at, updated_at FROM sql_bindings
  WHERE tenant = (SELECT number FROM tenants WHERE id = ?)`

/** Databases that tenants have bound. They go with their tenant. */
export function createSqlBindingStore({ queue, database }: Parts): SqlBindingStore {
  const find = database.prepare(`${ROWS} AND name = ?`)
  const list = database.prepare(`${ROWS} ORDER BY name`)
  return {
    put: ({ tenant, name, sealed, boundBy, createdAt, updatedAt }, max) =>
      queue.write('sql-binding.put', { tenant, name, sealed, boundBy, createdAt, updatedAt, max }),
    find: (tenant, name) =>
      reading(() => {
        const row = find.get(tenant, name) as Row | undefined
        return row && recordOf(tenant, row)
      }),
    list: (tenant) => reading(() => (list.all(tenant) as unknown as Row[]).map((row) => recordOf(tenant, row))),
    delete: (tenant, name) => queue.write('sql-binding.delete', { tenant, name }),
  }
}

function recordOf(tenant: TenantId, row: Row): SqlBindingRecord {
  return {
    tenant,
    name: row.name,
    sealed: row.sealed,
    boundBy: row.bound_by,
    createdAt: epochMillis(row.created_at),
    updatedAt: epochMillis(row.updated_at),
  }
}
