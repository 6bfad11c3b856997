import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createAuthCapability } from '../../src/broker/auth.ts'
import { nameOf } from '../../src/broker/auth/arguments.ts'
import { HashRoom } from '../../src/broker/auth/hash-room.ts'
import { makeHash } from '../../src/broker/auth/passwords.ts'
import { createBroker } from '../../src/broker/broker.ts'
import { parseTenantId } from '../../src/core/ids.ts'
import type { AuthGrant } from '../../src/core/policy.ts'
import { epochMillis, millis } from '../../src/core/quantity.ts'
import type { Session } from '../../src/core/run.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { openTemporaryStores } from '../../src/store/sqlite/open.ts'
import { createVault } from '../../src/vault/vault.ts'
import { ticketOf } from '../scheduler/ticket.ts'

const GRANT: AuthGrant = {
  operations: 1_000_000,
  users: 3,
  sessions: 2,
  sessionSeconds: 3_600,
  attempts: 3,
  concurrency: 50,
}
/** As little as argon2 takes: what is tested here is how often it is done. */
const COST = { memory: 8, passes: 1 }
const PASSWORD = 'correct horse'
const ANN = { name: 'Ann@Example.com', password: PASSWORD }

let nowMs = Date.UTC(2026, 0, 1)
let hashes = 0
let tenants = 0
const faults: unknown[] = []
const clock = { now: () => epochMillis(nowMs), elapsed: () => millis(nowMs) }
const base = loadPolicies([]).resolve('default')
let stores: Awaited<ReturnType<typeof openTemporaryStores>>
let broker: ReturnType<typeof createBroker>

const capabilityOver = (store: typeof stores.auth) =>
  createAuthCapability({
    store,
    vault: createVault('the key of a vault in a test, long enough'),
    clock,
    cost: COST,
    hashesMax: 2,
    makeHash: (...given) => {
      hashes += 1
      return makeHash(...given)
    },
  })

beforeAll(async () => {
  stores = await openTemporaryStores({ clock })
  broker = createBroker({ capabilities: [capabilityOver(stores.auth)], clock, onFault: (_, e) => faults.push(e) })
})
afterAll(() => stores[Symbol.asyncDispose]())
beforeEach(() => void (hashes = 0))

async function fresh(grant: Partial<AuthGrant> = {}) {
  const id = parseTenantId(`t${tenants++}`)!
  await stores.tenants.put({ id, policy: 'default', budget: {}, createdAt: clock.now(), updatedAt: clock.now() })
  const session = broker.open(ticketOf(id, { ...base, capabilities: { auth: { ...GRANT, ...grant } } }))
  return Object.assign(callsOf(session), { id, session })
}

function callsOf(session: Session) {
  return async (
    operation: string,
    ...args: unknown[]
  ): Promise<{ value?: any; code?: string; message?: string; details?: any }> => {
    const { ok, text } = await session.call(`auth.${operation}`, JSON.stringify(args))
    return ok ? { value: JSON.parse(text) } : JSON.parse(text)
  }
}

test('a user signs up, logs in, is known by the token, and logs out', async () => {
  const auth = await fresh()
  const { value: user } = await auth('signUp', ANN)
  expect(user).toMatchObject({ id: expect.stringMatching(/^usr_[0-9a-f]{32}$/), name: 'ann@example.com' })
  const { value } = await auth('logIn', { ...ANN, name: 'ＡＮＮ@example.com' }, { ttlSeconds: 60 })
  expect(value).toMatchObject({ user, token: expect.stringMatching(/^[\w-]{43}$/) })
  expect((await auth('session', value.token)).value).toEqual({ user, session: value.session })
  expect((await auth('logOut', value.token)).value).toBe(true)
  expect((await auth('session', value.token)).value).toBe(null)
  expect((await auth('logOut', value.token)).value).toBe(false)
})

test('one spelling of a name is taken by all of its spellings', async () => {
  const auth = await fresh()
  await auth('signUp', ANN)
  expect((await auth('signUp', { ...ANN, name: 'ａｎｎ@EXAMPLE.com' })).code).toBe('CONFLICT')
})

