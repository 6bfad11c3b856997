import type { AuthGrant } from '../../core/policy.ts'
import { fieldsOf, invalid, jsonOf, optionsOf, textOf, wholeOf } from '../arguments.ts'

const NAME_BYTES_MAX = 254
const PASSWORD_BYTES_MAX = 256
/** What NIST asks for at least. */
const PASSWORD_LENGTH_MIN = 8
const TOKEN_BYTES_MAX = 4_096
const CLAIMS_BYTES_MAX = 1_024
/** A JSON Web Token is good without the host being asked, so it is short-lived. */
const JWT_SECONDS = 900
const JWT_SECONDS_MAX = 86_400
const USER_ID = /^usr_[0-9a-f]{32}$/
const SESSION_ID = /^ses_[0-9a-f]{32}$/
/** Claims that the host makes. */
const RESERVED_CLAIMS = new Set(['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sid', 'name'])
/** Lower case of composed text can be composed again; more rounds than two are not known to be needed. */
const ROUNDS_MAX = 4

/** The longest JSON of arguments: two passwords and a name, or a token with claims, each byte an escape of six. */
export const AUTH_ARGUMENTS_MAX = 6 * (NAME_BYTES_MAX * 4 + 2 * PASSWORD_BYTES_MAX * 4 + TOKEN_BYTES_MAX) + 1_000

export interface Credentials {
  readonly name: string
  readonly password: string
}

/** A user name or an address: NFKC, lower case, nothing invisible. Equal names have equal text. */
export function nameOf(given: unknown): string {
  let name = textOf(given, 'name', 4 * NAME_BYTES_MAX)
  for (let round = 0; round < ROUNDS_MAX; round += 1) name = name.normalize('NFKC').toLowerCase()
  if (name !== name.normalize('NFKC').toLowerCase()) throw invalid('name has no normal form')
  if (/[\p{C}\p{Z}]/u.test(name)) throw invalid('name may hold no spaces and no invisible characters')
  return textOf(name, 'name', NAME_BYTES_MAX)
}

/** A password, as NFKC, so that every keyboard's way to write it is the same. */
export function passwordOf(given: unknown, name = 'password'): string {
  const password = textOf(textOf(given, name, 4 * PASSWORD_BYTES_MAX).normalize('NFKC'), name, PASSWORD_BYTES_MAX)
  if ([...password].length < PASSWORD_LENGTH_MIN)
    throw invalid(`${name} must have at least ${PASSWORD_LENGTH_MIN} characters`)
  return password
}

export function credentialsOf(given: unknown): Credentials {
  const { name, password } = fieldsOf(given, 'credentials', ['name', 'password'])
  return { name: nameOf(name), password: passwordOf(password) }
}

export function changeOf(given: unknown): { readonly user: string; readonly from: string; readonly to: string } {
  const { userId, password, newPassword } = fieldsOf(given, 'change', ['userId', 'password', 'newPassword'])
  return { user: userIdOf(userId), from: passwordOf(password), to: passwordOf(newPassword, 'newPassword') }
}

export function userIdOf(given: unknown): string {
  if (typeof given !== 'string' || !USER_ID.test(given)) throw invalid('userId must be usr_ and 32 hexadecimal digits')
  return given
}

export function sessionIdOf(given: unknown): string {
  if (typeof given !== 'string' || !SESSION_ID.test(given)) {
    throw invalid('sessionId must be ses_ and 32 hexadecimal digits')
  }
  return given
}

export function tokenOf(given: unknown): string {
  return textOf(given, 'token', TOKEN_BYTES_MAX)
}

/** The life of a session in seconds: the policy's longest if absent. */
export function lifeOf(given: unknown, { sessionSeconds }: AuthGrant): number {
  const { ttlSeconds = sessionSeconds } = optionsOf(given, ['ttlSeconds'])
  return wholeOf(ttlSeconds, 'options.ttlSeconds', { min: 1, max: sessionSeconds })
}

export interface JwtOptions {
  readonly seconds: number
  readonly claims: Readonly<Record<string, unknown>>
}

export function jwtOptionsOf(given: unknown): JwtOptions {
  const { ttlSeconds = JWT_SECONDS, claims = {} } = optionsOf(given, ['ttlSeconds', 'claims'])
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) {
    throw invalid('options.claims must be an object')
  }
  jsonOf(claims, 'options.claims', CLAIMS_BYTES_MAX)
  const reserved = Object.keys(claims).find((claim) => RESERVED_CLAIMS.has(claim) || claim === '__proto__')
  if (reserved !== undefined) throw invalid(`options.claims.${reserved} is made by the host`)
  return {
    seconds: wholeOf(ttlSeconds, 'options.ttlSeconds', { min: 1, max: JWT_SECONDS_MAX }),
    claims: claims as Record<string, unknown>,
  }
}
