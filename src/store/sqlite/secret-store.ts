import type { DatabaseSync } from 'node:sqlite'
import type { TenantId } from '../../core/ids.ts'
import { epochMillis } from '../../core/quantity.ts'
import type { SecretRecord, SecretStore } from '../../core/secrets.ts'
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
  readonly size: number
  readonly hosts: string
  readonly created_at: number
  readonly updated_at: number
}

const ROWS = `SELECT name, sealed, size, hosts, created_at, updated_at FROM secrets
  WHERE tenant = (SELECT number FROM tenants WHERE id = ?)`

/** Secrets of tenants. They go with their tenant. */
export function createSecretStore({ queue, database }: Parts): SecretStore {
  const find = database.prepare(`${ROWS} AND name = ?`)
  const list = database.prepare(`${ROWS} ORDER BY name`)
  return {
    put: (record, { secrets, storedBytes }) =>
      queue.write('secret.put', { ...record, quota: { secrets, storedBytes } }),
    find: (tenant, name) =>
      reading(() => {
        const row = find.get(tenant, name) as Row | undefined
        return row && recordOf(tenant, row)
      }),
    list: (tenant) => reading(() => (list.all(tenant) as unknown as Row[]).map((row) => recordOf(tenant, row))),
    delete: (tenant, name) => queue.write('secret.delete', { tenant, name }),
  }
}

function recordOf(tenant: TenantId, { name, sealed, size, hosts, created_at, updated_at }: Row): SecretRecord {
  return {
    tenant,
    name,
    sealed,
    size,
    hosts: JSON.parse(hosts) as readonly string[],
    createdAt: epochMillis(created_at),
    updatedAt: epochMillis(updated_at),
  }
}