test('an unknown user costs the same one hash as a wrong password, and is answered the same', async () => {
  const auth = await fresh()
  await auth('signUp', ANN)
  hashes = 0
  expect(await auth('logIn', { ...ANN, password: 'wrong password' })).toEqual({ value: null })
  expect(hashes).toBe(1)
  expect(await auth('logIn', { ...ANN, name: 'nobody' })).toEqual({ value: null })
  expect(hashes).toBe(2)
})

test('attempts at once pass no more than the policy allows, for a name with a user and one without', async () => {
  const auth = await fresh()
  await auth('signUp', ANN)
  for (const name of [ANN.name, 'nobody']) {
    hashes = 0
    const tries = await Promise.all(
      Array.from({ length: 20 }, () => auth('logIn', { name, password: 'wrong password' })),
    )
    expect(tries.filter(({ value }) => value === null)).toHaveLength(3)
    expect(tries.find(({ code }) => code !== undefined)).toMatchObject({
      code: 'RATE_LIMITED',
      details: { retryAfterMs: 1_000 },
    })
    expect(hashes).toBe(3)
  }
  expect((await auth('logIn', ANN)).code).toBe('RATE_LIMITED')
  nowMs += 1_000
  expect((await auth('logIn', { ...ANN, password: 'wrong password' })).value).toBe(null)
  expect((await auth('logIn', ANN)).details).toEqual({ retryAfterMs: 2_000 })
  nowMs += 2_000
  expect((await auth('logIn', ANN)).value).not.toBe(null)
  expect((await auth('logIn', { ...ANN, password: 'wrong password' })).value).toBe(null)
})

test('users at once are as many as the policy allows', async () => {
  const auth = await fresh()
  const all = await Promise.all(Array.from({ length: 10 }, (_, n) => auth('signUp', { ...ANN, name: `user${n}` })))
  expect(all.filter(({ value }) => value !== undefined)).toHaveLength(3)
  expect(all.find(({ code }) => code !== undefined)?.message).toContain('capabilities.auth.users')
  const first = all.find(({ value }) => value !== undefined)
  expect((await auth('deleteUser', first!.value.id)).value).toBe(true)
  expect((await auth('signUp', ANN)).code).toBeUndefined()
})

test('the oldest session ends when there is one too many, and all of them at their time', async () => {
  const auth = await fresh({ attempts: 100 })
  const { value: user } = await auth('signUp', ANN)
  const tokens: string[] = []
  for (let n = 0; n < 3; n += 1) {
    tokens.push((await auth('logIn', ANN)).value.token)
    nowMs += 1
  }
  const found = await Promise.all(tokens.map(async (token) => (await auth('session', token)).value !== null))
  expect(found).toEqual([false, true, true])
  await Promise.all(Array.from({ length: 6 }, () => auth('logIn', ANN)))
  expect((await auth('sessions', user.id)).value).toHaveLength(2)
  nowMs += 3_600_000
  expect((await auth('sessions', user.id)).value).toEqual([])
  expect((await auth('revokeAll', user.id)).value).toBe(0)
})

test('one session or all can be revoked, and their JSON Web Tokens with them', async () => {
  const auth = await fresh()
  const { value: user } = await auth('signUp', ANN)
  const { value: one } = await auth('logIn', ANN)
  const { value: jwt } = await auth('issueJwt', one.token, { claims: { role: 'editor' } })
  expect((await auth('verifyJwt', jwt)).value).toMatchObject({
    user,
    session: one.session,
    claims: { role: 'editor', iss: auth.id },
  })
  expect((await auth('revoke', user.id, one.session.id)).value).toBe(true)
  expect((await auth('verifyJwt', jwt)).value).toBe(null)
  expect((await auth('issueJwt', one.token)).value).toBe(null)
})

