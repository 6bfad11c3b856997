import type { TenantId } from './ids.ts'
import type { EpochMillis } from './quantity.ts'

/** A secret of a tenant as it is stored. */
export interface SecretRecord {
  readonly tenant: TenantId
  readonly name: string
  /** The value, sealed by the vault. */
  readonly sealed: string
  /** Bytes of the value. */
  readonly size: number
  /** Where it may be sent, each in its one spelling. */
  readonly hosts: readonly string[]
  readonly createdAt: EpochMillis
  readonly updatedAt: EpochMillis
}

/** How much a tenant may keep; a write that would pass it is refused as a whole. */
export interface SecretQuota {
  readonly secrets: number
  /** Values together. */
  readonly storedBytes: number
}

export interface SecretStore {
  /** Says which bound it would pass, if it does. Rejects with NOT_FOUND for a tenant that does not exist. */
  put(record: SecretRecord, quota: SecretQuota): Promise<'done' | keyof SecretQuota>
  find(tenant: TenantId, name: string): Promise<SecretRecord | undefined>
  /** By name. */
  list(tenant: TenantId): Promise<readonly SecretRecord[]>
  delete(tenant: TenantId, name: string): Promise<boolean>
}
