import { hash, randomBytes } from 'node:crypto'
import type { AuthSession, AuthStore, AuthUser, AuthUserSecret } from '../core/auth.ts'
import type { Clock } from '../core/clock.ts'
import type { AuthGrant } from '../core/policy.ts'
import { epochMillis } from '../core/quantity.ts'
import type { Vault } from '../core/vault.ts'
import {
  AUTH_ARGUMENTS_MAX,
  changeOf,
  credentialsOf,
  jwtOptionsOf,
  lifeOf,
  sessionIdOf,
  tokenOf,
  userIdOf,
} from './auth/arguments.ts'
import { HashRoom } from './auth/hash-room.ts'
import { type HashCost, type MakeHash, hashPassword, verifyPassword } from './auth/passwords.ts'
import { Signing } from './auth/signing.ts'
import { type Capability, CapabilityError, type Operation, type RunScope } from './capability.ts'

interface Parts {
  readonly store: AuthStore
  readonly vault: Vault
  readonly clock: Clock
  readonly makeHash: MakeHash
  readonly cost: HashCost
  /** Hashes of all tenants in progress at once. */
  readonly hashesMax: number
}

type Scope = Pick<RunScope, 'tenant' | 'signal'>
type Run = (scope: Scope, grant: AuthGrant, args: readonly unknown[]) => Promise<unknown>

/** Host half of `auth`: users of the tenant's own application. No answer to a wrong log-in tells whether the name has a user; signing up tells it, as it must. */
export function createAuthCapability(parts: Parts): Capability<'auth'> {
  const auth = new Auth(parts)
  const { store } = parts
  const signing = new Signing(parts)
  const reading = (run: Run): Operation<AuthGrant> => ({ effect: 'none', run: jsonFrom(run) })
  const writing = (run: Run): Operation<AuthGrant> => ({ effect: 'lasting', run: jsonFrom(run) })
  const operations: readonly (readonly [string, Operation<AuthGrant>])[] = [
    ['signUp', writing((scope, grant, [given]) => auth.signUp(scope, grant, given))],
    ['logIn', writing((scope, grant, [given, options]) => auth.logIn(scope, grant, given, options))],
    ['changePassword', writing((scope, grant, [given]) => auth.changePassword(scope, grant, given))],
    ['session', reading(async ({ tenant }, _, [token]) => viewOf(await findByToken(store, tenant, token)))],
    [
      'logOut',
      writing(async ({ tenant }, _, [token]) => {
        const found = await findByToken(store, tenant, token)
        return found !== undefined && (await store.endSession(tenant, found.user.id, found.session.id))
      }),
    ],
    [
      'user',
      reading(async ({ tenant }, _, [id]) => {
        const user = await store.findUser(tenant, { id: userIdOf(id) })
        return user === undefined ? null : viewUser(user)
      }),
    ],
    ['deleteUser', writing(({ tenant }, _, [id]) => store.deleteUser(tenant, userIdOf(id)))],
    [
      'sessions',
      reading(async ({ tenant }, _, [id]) => (await store.listSessions(tenant, userIdOf(id))).map(viewSession)),
    ],
    ['revoke', writing(({ tenant }, _, [id, session]) => store.endSession(tenant, userIdOf(id), sessionIdOf(session)))],
    ['revokeAll', writing(({ tenant }, _, [id]) => store.endSessions(tenant, userIdOf(id)))],
    [
      'issueJwt',
      writing(async ({ tenant }, _, [token, given]) => {
        const options = jwtOptionsOf(given)
        const found = await findByToken(store, tenant, token)
        return found === undefined ? null : signing.sign(tenant, found, options)
      }),
    ],
    [
      'verifyJwt',
      reading(async ({ tenant }, _, [given]) => {
        const claims = await signing.verify(tenant, tokenOf(given))
        if (claims === undefined) return null
        // What is signed says of which session it is; a session that was revoked takes its tokens along.
        const found = await store.findSession(tenant, { id: String(claims['sid']) })
        return found === undefined || found.user.id !== claims.sub ? null : { ...viewOf(found), claims }
      }),
    ],
  ]
  return { name: 'auth', operations: new Map(operations), argumentsMax: () => AUTH_ARGUMENTS_MAX }
}

/** What takes a password. */
class Auth {
  readonly #parts: Parts
  readonly #room: HashRoom

  constructor(parts: Parts) {
    this.#parts = parts
    this.#room = new HashRoom(parts.hashesMax)
  }