test('a JSON Web Token that expired, was changed, has no signature or is of another tenant is none', async () => {
  const [auth, other] = [await fresh(), await fresh()]
  await auth('signUp', ANN)
  await other('signUp', ANN)
  const { value: one } = await auth('logIn', ANN)
  const { value: theirs } = await other('logIn', ANN)
  await other('issueJwt', theirs.token)
  const { value: jwt } = await auth('issueJwt', one.token, { ttlSeconds: 60 })
  const [head, body, signature] = jwt.split('.')
  const none = Buffer.from('{"alg":"none"}').toString('base64url')
  const changed = Buffer.from(Buffer.from(body, 'base64url').toString().replace('ann', 'bob')).toString('base64url')
  for (const bad of [`${none}.${body}.`, `${head}.${changed}.${signature}`, `${head}.${body}.`, 'x']) {
    expect((await auth('verifyJwt', bad)).value).toBe(null)
  }
  expect((await other('verifyJwt', jwt)).value).toBe(null)
  expect((await other('session', one.token)).value).toBe(null)
  expect((await other('user', one.user.id)).value).toBe(null)
  expect((await other('revoke', one.user.id, one.session.id)).value).toBe(false)
  expect((await auth('verifyJwt', jwt)).value).not.toBe(null)
  nowMs += 61_000
  expect((await auth('verifyJwt', jwt)).value).toBe(null)
})

test('a change of password needs the old one and ends all sessions', async () => {
  const auth = await fresh()
  const { value: user } = await auth('signUp', ANN)
  const { value: one } = await auth('logIn', ANN)
  const change = { userId: user.id, password: 'wrong password', newPassword: 'another horse' }
  expect((await auth('changePassword', change)).value).toBe(false)
  expect((await auth('changePassword', { ...change, password: PASSWORD })).value).toBe(true)
  expect((await auth('session', one.token)).value).toBe(null)
  expect((await auth('logIn', ANN)).value).toBe(null)
  expect((await auth('logIn', { ...ANN, password: 'another horse' })).value).not.toBe(null)
})

test('no token, password or private key is in the database', async () => {
  const auth = await fresh()
  await auth('signUp', { ...ANN, password: 'a password to be found' })
  const { value } = await auth('logIn', { ...ANN, password: 'a password to be found' })
  await auth('issueJwt', value.token)
  const files = readdirSync(stores.directory).filter((name) => name.startsWith('cloister.db'))
  const written = Buffer.concat(files.map((name) => readFileSync(join(stores.directory, name))))
  expect(written.indexOf(value.user.id)).toBeGreaterThan(0)
  for (const secret of [value.token, 'a password to be found', '"d":"']) expect(written.indexOf(secret)).toBe(-1)
})

test('what is deleted with a tenant is not there for the next one of its name', async () => {
  const auth = await fresh()
  await auth('signUp', ANN)
  const { value } = await auth('logIn', ANN)
  await auth('issueJwt', value.token)
  await stores.tenants.delete(auth.id)
  await stores.tenants.put({
    id: auth.id,
    policy: 'default',
    budget: {},
    createdAt: clock.now(),
    updatedAt: clock.now(),
  })
  expect((await auth('session', value.token)).value).toBe(null)
  expect(await stores.auth.findSigningKey(auth.id)).toBeUndefined()
  expect(await stores.auth.listUsers(auth.id, { limit: 10 })).toEqual([])
})

test('nothing is done for a run that is over, also if it waits for its turn', async () => {
  const auth = await fresh()
  const waiting = Array.from({ length: 10 }, (_, n) => auth('logIn', { ...ANN, name: `n${n}` }))
  auth.session[Symbol.dispose]()
  const codes = (await Promise.all(waiting)).map(({ code }) => code)
  expect(codes.filter((code) => code === 'RUN_OVER').length).toBeGreaterThanOrEqual(8)
  expect(hashes).toBeLessThanOrEqual(2)
  expect((await auth('logIn', ANN)).code).toBe('RUN_OVER')
})

