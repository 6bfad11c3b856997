import type { TenantId } from '../../core/ids.ts'
import { CapabilityError } from '../capability.ts'

interface Place {
  readonly tenant: TenantId
  /** Of the tenant: those that wait and those that are in progress. */
  readonly max: number
  /** Whoever waits goes away when it aborts. */
  readonly signal: AbortSignal
}

/** Hashes of all tenants that may wait. */
const WAITING_MAX = 1_000

/**
 * Lets so many password hashes be in progress at once, in turns of tenants: each takes memory and a thread of the pool that
 * files and name lookups need, too.
 */
export class HashRoom {
  readonly #runningMax: number
  /** By tenant, the tenant whose turn is next first. Nobody has an empty line. */
  readonly #lines = new Map<TenantId, (() => void)[]>()
  readonly #counts = new Map<TenantId, number>()
  #running = 0
  #waiting = 0

  constructor(runningMax: number) {
    this.#runningMax = runningMax
  }

  /** Rejects with CONCURRENCY_LIMITED, OVERLOADED, or RUN_OVER if the run ends before its turn. */
  async run<Value>({ tenant, max, signal }: Place, work: () => Promise<Value>): Promise<Value> {
    const count = this.#counts.get(tenant) ?? 0
    if (count >= max) {
      throw new CapabilityError(
        'CONCURRENCY_LIMITED',
        `a tenant may have ${max} passwords checked at once (capabilities.auth.concurrency)`,
      )
    }
    if (this.#waiting >= WAITING_MAX) throw new CapabilityError('OVERLOADED', 'too many passwords wait on this host')
    this.#counts.set(tenant, count + 1)
    await this.#turn(tenant)
    try {
      if (signal.aborted) throw new CapabilityError('RUN_OVER', 'the run is over')
      return await work()
    } finally {
      this.#running -= 1
      const left = (this.#counts.get(tenant) ?? 1) - 1
      if (left === 0) this.#counts.delete(tenant)
      else this.#counts.set(tenant, left)
      this.#next()
    }
  }

  /** Resolves once it counts as running: whoever wakes it counts it, so that nobody slips in between. */
  async #turn(tenant: TenantId): Promise<void> {
    if (this.#running < this.#runningMax && this.#waiting === 0) {
      this.#running += 1
      return
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    const line = this.#lines.getOrInsertComputed(tenant, () => [])
    line.push(resolve)
    this.#waiting += 1
    await promise
  }

  /** Wakes the next. If its run is over by then, it gives its turn to the next as it leaves. */
  #next(): void {
    if (this.#running >= this.#runningMax) return
    const [first] = this.#lines
    if (first === undefined) return
    const [tenant, line] = first
    const start = line.shift()
    this.#lines.delete(tenant)
    if (line.length > 0) this.#lines.set(tenant, line)
    this.#waiting -= 1
    this.#running += 1
    start?.()
  }
}
