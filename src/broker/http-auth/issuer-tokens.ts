import { type JSONWebKeySet, type JWTVerifyGetKey, createLocalJWKSet, errors, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../../core/clock.ts'
import { CloisterError } from '../../core/errors.ts'
import type { HttpCaller, JwtAuth } from '../../core/http-config.ts'
import type { TenantId } from '../../core/ids.ts'
import type { FetchGrant, Policy } from '../../core/policy.ts'
import type { Millis } from '../../core/quantity.ts'
import { CapabilityError } from '../capability.ts'
import { Connections } from '../egress/pools.ts'
import type { Resolve } from '../egress/resolver.ts'
import { targetOf } from '../egress/rules.ts'

interface Parts {
  readonly resolve: Resolve
  readonly socketsMax: number
  readonly clock: Clock
  readonly policyOf: (tenant: TenantId) => Policy
}

/** Only signatures that others cannot make: with a shared secret whoever checks could sign. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
const SETS_MAX = 1_000
const SET_BYTES_MAX = 64 << 10
const FETCH_MS = 5_000
/** Keys are believed for so long; a key that is not among them has them fetched again, at most once in the shorter time. */
const FRESH_MS = 600_000
const AGAIN_MS = 30_000
/** Whoever does not answer is not asked for every request. */
const FAILED_MS = 5_000
const CLOCK_TOLERANCE_SECONDS = 5

interface KeySet {
  readonly keys: JWTVerifyGetKey
  readonly fetchedAt: Millis
}

interface Failed {
  readonly fault: unknown
  readonly fetchedAt: Millis
}

/** Checks tokens of other issuers. Keys are fetched as the tenant's own `fetch` would: to where its policy lets it, and to public addresses only. */
export class IssuerTokens implements AsyncDisposable {
  readonly #parts: Parts
  readonly #connections: Connections
  readonly #sets = new LRUCache<string, Promise<KeySet | Failed>>({ max: SETS_MAX })

  constructor(parts: Parts) {
    this.#parts = parts
    this.#connections = new Connections(parts)
  }

  /** The claims; undefined if the token is not good. Throws OVERLOADED if the issuer's keys cannot be had. */
  async check(
    tenant: TenantId,
    { jwksUrl, issuer, audience }: JwtAuth,
    token: string,
  ): Promise<HttpCaller | undefined> {
    const known = await this.#keys(tenant, jwksUrl, FRESH_MS)
    const verify = async ({ keys }: KeySet): Promise<HttpCaller | undefined> => {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate: new Date(this.#parts.clock.now()),
        requiredClaims: ['exp'],
      })
      return { claims: payload }
    }
    try {
      return await verify(known).catch(async (error: unknown) => {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
        // The issuer may have a new key.
        const again = await this.#keys(tenant, jwksUrl, AGAIN_MS)
        if (again === known) throw error
        return verify(again)
      })
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined
      throw error
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#connections[Symbol.asyncDispose]()
  }

  /** Keys that are no older than that. Those who ask at once wait for one answer, and a failure is remembered, too. */
  async #keys(tenant: TenantId, url: string, freshMs: number): Promise<KeySet> {
    const key = `${tenant} ${url}`
    const known = this.#sets.get(key)
    if (known !== undefined) {
      const found = await known
      const ageMs = this.#parts.clock.elapsed() - found.fetchedAt
      if (ageMs < ('fault' in found ? FAILED_MS : freshMs)) return usable(found)
      // Somebody else has asked meanwhile.
      if (this.#sets.peek(key) !== known) return this.#keys(tenant, url, freshMs)
    }
    const fetching = this.#fetch(tenant, url).then(
      (keys) => ({ keys, fetchedAt: this.#parts.clock.elapsed() }),
      (fault: unknown) => ({ fault, fetchedAt: this.#parts.clock.elapsed() }),
    )
    this.#sets.set(key, fetching)
    return usable(await fetching)
  }

  async #fetch(tenant: TenantId, text: string): Promise<JWTVerifyGetKey> {
    try {
      const grant = this.#grantOf(tenant)
      const url = targetOf(text, 'GET', grant)
      const connections = this.#connections.of(tenant, grant)
      using _place = connections.enter()
      const signal = AbortSignal.timeout(FETCH_MS)
      const path = url.pathname + url.search
      const { statusCode, body } = await connections.to(url.origin).request({ method: 'GET', path, signal })
      const pieces: Buffer[] = []
      let size = 0
      for await (const piece of body as AsyncIterable<Buffer>) {
        pieces.push(piece)
        size += piece.length
        if (size > SET_BYTES_MAX) throw new Error(`it has more than ${SET_BYTES_MAX} bytes`)
      }
      if (statusCode !== 200) throw new Error(`its server answers ${statusCode}`)
      return createLocalJWKSet(JSON.parse(Buffer.concat(pieces).toString('utf8')) as JSONWebKeySet)
    } catch (cause) {
      const why = cause instanceof CapabilityError ? `: ${cause.message}` : ''
      throw new CloisterError('OVERLOADED', `the keys of the tokens’ issuer cannot be had${why}`, { cause })
    }
  }

  #grantOf(tenant: TenantId): FetchGrant {
    const { fetch } = this.#parts.policyOf(tenant).capabilities
    if (fetch === undefined) throw new CapabilityError('EGRESS_REFUSED', 'the policy does not grant fetch')
    return fetch
  }
}

function usable(found: KeySet | Failed): KeySet {
  if ('fault' in found) throw found.fault
  return found
}
