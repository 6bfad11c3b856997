import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../../core/clock.ts'
import type { TenantId } from '../../core/ids.ts'
import { type Bytes, bytes } from '../../core/quantity.ts'
import { CapabilityError } from '../capability.ts'
import { formsOf } from './forms.ts'
import { Matcher, type Pattern } from './matcher.ts'
import type { OpenSecret } from './secrets.ts'

interface Parts {
  readonly clock: Clock
  /** Memory of all tenants' matchers together. */
  readonly bytesMax: Bytes
  /** Of that, what one tenant may have in use at a time. */
  readonly tenantBytesMax: Bytes
}

/** Forms in one matcher: making one holds up the whole host, for some 30 ms at this size. */
const FORM_BYTES_MAX = 512 << 10
/** Forms that are made into matchers for one tenant in a second, so that ever new sets of secrets take no more than a part of it. */
const TENANT_FORM_BYTES_PER_SECOND = 2 << 20

/** A matcher that its holder may use until it gives it back. */
export interface MatcherLoan extends Disposable {
  readonly matcher: Matcher
}

interface Kept {
  readonly tenant: TenantId
  readonly matcher: Matcher
  holders: number
}

/**
 * The matchers of all tenants: one for each set of secrets, shared by all responses that are searched for it, and kept for
 * the next one as long as there is room.
 *
 * Invariant: matchers, in use or not, never take more than `bytesMax`; those in use are never let go.
 */
export class Matchers {
  readonly #parts: Parts
  readonly #inUse = new Map<string, Kept>()
  readonly #idle: LRUCache<string, Kept>
  #bytesInUse = 0
  readonly #bytesOf = new Map<TenantId, number>()
  /** Forms made into matchers in the present second. */
  readonly #made = new Map<TenantId, number>()
  #second = 0

  constructor(parts: Parts) {
    this.#parts = parts
    this.#idle = new LRUCache({ maxSize: parts.bytesMax, sizeCalculation: ({ matcher }) => matcher.size })
  }

  /** What they take now. */
  get size(): Bytes {
    return bytes(this.#bytesInUse + this.#idle.calculatedSize)
  }

  /**
   * One that finds these secrets. Throws CONCURRENCY_LIMITED where the tenant, UNAVAILABLE where the host has as much memory
   * in use as it may, RATE_LIMITED where it is too much work: what cannot be searched must not be asked for.
   */
  lend(tenant: TenantId, secrets: readonly OpenSecret[]): MatcherLoan {
    const key = keyOf(tenant, secrets)
    const kept = this.#inUse.get(key) ??
      this.#idle.get(key) ?? {
        tenant,
        matcher: this.#make(tenant, secrets),
        holders: 0,
      }
    if (kept.holders === 0) this.#take(key, kept)
    kept.holders += 1
    let isHeld = true
    return {
      matcher: kept.matcher,
      [Symbol.dispose]: () => {
        if (isHeld) this.#giveBack(key, kept)
        isHeld = false
      },
    }
  }

  #make(tenant: TenantId, secrets: readonly OpenSecret[]): Matcher {
    const second = Math.floor(this.#parts.clock.now() / 1_000)
    if (second !== this.#second) this.#made.clear()
    this.#second = second
    const patterns = patternsOf(secrets)
    const size = patterns.reduce((sum, { bytes: { length } }) => sum + length, 0)
    if (size > FORM_BYTES_MAX) {
      throw new CapabilityError(
        'QUOTA_EXCEEDED',
        `the secrets that are bound to the hosts of this request have ${size} bytes in all the forms that are looked for; at most ${FORM_BYTES_MAX} are allowed: bind fewer of them there`,
      )
    }
    const made = (this.#made.get(tenant) ?? 0) + size
    if (made > TENANT_FORM_BYTES_PER_SECOND) {
      throw new CapabilityError(
        'RATE_LIMITED',
        'too many different sets of secrets in one second; try again in the next',
      )
    }
    this.#made.set(tenant, made)
    return new Matcher(patterns)
  }

  #take(key: string, kept: Kept): void {
    const { tenant, matcher } = kept
    const { bytesMax, tenantBytesMax } = this.#parts
    const mine = (this.#bytesOf.get(tenant) ?? 0) + matcher.size
    if (mine > tenantBytesMax) {
      throw new CapabilityError(
        'CONCURRENCY_LIMITED',
        `responses under way are searched for so many secrets of the tenant that this takes ${tenantBytesMax} bytes, which is all it may`,
      )
    }
    if (this.#bytesInUse + matcher.size > bytesMax) {
      throw new CapabilityError(
        'UNAVAILABLE',
        'the host searches as many responses as it has memory for; try again later',
      )
    }
    this.#idle.delete(key)
    this.#bytesInUse += matcher.size
    this.#bytesOf.set(tenant, mine)
    this.#inUse.set(key, kept)
    while (this.#idle.size > 0 && this.size > bytesMax) this.#idle.pop()
  }

  #giveBack(key: string, kept: Kept): void {
    kept.holders -= 1
    if (kept.holders > 0) return
    const { tenant, matcher } = kept
    this.#inUse.delete(key)
    this.#bytesInUse -= matcher.size
    const left = (this.#bytesOf.get(tenant) ?? 0) - matcher.size
    if (left > 0) this.#bytesOf.set(tenant, left)
    else this.#bytesOf.delete(tenant)
    this.#idle.set(key, kept)
    while (this.#idle.size > 0 && this.size > this.#parts.bytesMax) this.#idle.pop()
  }
}

/** Versions differ after every write, so the same ones are the same secrets. */
function keyOf(tenant: TenantId, secrets: readonly OpenSecret[]): string {
  const hash = createHash('sha256').update(tenant)
  for (const { name, version } of secrets) hash.update(`\n${name} ${version}`)
  return hash.digest('base64')
}

function patternsOf(secrets: readonly OpenSecret[]): readonly Pattern[] {
  return secrets.flatMap(({ name, value }) => formsOf(value).map((form) => ({ bytes: form, name })))
}
