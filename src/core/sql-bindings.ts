import type { TenantId } from './ids.ts'
import type { EpochMillis } from './quantity.ts'

/** A database that a tenant's code may use by a name. */
export interface SqlBindingRecord {
  readonly tenant: TenantId
  readonly name: string
  /** Its URL, with the password, sealed by the vault. */
  readonly sealed: string
  /** What the operator binds may be anywhere; what the tenant binds must be in the open internet. */
  readonly boundBy: 'operator' | 'tenant'
  readonly createdAt: EpochMillis
  readonly updatedAt: EpochMillis
}

export interface SqlBindingStore {
  /** Writes it, unless it would be one more than `max`. Rejects with NOT_FOUND for a tenant that does not exist. */
  put(binding: SqlBindingRecord, max: number): Promise<'done' | 'too-many'>
  find(tenant: TenantId, name: string): Promise<SqlBindingRecord | undefined>
  /** By name. */
  list(tenant: TenantId): Promise<readonly SqlBindingRecord[]>
  delete(tenant: TenantId, name: string): Promise<boolean>
}
