import { LRUCache } from 'lru-cache'
import type { Clock } from '../../core/clock.ts'
import { CloisterError } from '../../core/errors.ts'
import type { RouteRate } from '../../core/http-config.ts'

/** Routes and clients of all tenants whose requests are counted; past it those seen longest ago start afresh. */
const BUCKETS_MAX = 50_000

interface Bucket {
  readonly tokens: number
  readonly atMs: number
}

/** Counts requests of routes, before anything else is done for them. */
export class RouteRates {
  readonly #clock: Clock
  readonly #buckets = new LRUCache<string, Bucket>({ max: BUCKETS_MAX })

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Takes one request out of what the rate has left. Throws RATE_LIMITED with the time until there is one. */
  take(key: string, { perSecond, burst }: RouteRate): void {
    const now = this.#clock.elapsed()
    const { tokens, atMs } = this.#buckets.get(key) ?? { tokens: burst, atMs: now }
    const left = Math.min(burst, tokens + ((now - atMs) / 1_000) * perSecond)
    if (left < 1 - 1e-9) {
      const retryAfterMs = Math.ceil(((1 - left) / perSecond) * 1_000)
      throw new CloisterError('RATE_LIMITED', 'more requests than this route takes', { retryAfterMs })
    }
    this.#buckets.set(key, { tokens: left - 1, atMs: now })
  }
}
