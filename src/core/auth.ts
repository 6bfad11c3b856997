/** Users of a tenant's own application, as stages and store share them. */
import type { TenantId } from './ids.ts'
import type { EpochMillis } from './quantity.ts'

export interface AuthUser {
  /** `usr_` and 32 hexadecimal digits. */
  readonly id: string
  /** Normalised: two spellings of a name are one user. */
  readonly name: string
  readonly createdAt: EpochMillis
}

export interface AuthUserSecret extends AuthUser {
  /** The argon2id hash of the password with its salt and cost, as a PHC string. */
  readonly passwordHash: string
}

export interface AuthSession {
  /** `ses_` and 32 hexadecimal digits; it names the session and opens nothing. */
  readonly id: string
  readonly createdAt: EpochMillis
  readonly expiresAt: EpochMillis
}

export interface AuthSigningKey {
  readonly id: string
  /** The private JWK, sealed by the vault. */
  readonly sealed: string
  /** The public JWK as JSON text. */
  readonly publicKey: string
}

/**
 * Users, sessions and signing keys per tenant. Nothing in it opens anything: passwords and tokens are hashes, private keys are
 * sealed. Sessions past their expiry are never seen. Bounds are checked in the same step as the write.
 */
export interface AuthStore {
  /** Rejects with NOT_FOUND for a tenant that does not exist. */
  addUser(tenant: TenantId, user: AuthUserSecret, usersMax: number): Promise<'done' | 'taken' | 'too-many'>
  findUser(
    tenant: TenantId,
    by: { readonly id: string } | { readonly name: string },
  ): Promise<AuthUserSecret | undefined>
  /** By id, after `after`. */
  listUsers(tenant: TenantId, page: { readonly limit: number; readonly after?: string }): Promise<readonly AuthUser[]>
  /** With all of its sessions. */
  deleteUser(tenant: TenantId, id: string): Promise<boolean>
  /**
   * Counts an attempt at a name's password before it is made, whether or not there is such a user: 0 if it may be made, else
   * when the next one may. The first `free` in a row may be made at once.
   */
  attempt(tenant: TenantId, name: string, free: number): Promise<EpochMillis>
  /**
   * Starts a session and forgets the attempts at the user's name; of more than `sessionsMax`, the oldest end. False if the user
   * is gone or has another password by now.
   */
  addSession(
    tenant: TenantId,
    user: AuthUserSecret,
    session: AuthSession & { readonly tokenHash: string },
    sessionsMax: number,
  ): Promise<boolean>
  findSession(
    tenant: TenantId,
    by: { readonly id: string } | { readonly tokenHash: string },
  ): Promise<{ readonly user: AuthUser; readonly session: AuthSession } | undefined>
  listSessions(tenant: TenantId, user: string): Promise<readonly AuthSession[]>
  endSession(tenant: TenantId, user: string, id: string): Promise<boolean>
  /** How many there were. */
  endSessions(tenant: TenantId, user: string): Promise<number>
  /** Puts another hash in the place of the one in `user`, and ends all sessions. False as for `addSession`. */
  setPassword(tenant: TenantId, user: AuthUserSecret, passwordHash: string): Promise<boolean>
  /** Keeps the key unless the tenant has one, and gives the one that it has. */
  addSigningKey(tenant: TenantId, key: AuthSigningKey): Promise<AuthSigningKey>
  findSigningKey(tenant: TenantId): Promise<AuthSigningKey | undefined>
}
