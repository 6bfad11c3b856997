import type { Json } from './types.d.ts'

/** Users of the tenant's own application, as guest code sees them: a part of types.d.ts. */

export interface AppUser {
  readonly id: string
  /** In its normal form: NFKC, lower case. */
  readonly name: string
  /** ISO 8601. */
  readonly createdAt: string
}

/** It names a session; only its token opens it. */
export interface AppSession {
  readonly id: string
  readonly createdAt: string
  readonly expiresAt: string
}

export interface Credentials {
  /** A user name or an e-mail address, 1 to 254 bytes. */
  name: string
  /** At least 8 characters, at most 256 bytes. */
  password: string
}

/** Each method rejects with an error that has a `code`. */
export interface Auth {
  /** CONFLICT if the name is taken, QUOTA_EXCEEDED if there are too many users. */
  signUp(credentials: Credentials): Promise<AppUser>
  /** null for a wrong name or password. RATE_LIMITED, with `retryAfterMs`, after too many wrong passwords for a name. */
  logIn(
    credentials: Credentials,
    options?: { ttlSeconds?: number },
  ): Promise<{ readonly user: AppUser; readonly session: AppSession; readonly token: string } | null>
  /** False if the token opens nothing. */
  logOut(token: string): Promise<boolean>
  /** Whose token it is, or null. */
  session(token: string): Promise<{ readonly user: AppUser; readonly session: AppSession } | null>
  /** Ends all sessions of the user. False if the old password is wrong; RATE_LIMITED as for `logIn`. */
  changePassword(change: { userId: string; password: string; newPassword: string }): Promise<boolean>
  user(userId: string): Promise<AppUser | null>
  deleteUser(userId: string): Promise<boolean>
  sessions(userId: string): Promise<readonly AppSession[]>
  revoke(userId: string, sessionId: string): Promise<boolean>
  /** How many there were. */
  revokeAll(userId: string): Promise<number>
  /** A JSON Web Token (ES256) for the session of a token, or null. 900 seconds at most, unless `ttlSeconds` says otherwise. */
  issueJwt(token: string, options?: { ttlSeconds?: number; claims?: { [name: string]: Json } }): Promise<string | null>
  /** null if it is not genuine, has expired, or its session has ended. */
  verifyJwt(
    jwt: string,
  ): Promise<{ readonly user: AppUser; readonly session: AppSession; readonly claims: { [name: string]: Json } } | null>
}