test('a store that fails is told as UNAVAILABLE and as nothing else', async () => {
  const failing = new Proxy(stores.auth, { get: () => () => Promise.reject(new Error('disk secrets')) })
  const seen: unknown[] = []
  const over = createBroker({ capabilities: [capabilityOver(failing)], clock, onFault: (_, e) => seen.push(e) })
  const auth = callsOf(over.open(ticketOf('t0', { ...base, capabilities: { auth: GRANT } })))
  for (const call of [auth('signUp', ANN), auth('logIn', ANN), auth('session', 'x'), auth('verifyJwt', 'x')]) {
    expect(await call).toMatchObject({ code: 'UNAVAILABLE', message: expect.not.stringContaining('disk') })
  }
  expect(seen).toHaveLength(4)
})

test('hashes are made a few at a time, in turns of tenants, and wait within bounds', async () => {
  const room = new HashRoom(2)
  const [big, small] = [parseTenantId('big')!, parseTenantId('small')!]
  const { signal } = new AbortController()
  let [running, most] = [0, 0]
  const order: string[] = []
  const run = (tenant: typeof big) =>
    room.run({ tenant, signal, max: 10 }, async () => {
      most = Math.max(most, (running += 1))
      await new Promise(setImmediate)
      order.push(tenant)
      running -= 1
    })
  const all = [...Array.from({ length: 10 }, () => run(big)), run(small)]
  await expect(run(big)).rejects.toMatchObject({ code: 'CONCURRENCY_LIMITED' })
  await Promise.all(all)
  expect(most).toBe(2)
  expect(order.indexOf('small')).toBeLessThan(5)
  await run(big)
})

test.each([
  ['signUp', [{ ...ANN, name: '' }], 'name must be a string that is not empty'],
  ['signUp', [{ ...ANN, name: 'a\u200bnn' }], 'name may hold no spaces and no invisible characters'],
  ['signUp', [{ ...ANN, name: 'x'.repeat(255) }], 'name has 255 bytes; at most 254 are allowed'],
  ['signUp', [{ ...ANN, password: 'short' }], 'password must have at least 8 characters'],
  ['signUp', [{ ...ANN, password: 'x'.repeat(257) }], 'password has 257 bytes; at most 256 are allowed'],
  ['signUp', [{ ...ANN, admin: true }], 'credentials.admin is not known; there is name, password'],
  ['logIn', [ANN, { ttlSeconds: 3_601 }], 'options.ttlSeconds must be a whole number from 1 to 3600'],
  ['session', [5], 'token must be a string that is not empty'],
  ['deleteUser', ["' OR 1"], 'userId must be usr_ and 32 hexadecimal digits'],
  ['issueJwt', ['x', { claims: { sub: 'me' } }], 'options.claims.sub is made by the host'],
  ['issueJwt', ['x', { ttlSeconds: 86_401 }], 'options.ttlSeconds must be a whole number from 1 to 86400'],
])('auth.%s refuses %j: it says what is wrong', async (operation, args, message) => {
  const auth = await fresh()
  expect(await auth(operation, ...args)).toEqual({ code: 'INVALID_ARGUMENT', message })
  expect(hashes).toBe(0)
})

test('whatever arguments come are refused or answered, and a name in its normal form is its own normal form', async () => {
  const auth = await fresh()
  const operation = fc.constantFrom(
    'signUp',
    'logIn',
    'changePassword',
    'session',
    'user',
    'revoke',
    'issueJwt',
    'verifyJwt',
  )
  await fc.assert(
    fc.asyncProperty(operation, fc.array(fc.jsonValue(), { maxLength: 3 }), async (name, args) => {
      const { code } = await auth(name, ...args)
      expect([undefined, 'INVALID_ARGUMENT']).toContain(code)
    }),
    { numRuns: 100 },
  )
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      let name: string
      try {
        name = nameOf(text)
      } catch {
        return
      }
      expect(nameOf(name)).toBe(name)
    }),
    { numRuns: 300 },
  )
  expect(faults).toEqual([])
})
