import type { Clock } from '../core/clock.ts'
import type { TenantId } from '../core/ids.ts'
import { type EpochMillis, type Millis, millis } from '../core/quantity.ts'
import { type Lane, LaneRing, type Share } from './lane-ring.ts'

/** Something that was claimed and is to be worked on. */
export interface Work {
  readonly lane: Lane
  /** The claims that it holds. */
  readonly leases: readonly string[]
  /**
   * Works on it and says what became of it. Resolves with how long the tenant should be left alone, if it was refused. A
   * rejection leaves the claim to run out.
   */
  run(): Promise<Millis | undefined>
}

/** Where events come from. */
export interface Source<L extends Lane = Lane> {
  /** Looks for lanes that have events, a bounded step at a time, from where the last step ended. */
  scan(now: EpochMillis): Promise<readonly L[]>
  claim(shares: readonly Share<L>[], lease: Millis): Promise<readonly Work[]>
  renew(leases: readonly string[], lease: Millis): Promise<void>
  /** How much of a lane may be worked on at once. */
  runsMax(lane: L): number
}

interface Parts {
  readonly clock: Clock
  readonly sources: readonly Source[]
  /** Makes events of what has come due by time. */
  readonly beforeScan: () => Promise<void>
  /** How much of a tenant may be worked on at once; 0 if there is no such tenant. */
  readonly tenantMax: (tenant: TenantId) => number
  readonly draining: () => boolean
  readonly onFault: (event: string, error: unknown) => void
}

export interface Dispatcher extends AsyncDisposable {
  /** Begins: before it, events are only queued. */
  start(): void
  /** A lane of the source has an event now: it is looked at without waiting for the next scan. */
  wake(source: Source, lane: Lane): void
  /** Work in progress. */
  readonly running: number
}

/** Work of the whole host at once. Half of it is the most that one tenant gets. */
const RUNNING_MAX = 128
const TENANT_MAX = RUNNING_MAX / 2
/** Lanes that are remembered to have events. */
const LANES_MAX = 4_096
/** Between two looks into the store, which find what became due and what other hosts have queued. */
const SCAN_MS = 100
/** A host that does not renew its claims for so long is dead. */
const LEASE = millis(60_000)
const RENEW_MS = 15_000
/** After the store has failed. */
const FAULT_PAUSE_MS = 1_000

/**
 * Takes events that are due, fairly, and works on a bounded number of them at once.
 *
 * Invariant: what it holds in memory is bounded, however much is queued; what it claims it renews until it is done.
 */
export function createDispatcher(parts: Parts): Dispatcher {
  return new RunningDispatcher(parts)
}

/** A lane with where it comes from. */
interface SourcedLane extends Lane {
  readonly source: Source
  readonly inner: Lane
}

