import type { DatabaseSync } from 'node:sqlite'
import type { AuthSession, AuthSigningKey, AuthStore, AuthUser, AuthUserSecret } from '../../core/auth.ts'
import type { Clock } from '../../core/clock.ts'
import { CloisterError } from '../../core/errors.ts'
import type { TenantId } from '../../core/ids.ts'
import { epochMillis } from '../../core/quantity.ts'
import { reading } from '../reading.ts'
import type { WriteQueue } from './write-queue.ts'

interface Parts {
  readonly queue: WriteQueue
  /** A connection that is only read from. */
  readonly database: DatabaseSync
  readonly clock: Clock
}

const TENANT = '(SELECT number FROM tenants WHERE id = ?)'
const USER = `SELECT id, name, password_hash AS passwordHash, created_at AS createdAt FROM auth_users WHERE tenant = ${TENANT}`
const SESSION = `SELECT s.id, s.created_at AS createdAt, s.expires_at AS expiresAt,
  u.id AS userId, u.name, u.created_at AS userCreatedAt
  FROM auth_sessions s JOIN auth_users u ON u.tenant = s.tenant AND u.id = s.user WHERE s.tenant = ${TENANT}`

interface SessionRow extends AuthSession {
  readonly userId: string
  readonly name: string
  readonly userCreatedAt: number
}

/** Users, sessions and signing keys. See {@link AuthStore}. */
export function createAuthStore({ queue, database, clock }: Parts): AuthStore {
  const users = { id: database.prepare(`${USER} AND id = ?`), name: database.prepare(`${USER} AND name = ?`) }
  const list = database.prepare(
    `SELECT id, name, created_at AS createdAt FROM auth_users WHERE tenant = ${TENANT} AND id > ? ORDER BY id LIMIT ?`,
  )
  const sessions = {
    id: database.prepare(`${SESSION} AND s.id = ? AND s.expires_at > ?`),
    tokenHash: database.prepare(`${SESSION} AND s.token_hash = ? AND s.expires_at > ?`),
  }
  const listSessions = database.prepare(
    `SELECT id, created_at AS createdAt, expires_at AS expiresAt FROM auth_sessions
    WHERE tenant = ${TENANT} AND user = ? AND expires_at > ? ORDER BY created_at, id`,
  )
  const key = database.prepare(`SELECT id, sealed, public_key AS publicKey FROM auth_keys WHERE tenant = ${TENANT}`)
  const findSigningKey = (tenant: TenantId): Promise<AuthSigningKey | undefined> =>
    reading(() => key.get(tenant) as AuthSigningKey | undefined)
  const known = (tenant: TenantId, { id, name, passwordHash }: AuthUserSecret) => ({
    tenant,
    user: id,
    name,
    passwordHash,
  })
  return {
    addUser: (tenant, user, usersMax) =>
      queue.write('auth.add-user', { ...known(tenant, user), now: user.createdAt, usersMax }),
    findUser: (tenant, by) =>
      reading(
        () =>
          ('id' in by ? users.id.get(tenant, by.id) : users.name.get(tenant, by.name)) as AuthUserSecret | undefined,
      ),
    listUsers: (tenant, { limit, after = '' }) =>
      reading(() => list.all(tenant, after, limit) as unknown as AuthUser[]),
    deleteUser: (tenant, user) => queue.write('auth.delete-user', { tenant, user }),
    attempt: async (tenant, name, free) =>
      epochMillis(await queue.write('auth.attempt', { tenant, name, now: clock.now(), free })),
    addSession: (tenant, user, { id: session, tokenHash, createdAt: now, expiresAt }, sessionsMax) =>
      queue.write('auth.add-session', { ...known(tenant, user), session, tokenHash, now, expiresAt, sessionsMax }),
    findSession: (tenant, by) =>
      reading(() => {
        const now = clock.now()
        const row = 'id' in by ? sessions.id.get(tenant, by.id, now) : sessions.tokenHash.get(tenant, by.tokenHash, now)
        return row === undefined ? undefined : sessionOf(row as unknown as SessionRow)
      }),
    listSessions: (tenant, user) =>
      reading(() => listSessions.all(tenant, user, clock.now()) as unknown as AuthSession[]),
    endSession: (tenant, user, session) => queue.write('auth.end-session', { tenant, user, session, now: clock.now() }),
    endSessions: (tenant, user) => queue.write('auth.end-sessions', { tenant, user, now: clock.now() }),
    setPassword: (tenant, user, to) => queue.write('auth.set-password', { ...known(tenant, user), to }),
    async addSigningKey(tenant, { id, sealed, publicKey }) {
      await queue.write('auth.add-key', { tenant, id, sealed, publicKey })
      const kept = await findSigningKey(tenant)
      if (kept === undefined) throw new CloisterError('NOT_FOUND', `there is no tenant ${tenant}`)
      return kept
    },
    findSigningKey,
  }
}

function sessionOf({ userId, name, userCreatedAt, ...session }: SessionRow): { user: AuthUser; session: AuthSession } {
  return { user: { id: userId, name, createdAt: epochMillis(userCreatedAt) }, session }
}
