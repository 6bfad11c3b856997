import fc from 'fast-check'
import { createAuthCapability } from '../../src/broker/auth.ts'
import { makeHash } from '../../src/broker/auth/passwords.ts'
import type { AuthStore } from '../../src/core/auth.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { AuthGrant } from '../../src/core/policy.ts'
import { createVault } from '../../src/vault/vault.ts'

export const AUTH: AuthGrant = {
  operations: Number.MAX_SAFE_INTEGER,
  users: 100,
  sessions: 3,
  sessionSeconds: 3_600,
  attempts: 3,
  concurrency: 256,
}

export const AUTH_OPERATIONS: readonly string[] = [
  'signUp',
  'logIn',
  'logOut',
  'session',
  'changePassword',
  'user',
  'deleteUser',
  'sessions',
  'revoke',
  'revokeAll',
  'issueJwt',
  'verifyJwt',
].map((verb) => `auth.${verb}`)

/** With hashes that cost next to nothing. */
export function authOver(store: AuthStore): ReturnType<typeof createAuthCapability> {
  const vault = createVault('the key of a vault that lasts as long as the gate')
  return createAuthCapability({
    store,
    vault,
    clock: systemClock,
    makeHash,
    cost: { memory: 8, passes: 1 },
    hashesMax: 2,
  })
}

/** Arguments that mean something to `auth`, and some that nearly do. */
export function authArguments(key: fc.Arbitrary<string>, value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown[]> {
  const password = fc.oneof(fc.constantFrom('correct horse', 'short', '\ud800'.repeat(8)), key)
  const credentials = fc.record({ name: key, password }, { requiredKeys: [] })
  const user = fc.constantFrom(`usr_${'0'.repeat(32)}`, 'usr_', '__proto__')
  const options = fc.record(
    { ttlSeconds: fc.oneof(fc.nat(4_000), fc.constantFrom(-1, 1.5, '1')), claims: value },
    { requiredKeys: [] },
  )
  return fc.oneof(
    fc.tuple(credentials, options),
    fc.tuple(fc.record({ userId: user, password, newPassword: password })),
    fc.tuple(user, fc.constantFrom(`ses_${'0'.repeat(32)}`, 'ses_')),
    fc.tuple(fc.oneof(key, fc.constantFrom('e30.e30.e30', 'eyJhbGciOiJub25lIn0.e30.')), options),
  )
}
