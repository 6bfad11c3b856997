import { hash } from 'node:crypto'
import type { AuthStore } from '../../core/auth.ts'
import type { HttpCaller } from '../../core/http-config.ts'
import type { TenantId } from '../../core/ids.ts'
import type { Signing } from '../auth/signing.ts'

interface Parts {
  readonly store: Pick<AuthStore, 'findSession'>
  readonly signing: Pick<Signing, 'verify'>
}

/** Tells whose token it is: of a session of the tenant's `auth`, or a JSON Web Token of one that has not ended. */
export function createUserTokens({ store, signing }: Parts) {
  return async (tenant: TenantId, token: string): Promise<HttpCaller | undefined> => {
    const isJwt = token.includes('.')
    const claims = isJwt ? await signing.verify(tenant, token) : undefined
    if (isJwt && claims === undefined) return undefined
    const by = isJwt ? { id: String(claims?.['sid']) } : { tokenHash: hash('sha256', token, 'hex') }
    const found = await store.findSession(tenant, by)
    if (found === undefined || (claims !== undefined && claims.sub !== found.user.id)) return undefined
    const { id, name } = found.user
    return { user: { id, name }, session: { id: found.session.id }, ...(claims !== undefined && { claims }) }
  }
}
