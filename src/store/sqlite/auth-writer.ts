import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { CloisterError } from '../../core/errors.ts'
import type { CommandInput, CommandOutput } from './commands.ts'

const PURGE_STEP = 500
/** Names of one tenant whose attempts are remembered; past it the one that was tried longest ago is forgotten. */
const NAMES_MAX = 10_000
/** Attempts so long ago count no more. */
const FORGET_MS = 86_400_000
const WAIT_MIN_MS = 1_000
const WAIT_MAX_MS = 900_000

interface Attempts {
  readonly failures: number
  readonly wait_until: number
  readonly last_at: number
}

/** Changes users and their sessions inside the writer's transaction: one command at a time, so bounds are exact. */
export class AuthWriter {
  readonly #tenant: StatementSync
  readonly #isTaken: StatementSync
  readonly #addUser: StatementSync
  readonly #deleteUser: StatementSync
  readonly #isCurrent: StatementSync
  readonly #setPassword: StatementSync
  readonly #attempts: StatementSync
  readonly #putAttempts: StatementSync
  readonly #boundNames: StatementSync
  readonly #forgetAttempts: StatementSync
  readonly #addSession: StatementSync
  readonly #boundSessions: StatementSync
  readonly #endSession: StatementSync
  readonly #endSessions: StatementSync
  readonly #endExpired: StatementSync
  readonly #addKey: StatementSync
  readonly #orphan: StatementSync
  readonly #purges: readonly StatementSync[]
  readonly #forgetOrphan: StatementSync

