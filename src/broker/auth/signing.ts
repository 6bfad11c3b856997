import { randomBytes } from 'node:crypto'
import {
  type CryptoKey,
  type JWK,
  type JWTPayload,
  SignJWT,
  errors,
  exportJWK,
  generateKeyPair,
  importJWK,
  jwtVerify,
} from 'jose'
import { LRUCache } from 'lru-cache'
import type { AuthSession, AuthSigningKey, AuthStore, AuthUser } from '../../core/auth.ts'
import type { Clock } from '../../core/clock.ts'
import type { TenantId } from '../../core/ids.ts'
import type { Vault } from '../../core/vault.ts'
import type { JwtOptions } from './arguments.ts'

const ALGORITHM = 'ES256'
const KEYS_REMEMBERED = 1_000

interface Parts {
  readonly store: AuthStore
  readonly vault: Vault
  readonly clock: Clock
}

type OpenKey = CryptoKey | Uint8Array

/**
 * JSON Web Tokens under a key of each tenant's own, made when it signs for the first time. In the store the private half is
 * sealed for its tenant. A token says its session, so that it ends with it.
 */
export class Signing {
  readonly #store: AuthStore
  readonly #vault: Vault
  readonly #clock: Clock
  /** By the key's id, which is never given out twice. */
  readonly #opened = new LRUCache<string, Promise<OpenKey>>({ max: KEYS_REMEMBERED })

  constructor({ store, vault, clock }: Parts) {
    this.#store = store
    this.#vault = vault
    this.#clock = clock
  }

  async sign(
    tenant: TenantId,
    { user, session }: { readonly user: AuthUser; readonly session: AuthSession },
    { seconds, claims }: JwtOptions,
  ): Promise<string> {
    const key = (await this.#store.findSigningKey(tenant)) ?? (await this.#makeKey(tenant))
    const now = Math.floor(this.#clock.now() / 1_000)
    const expiresAt = Math.min(now + seconds, Math.floor(session.expiresAt / 1_000))
    return new SignJWT({ ...claims, sid: session.id, name: user.name })
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT', kid: key.id })
      .setIssuer(tenant)
      .setSubject(user.id)
      .setIssuedAt(now)
      .setExpirationTime(expiresAt)
      .sign(await this.#open(tenant, key))
  }

  /** The claims, if this tenant signed them and they have not expired. */
  async verify(tenant: TenantId, token: string): Promise<JWTPayload | undefined> {
    const key = await this.#store.findSigningKey(tenant)
    if (key === undefined) return undefined
    try {
      const publicKey = await importJWK(JSON.parse(key.publicKey) as JWK, ALGORITHM)
      const { payload } = await jwtVerify(token, publicKey, {
        algorithms: [ALGORITHM],
        issuer: tenant,
        currentDate: new Date(this.#clock.now()),
        requiredClaims: ['sub', 'exp', 'sid'],
      })
      return payload
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined
      throw error
    }
  }

  async #makeKey(tenant: TenantId): Promise<AuthSigningKey> {
    const { privateKey, publicKey } = await generateKeyPair(ALGORITHM, { extractable: true })
    const id = randomBytes(16).toString('hex')
    return this.#store.addSigningKey(tenant, {
      id,
      sealed: this.#vault.seal(JSON.stringify(await exportJWK(privateKey)), placeOf(tenant, id)),
      publicKey: JSON.stringify({ ...(await exportJWK(publicKey)), kid: id, alg: ALGORITHM, use: 'sig' }),
    })
  }

  #open(tenant: TenantId, { id, sealed }: AuthSigningKey): Promise<OpenKey> {
    const known = this.#opened.get(id)
    if (known !== undefined) return known
    // Opened before it is remembered: a vault that does not open it throws each time.
    const opened = importJWK(JSON.parse(this.#vault.open(sealed, placeOf(tenant, id))) as JWK, ALGORITHM)
    this.#opened.set(id, opened)
    return opened
  }
}

function placeOf(tenant: TenantId, id: string): string {
  return `auth/${tenant}/${id}`
}
