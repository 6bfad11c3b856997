import { CloisterError } from '../core/errors.ts'
import type { TenantId } from '../core/ids.ts'

/** Who is asking. Only an authenticated key makes one. */
export type Principal = { readonly kind: 'admin' } | { readonly kind: 'tenant'; readonly tenant: TenantId }

/**
 * Lets the administrator and the tenant itself pass; throws FORBIDDEN for every other tenant, whether or not that tenant
 * exists, so that a key cannot be used to find out who else is here.
 */
export function authorize(principal: Principal, tenant: TenantId): void {
  if (principal.kind === 'admin' || principal.tenant === tenant) return
  throw new CloisterError('FORBIDDEN', `this key belongs to tenant "${principal.tenant}" and opens no other`)
}

/** Lets only the administrator pass; throws FORBIDDEN. */
export function authorizeAdmin(principal: Principal): void {
  if (principal.kind === 'admin') return
  throw new CloisterError('FORBIDDEN', 'this call needs the admin key')
}
