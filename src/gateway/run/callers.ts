import { CloisterError } from '../../core/errors.ts'
import type { HttpAuth, HttpCaller } from '../../core/http-config.ts'
import type { TenantId } from '../../core/ids.ts'
import type { Gatekeeper, TokenChecks } from '../ports.ts'

const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]{1,8192})$/i

/** Who asks, as far as the route wants to know. */
export interface Identified {
  /** Absent for a public route, and for a key: that is the tenant itself. */
  readonly caller?: HttpCaller
  /** Whether the Authorization header was for this host, so that the guest does not see it. */
  readonly authorization: 'used' | 'passed on'
}

/** Throws UNAUTHENTICATED, and FORBIDDEN for a key of somebody else's. */
export async function identify(
  parts: { readonly gatekeeper: Gatekeeper; readonly tokens: TokenChecks },
  auth: HttpAuth,
  { tenant, authorization }: { readonly tenant: TenantId; readonly authorization: string | undefined },
): Promise<Identified> {
  if (auth === 'public') return { authorization: 'passed on' }
  if (auth === 'key') {
    parts.gatekeeper.authorize(parts.gatekeeper.authenticate(authorization), tenant)
    return { authorization: 'used' }
  }
  const token = BEARER.exec(authorization ?? '')?.[1]
  if (token === undefined) {
    throw new CloisterError('UNAUTHENTICATED', 'this route asks for a token: Authorization: Bearer TOKEN')
  }
  const caller =
    auth === 'users' ? await parts.tokens.user(tenant, token) : await parts.tokens.jwt(tenant, auth.jwt, token)
  if (caller === undefined) throw new CloisterError('UNAUTHENTICATED', 'the token is not good, or not any more')
  return { caller, authorization: 'used' }
}
