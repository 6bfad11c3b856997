import type { Auth } from './auth-types.d.ts'
import type { Call } from './calls.ts'
import { freeze } from './primordials.ts'

/** Guest half of `auth`: its host half, with the checks that count, is src/broker/auth.ts. */
export function createAuth(call: Call): Auth {
  return freeze({
    signUp: (credentials: object) => call('auth.signUp', [credentials]),
    logIn: (credentials: object, options?: object) => call('auth.logIn', [credentials, options]),
    logOut: (token: string) => call('auth.logOut', [token]),
    session: (token: string) => call('auth.session', [token]),
    changePassword: (change: object) => call('auth.changePassword', [change]),
    user: (userId: string) => call('auth.user', [userId]),
    deleteUser: (userId: string) => call('auth.deleteUser', [userId]),
    sessions: (userId: string) => call('auth.sessions', [userId]),
    revoke: (userId: string, sessionId: string) => call('auth.revoke', [userId, sessionId]),
    revokeAll: (userId: string) => call('auth.revokeAll', [userId]),
    issueJwt: (token: string, options?: object) => call('auth.issueJwt', [token, options]),
    verifyJwt: (jwt: string) => call('auth.verifyJwt', [jwt]),
  }) as Auth
}