  constructor(database: DatabaseSync) {
    const prepare = (text: string): StatementSync => database.prepare(text)
    this.#tenant = prepare(
      `SELECT number, coalesce((SELECT users FROM auth_tenants WHERE tenant = number), 0) AS users
      FROM tenants WHERE id = ?`,
    )
    this.#isTaken = prepare('SELECT 1 FROM auth_users WHERE tenant = ? AND name = ?')
    this.#addUser = prepare(
      'INSERT INTO auth_users (tenant, id, name, password_hash, created_at) VALUES (?, ?, ?, ?, ?)',
    )
    this.#deleteUser = prepare('DELETE FROM auth_users WHERE tenant = ? AND id = ?')
    this.#isCurrent = prepare('SELECT 1 FROM auth_users WHERE tenant = ? AND id = ? AND password_hash = ?')
    this.#setPassword = prepare('UPDATE auth_users SET password_hash = ? WHERE tenant = ? AND id = ?')
    this.#attempts = prepare('SELECT failures, wait_until, last_at FROM auth_attempts WHERE tenant = ? AND name = ?')
    this.#putAttempts = prepare(
      `INSERT INTO auth_attempts (tenant, name, failures, wait_until, last_at) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (tenant, name) DO UPDATE SET failures = excluded.failures, wait_until = excluded.wait_until,
        last_at = excluded.last_at`,
    )
    this.#boundNames = prepare(
      `DELETE FROM auth_attempts WHERE tenant = ?1 AND name IN
        (SELECT name FROM auth_attempts WHERE tenant = ?1 ORDER BY last_at DESC LIMIT 100 OFFSET ${NAMES_MAX})`,
    )
    this.#forgetAttempts = prepare('DELETE FROM auth_attempts WHERE tenant = ? AND name = ?')
    this.#addSession = prepare(
      `INSERT INTO auth_sessions (tenant, user, id, token_hash, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)`,
    )
    this.#boundSessions = prepare(
      `DELETE FROM auth_sessions WHERE tenant = ?1 AND user = ?2 AND (expires_at <= ?3 OR id IN
        (SELECT id FROM auth_sessions WHERE tenant = ?1 AND user = ?2 AND expires_at > ?3
          ORDER BY created_at DESC, id LIMIT -1 OFFSET ?4))`,
    )
    this.#endSession = prepare(
      'DELETE FROM auth_sessions WHERE tenant = ? AND user = ? AND id = ? RETURNING expires_at',
    )
    this.#endSessions = prepare('DELETE FROM auth_sessions WHERE tenant = ? AND user = ? RETURNING expires_at')
    this.#endExpired = prepare(
      `DELETE FROM auth_sessions WHERE (tenant, user, id) IN
        (SELECT tenant, user, id FROM auth_sessions WHERE expires_at <= ? LIMIT ${PURGE_STEP})`,
    )
    this.#addKey = prepare('INSERT OR IGNORE INTO auth_keys (tenant, id, sealed, public_key) VALUES (?, ?, ?, ?)')
    this.#orphan = prepare('SELECT tenant FROM auth_orphans LIMIT 1')
    this.#purges = [
      `DELETE FROM auth_users WHERE tenant = ?1 AND id IN
        (SELECT id FROM auth_users WHERE tenant = ?1 LIMIT ${PURGE_STEP})`,
      `DELETE FROM auth_attempts WHERE tenant = ?1 AND name IN
        (SELECT name FROM auth_attempts WHERE tenant = ?1 LIMIT ${PURGE_STEP})`,
      'DELETE FROM auth_tenants WHERE tenant = ?1',
    ].map(prepare)
    this.#forgetOrphan = prepare('DELETE FROM auth_orphans WHERE tenant = ?')
  }

  addUser(input: CommandInput<'auth.add-user'>): CommandOutput<'auth.add-user'> {
    const { number, users } = this.#found(input.tenant)
    if (this.#isTaken.get(number, input.name) !== undefined) return 'taken'
    if (users >= input.usersMax) return 'too-many'
    this.#addUser.run(number, input.user, input.name, input.passwordHash, input.now)
    return 'done'
  }

  deleteUser({ tenant, user }: CommandInput<'auth.delete-user'>): boolean {
    return this.#deleteUser.run(this.#found(tenant).number, user).changes !== 0
  }

  /** The attempt counts before it is made, so that many at once pass no more than one after the other would. */
  attempt({ tenant, name, now, free }: CommandInput<'auth.attempt'>): number {
    const { number } = this.#found(tenant)
    const found = this.#attempts.get(number, name) as Attempts | undefined
    if (found !== undefined && found.wait_until > now) return found.wait_until
    const failures = found === undefined || found.last_at <= now - FORGET_MS ? 1 : found.failures + 1
    this.#putAttempts.run(number, name, failures, failures < free ? 0 : now + waitAfter(failures - free), now)
    this.#boundNames.run(number)
    return 0
  }

  addSession(input: CommandInput<'auth.add-session'>): boolean {
    const { number } = this.#found(input.tenant)
    if (this.#isCurrent.get(number, input.user, input.passwordHash) === undefined) return false
    this.#forgetAttempts.run(number, input.name)
    this.#boundSessions.run(number, input.user, input.now, input.sessionsMax - 1)
    this.#addSession.run(number, input.user, input.session, input.tokenHash, input.now, input.expiresAt)
    return true
  }

  endSession({ tenant, user, session, now }: CommandInput<'auth.end-session'>): boolean {
    const ended = this.#endSession.get(this.#found(tenant).number, user, session) as { expires_at: number } | undefined
    return ended !== undefined && ended.expires_at > now
  }

  endSessions({ tenant, user, now }: CommandInput<'auth.end-sessions'>): number {
    const ended = this.#endSessions.all(this.#found(tenant).number, user) as unknown as { expires_at: number }[]
    return ended.filter(({ expires_at }) => expires_at > now).length
  }

  setPassword({ tenant, user, name, passwordHash, to }: CommandInput<'auth.set-password'>): boolean {
    const { number } = this.#found(tenant)
    if (this.#isCurrent.get(number, user, passwordHash) === undefined) return false
    this.#setPassword.run(to, number, user)
    this.#endSessions.all(number, user)
    this.#forgetAttempts.run(number, name)
    return true
  }

  addKey({ tenant, id, sealed, publicKey }: CommandInput<'auth.add-key'>): void {
    this.#addKey.run(this.#found(tenant).number, id, sealed, publicKey)
  }

  /** Removes some sessions that are past their expiry; true if there may be more. */
  endExpired(now: number): boolean {
    return Number(this.#endExpired.run(now).changes) >= PURGE_STEP
  }

  /** Removes some of what a deleted tenant left; true if there may be more. */
  purgeOrphans(): boolean {
    const orphan = this.#orphan.get() as { tenant: number } | undefined
    if (orphan === undefined) return false
    if (this.#purges.every((purge) => purge.run(orphan.tenant).changes === 0)) this.#forgetOrphan.run(orphan.tenant)
    return true
  }

  #found(tenant: string): { readonly number: number; readonly users: number } {
    const found = this.#tenant.get(tenant) as { number: number; users: number } | undefined
    if (found === undefined) throw new CloisterError('NOT_FOUND', `there is no tenant ${tenant}`)
    return found
  }
}

function waitAfter(failuresOver: number): number {
  return Math.min(WAIT_MIN_MS * 2 ** Math.min(failuresOver, 20), WAIT_MAX_MS)
}
