import { LRUCache } from 'lru-cache'
import type { Clock } from '../core/clock.ts'
import type { TenantId } from '../core/ids.ts'
import type { Ticket } from '../core/run.ts'

interface Waiter {
  readonly ticket: Ticket
}

/** How long a tenant counts as unruly after its code has brought down a cell. In ms. */
const UNRULY_MS = 10_000
/** Tenants that are remembered at once: with more, the one whose last death is longest ago is forgotten early. */
const TENANTS_MAX = 10_000

/**
 * Tenants whose code has brought down a cell a short while ago. They are served as well as others, but not before them:
 * their cells tell of every entry, so that the next death has a name, and the last blank cell is not for them.
 */
export class UnrulyTenants {
  readonly #clock: Clock
  readonly #diedMs = new LRUCache<TenantId, number>({ max: TENANTS_MAX })

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The tenant's code has brought down a cell. */
  add(tenant: TenantId): void {
    this.#diedMs.set(tenant, this.#clock.elapsed())
  }

  has(tenant: TenantId): boolean {
    const diedMs = this.#diedMs.get(tenant)
    return diedMs !== undefined && this.#clock.elapsed() - diedMs < UNRULY_MS
  }

  /** Those who wait, the longest first, but the unruly after all others. */
  *last<Waiting extends Waiter>(waiters: Iterable<Waiting>): Generator<Waiting> {
    const unruly: Waiting[] = []
    for (const waiter of waiters) {
      if (this.has(waiter.ticket.request.tenant)) unruly.push(waiter)
      else yield waiter
    }
    yield* unruly
  }

  /** The name is somebody else's from now on. */
  forget(tenant: TenantId): void {
    this.#diedMs.delete(tenant)
  }
}
