import type { TenantId } from './ids.ts'

/** URLs from which anybody can get one blob for a while, without a key. */
export interface BlobUrls {
  /** Makes one. Rejects with NOT_FOUND for a tenant that is not there. */
  make(tenant: TenantId, key: string, expiresInSeconds: number): Promise<string>
  /** Whether a URL of this host is one that was made here, for this tenant and key, and has not expired. */
  check(
    tenant: TenantId,
    key: string,
    given: { readonly expires: string; readonly signature: string },
  ): Promise<boolean>
}