  async signUp(scope: Scope, grant: AuthGrant, given: unknown): Promise<unknown> {
    const { name, password } = credentialsOf(given)
    const passwordHash = await this.#hash(scope, grant, password)
    const user = { id: newId('usr'), name, passwordHash, createdAt: this.#parts.clock.now() }
    const outcome = await this.#parts.store.addUser(scope.tenant, user, grant.users)
    if (outcome === 'taken') throw new CapabilityError('CONFLICT', 'there is a user of that name')
    if (outcome === 'too-many') {
      throw new CapabilityError('QUOTA_EXCEEDED', `a tenant may have ${grant.users} users (capabilities.auth.users)`)
    }
    return viewUser(user)
  }

  async logIn(scope: Scope, grant: AuthGrant, given: unknown, options: unknown): Promise<unknown> {
    const { tenant } = scope
    const { name, password } = credentialsOf(given)
    const seconds = lifeOf(options, grant)
    const user = await this.#verified(scope, grant, name, password)
    if (user === undefined) return null
    const token = randomBytes(32).toString('base64url')
    const createdAt = this.#parts.clock.now()
    const session = { id: newId('ses'), createdAt, expiresAt: epochMillis(createdAt + seconds * 1_000) }
    const kept = { ...session, tokenHash: hashToken(token) }
    if (!(await this.#parts.store.addSession(tenant, user, kept, grant.sessions))) return null
    return { ...viewOf({ user, session }), token }
  }

  async changePassword(scope: Scope, grant: AuthGrant, given: unknown): Promise<boolean> {
    const { user: id, from, to } = changeOf(given)
    const { store } = this.#parts
    const known = await store.findUser(scope.tenant, { id })
    if (known === undefined) return false
    const user = await this.#verified(scope, grant, known.name, from)
    if (user === undefined || user.id !== id) return false
    return store.setPassword(scope.tenant, user, await this.#hash(scope, grant, to))
  }

  /** The user of that name, if it is the password. One hash is made, whether or not there is such a user. */
  async #verified(scope: Scope, grant: AuthGrant, name: string, password: string): Promise<AuthUserSecret | undefined> {
    const { store, makeHash, cost, clock } = this.#parts
    const { tenant } = scope
    return this.#inTurn(scope, grant, async () => {
      const until = await store.attempt(tenant, name, grant.attempts)
      if (until > 0) {
        const retryAfterMs = Math.max(1, until - clock.now())
        throw new CapabilityError('RATE_LIMITED', 'too many wrong passwords for this name', { retryAfterMs })
      }
      const user = await store.findUser(tenant, { name })
      return (await verifyPassword(makeHash, password, user?.passwordHash, cost)) ? user : undefined
    })
  }

  #hash(scope: Scope, grant: AuthGrant, password: string): Promise<string> {
    const { makeHash, cost } = this.#parts
    return this.#inTurn(scope, grant, () => hashPassword(makeHash, password, cost))
  }

  #inTurn<Value>({ tenant, signal }: Scope, { concurrency }: AuthGrant, work: () => Promise<Value>): Promise<Value> {
    return this.#room.run({ tenant, signal, max: concurrency }, work)
  }
}

type Found = { readonly user: AuthUser; readonly session: AuthSession }

/** Only the hash of a token is ever stored or looked for. It is long and random, so a fast hash keeps it. */
function hashToken(token: string): string {
  return hash('sha256', token, 'hex')
}

function findByToken(store: AuthStore, tenant: RunScope['tenant'], token: unknown): Promise<Found | undefined> {
  return store.findSession(tenant, { tokenHash: hashToken(tokenOf(token)) })
}

function newId(prefix: 'usr' | 'ses'): string {
  return `${prefix}_${randomBytes(16).toString('hex')}`
}

function jsonFrom(run: Run): Operation<AuthGrant>['run'] {
  return async (scope, grant, args) => JSON.stringify(await run(scope, grant, args))
}

function viewOf(found: Found | undefined): object | null {
  return found === undefined ? null : { user: viewUser(found.user), session: viewSession(found.session) }
}

function viewUser({ id, name, createdAt }: AuthUser): object {
  return { id, name, createdAt: new Date(createdAt).toISOString() }
}

function viewSession({ id, createdAt, expiresAt }: AuthSession): object {
  return { id, createdAt: new Date(createdAt).toISOString(), expiresAt: new Date(expiresAt).toISOString() }
}