class RunningDispatcher implements Dispatcher {
  readonly #parts: Parts
  readonly #ring = new LaneRing<SourcedLane>(LANES_MAX)
  readonly #works = new Map<Work, Source>()
  readonly #ofLane = new Map<string, number>()
  readonly #ofTenant = new Map<TenantId, number>()
  /** Tenants that are left alone, until when by the clock's elapsed time. */
  readonly #paused = new Map<TenantId, number>()
  #timers: readonly NodeJS.Timeout[] = []
  #isClaiming = false
  #isScanning = false
  #isStopped = false
  #faultUntilMs = 0
  #whenIdle: (() => void) | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  start(): void {
    if (this.#isStopped || this.#timers.length > 0) return
    this.#timers = [
      setInterval(() => void this.#scan(), SCAN_MS).unref(),
      setInterval(() => void this.#renew(), RENEW_MS).unref(),
    ]
    this.#kick()
  }

  get running(): number {
    return this.#works.size
  }

  wake(source: Source, lane: Lane): void {
    this.#ring.add(sourced(source, lane))
    this.#kick()
  }

  /** Claims nothing more and waits for what is in progress. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true
    for (const timer of this.#timers) clearInterval(timer)
    if (this.#works.size > 0 || this.#isClaiming) await new Promise<void>((resolve) => (this.#whenIdle = resolve))
  }

  async #scan(): Promise<void> {
    if (this.#isScanning || this.#isStopped || this.#parts.draining()) return
    this.#isScanning = true
    try {
      await this.#parts.beforeScan()
      for (const source of this.#parts.sources) {
        for (const lane of await source.scan(this.#parts.clock.now())) this.#ring.add(sourced(source, lane))
      }
    } catch (error) {
      this.#fail('events.scan-failed', error)
    } finally {
      this.#isScanning = false
    }
    this.#kick()
  }

  async #renew(): Promise<void> {
    for (const source of this.#parts.sources) {
      const leases = [...this.#works].flatMap(([work, from]) => (from === source ? work.leases : []))
      if (leases.length === 0) continue
      await source.renew(leases, LEASE).catch((error: unknown) => this.#fail('events.renew-failed', error))
    }
  }

  /** Fills free places. One claim at a time: what comes meanwhile goes into the next one. */
  #kick(): void {
    if (this.#timers.length === 0 || this.#isClaiming || this.#isStopped || this.#parts.draining()) return
    if (this.#ring.size === 0 || this.#parts.clock.elapsed() < this.#faultUntilMs) return
    const shares = this.#ring.share(RUNNING_MAX - this.#works.size, {
      ofTenant: (tenant) => this.#roomOf(tenant),
      ofLane: ({ key, source, inner }) => source.runsMax(inner) - (this.#ofLane.get(key) ?? 0),
    })
    if (shares.length > 0) void this.#claim(shares)
  }

  async #claim(shares: readonly Share<SourcedLane>[]): Promise<void> {
    this.#isClaiming = true
    try {
      for (const [source, wanted] of Map.groupBy(shares, ({ lane }) => lane.source)) {
        const works = await source.claim(
          wanted.map((share) => ({ ...share, lane: share.lane.inner })),
          LEASE,
        )
        const claimed = Map.groupBy(works, ({ lane }) => lane.key)
        for (const share of wanted) {
          if ((claimed.get(share.lane.inner.key)?.length ?? 0) < share.limit) this.#ring.exhaust(share)
        }
        for (const work of works) void this.#work(source, work)
      }
    } catch (error) {
      this.#fail('events.claim-failed', error)
    } finally {
      this.#isClaiming = false
      this.#settleIdle()
    }
    this.#kick()
  }

  async #work(source: Source, work: Work): Promise<void> {
    const { tenant } = work.lane
    const { key } = sourced(source, work.lane)
    this.#works.set(work, source)
    add(this.#ofLane, key, 1)
    add(this.#ofTenant, tenant, 1)
    try {
      const pause = await work.run()
      if (pause !== undefined) this.#paused.set(tenant, this.#parts.clock.elapsed() + pause)
    } catch (error) {
      this.#parts.onFault('event.failed', error)
    } finally {
      this.#works.delete(work)
      add(this.#ofLane, key, -1)
      add(this.#ofTenant, tenant, -1)
      this.#settleIdle()
    }
    this.#kick()
  }

  #roomOf(tenant: TenantId): number {
    const until = this.#paused.get(tenant)
    if (until !== undefined && until > this.#parts.clock.elapsed()) return 0
    this.#paused.delete(tenant)
    return Math.min(TENANT_MAX, this.#parts.tenantMax(tenant)) - (this.#ofTenant.get(tenant) ?? 0)
  }

  #settleIdle(): void {
    if (this.#works.size === 0 && !this.#isClaiming) this.#whenIdle?.()
  }

  #fail(event: string, error: unknown): void {
    if (this.#isStopped) return
    this.#faultUntilMs = this.#parts.clock.elapsed() + FAULT_PAUSE_MS
    this.#parts.onFault(event, error)
  }
}

function sourced(source: Source, inner: Lane): SourcedLane {
  return { key: inner.key, tenant: inner.tenant, source, inner }
}

function add<Key>(counts: Map<Key, number>, key: Key, count: number): void {
  const sum = (counts.get(key) ?? 0) + count
  if (sum === 0) counts.delete(key)
  else counts.set(key, sum)
}
