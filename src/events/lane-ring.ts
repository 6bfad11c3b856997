import type { TenantId } from '../core/ids.ts'

/** Events that are due and are taken in one order: those of one function, or the messages of one queue. */
export interface Lane {
  /** No two lanes have the same. */
  readonly key: string
  readonly tenant: TenantId
}

interface Entry<L extends Lane> {
  readonly lane: L
  /** Grows when the lane is said to have events. */
  news: number
}

/** Places in a lane that are to be filled. `news` is what was known of it then. */
export interface Share<L extends Lane> {
  readonly lane: L
  readonly limit: number
  readonly news: number
}

/** How many more of a lane, and of all lanes of a tenant, may be worked on. */
export interface Room<L extends Lane> {
  ofTenant(tenant: TenantId): number
  ofLane(lane: L): number
}

/**
 * Lanes that have events, and whose turn it is: tenants one after the other, and within a tenant its lanes. A tenant with
 * thousands of events delays another's first by one.
 *
 * Invariant: never more than `lanesMax` lanes. One that finds no room is found again by whoever looks through the store.
 */
export class LaneRing<L extends Lane> {
  readonly #tenants = new Map<TenantId, Map<string, Entry<L>>>()
  readonly #lanesMax: number
  #lanes = 0

  constructor(lanesMax: number) {
    this.#lanesMax = lanesMax
  }

  get size(): number {
    return this.#lanes
  }

  /** The lane may have events. */
  add(lane: L): void {
    const mine = this.#tenants.get(lane.tenant)
    const known = mine?.get(lane.key)
    if (known !== undefined) {
      known.news += 1
      return
    }
    if (this.#lanes >= this.#lanesMax) return
    const entry = { lane, news: 0 }
    if (mine === undefined) this.#tenants.set(lane.tenant, new Map([[lane.key, entry]]))
    else mine.set(lane.key, entry)
    this.#lanes += 1
  }

  /** The lane had fewer events than were asked for: it leaves, unless there was news of it since. */
  exhaust({ lane, news }: Share<L>): void {
    const mine = this.#tenants.get(lane.tenant)
    const entry = mine?.get(lane.key)
    if (mine === undefined || entry === undefined || entry.news !== news) return
    mine.delete(lane.key)
    this.#lanes -= 1
    if (mine.size === 0) this.#tenants.delete(lane.tenant)
  }

  /** Gives out so many places, one a tenant in turn, for as long as anybody has room. Who was served goes to the end. */
  share(places: number, room: Room<L>): readonly Share<L>[] {
    const shares = new Map<string, { lane: L; limit: number; news: number }>()
    const taken = new Map<TenantId, number>()
    let left = places
    for (let isServed = true; isServed && left > 0;) {
      isServed = false
      // A list of its own: whoever is served moves to the end of the map.
      const round = Array.from(this.#tenants.keys())
      for (const tenant of round) {
        if (left === 0) break
        if (room.ofTenant(tenant) <= (taken.get(tenant) ?? 0)) continue
        const entry = this.#nextLane(tenant, ({ lane }) => room.ofLane(lane) > (shares.get(lane.key)?.limit ?? 0))
        if (entry === undefined) continue
        const share = shares.getOrInsertComputed(entry.lane.key, () => ({ ...entry, limit: 0 }))
        share.limit += 1
        taken.set(tenant, (taken.get(tenant) ?? 0) + 1)
        left -= 1
        isServed = true
      }
    }
    return [...shares.values()]
  }

  #nextLane(tenant: TenantId, hasRoom: (entry: Entry<L>) => boolean): Entry<L> | undefined {
    const mine = this.#tenants.get(tenant)
    const found = mine === undefined ? undefined : [...mine.values()].find(hasRoom)
    if (mine === undefined || found === undefined) return undefined
    mine.delete(found.lane.key)
    mine.set(found.lane.key, found)
    this.#tenants.delete(tenant)
    this.#tenants.set(tenant, mine)
    return found
  }
}
