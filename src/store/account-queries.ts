import { type Kysely, sql } from 'kysely'
import type { KeyId, TenantId } from '../core/ids.ts'
import { bytes, epochMillis } from '../core/quantity.ts'
import type { KeyRecord, StoredBytes, TenantRecord } from '../core/stores.ts'
import { decodeBudget } from './budget-text.ts'
import type { Tables } from './schema.ts'

/** All tenants, by name. */
export async function listTenants(database: Kysely<Tables>): Promise<readonly TenantRecord[]> {
  const rows = await database.selectFrom('tenants').selectAll().orderBy('id').execute()
  return rows.map((row) => ({
    id: row.id as TenantId,
    policy: row.policy,
    budget: decodeBudget(row.budget),
    ...(row.env !== '{}' && { env: Object.freeze(JSON.parse(row.env) as Record<string, string>) }),
    createdAt: epochMillis(row.created_at),
    updatedAt: epochMillis(row.updated_at),
  }))
}

/** What each tenant keeps in key-value data, documents, blobs and queues together, of those that keep any. */
export async function listStoredBytes(database: Kysely<Tables>): Promise<readonly StoredBytes[]> {
  const kept = sql<number>`kv_bytes
    + coalesce((SELECT bytes FROM blob_totals WHERE blob_totals.tenant = tenants.number), 0)
    + coalesce((SELECT sum(bytes) FROM doc_collections WHERE doc_collections.tenant = tenants.number), 0)
    + coalesce((SELECT sum(bytes) FROM queues WHERE queues.tenant = tenants.number), 0)`
  const rows = await database
    .selectFrom('tenants')
    .select(['id', kept.as('bytes')])
    .orderBy('id')
    .execute()
  return rows.flatMap((row) => (row.bytes > 0 ? [{ tenant: row.id as TenantId, bytes: bytes(row.bytes) }] : []))
}

/** All keys of all tenants, by tenant and id. */
export async function listKeys(database: Kysely<Tables>): Promise<readonly KeyRecord[]> {
  const rows = await database
    .selectFrom('keys')
    .innerJoin('tenants', 'tenants.number', 'keys.tenant')
    .select(['keys.id', 'tenants.id as tenant', 'keys.hash', 'keys.created_at'])
    .orderBy('tenants.id')
    .orderBy('keys.id')
    .execute()
  return rows.map((row) => ({
    id: row.id as KeyId,
    tenant: row.tenant as TenantId,
    hash: row.hash,
    createdAt: epochMillis(row.created_at),
  }))
}
