import type { CloisterError } from '../core/errors.ts'
import type { TenantId } from '../core/ids.ts'
import type { Lease, Ticket } from '../core/run.ts'
import { type CellProfile, flagsKey, profileOf } from './profile.ts'

/** A run that waits for a cell. */
export interface Waiter {
  readonly ticket: Ticket
  readonly grant: (lease: Lease) => void
  readonly refuse: (error: CloisterError) => void
  readonly deadlineMs: number
}

/** How many more cells of a kind would be taken if they were there. */
export interface Demand {
  readonly profile: CellProfile
  readonly cells: number
  /** Whether tenants wait, too, that bring down what they get: they are not counted in `cells`. */
  readonly unruly: 'some' | 'none'
}

/** The runs that wait for a cell, in the order in which they came. */
export class WaitingRoom {
  readonly #waiters = new Set<Waiter>()
  readonly #tenants = new Map<TenantId, Set<Waiter>>()

  get size(): number {
    return this.#waiters.size
  }

  add(waiter: Waiter): void {
    this.#waiters.add(waiter)
    this.#tenants.getOrInsertComputed(waiter.ticket.request.tenant, () => new Set()).add(waiter)
  }

  delete(waiter: Waiter): void {
    const { tenant } = waiter.ticket.request
    const others = this.#tenants.get(tenant)
    this.#waiters.delete(waiter)
    others?.delete(waiter)
    if (others?.size === 0) this.#tenants.delete(tenant)
  }

  clear(): void {
    this.#waiters.clear()
    this.#tenants.clear()
  }

  /**
   * What is missing, by the flags of the process, which decide whom a cell can serve. `roomFor`: cells that a ticket's
   * tenant may still get.
   */
  demands(roomFor: (ticket: Ticket) => number, isUnruly: (tenant: TenantId) => boolean): readonly Demand[] {
    const demands = new Map<string, { -readonly [Field in keyof Demand]: Demand[Field] }>()
    for (const [tenant, waiters] of this.#tenants) {
      const [first] = waiters
      const cells = first === undefined ? 0 : Math.min(waiters.size, roomFor(first.ticket))
      if (first === undefined || cells <= 0) continue
      const profile = profileOf(first.ticket.policy)
      const demand = demands.getOrInsertComputed(flagsKey(profile), () => ({ profile, cells: 0, unruly: 'none' }))
      if (isUnruly(tenant)) demand.unruly = 'some'
      else demand.cells += cells
    }
    return [...demands.values()]
  }

  [Symbol.iterator](): Iterator<Waiter> {
    return this.#waiters.values()
  }
}
