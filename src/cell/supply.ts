import type { Reuse } from '../core/policy.ts'
import { type GuestIsolate, type Realm, type RealmMaker, assignLimits } from './realm.ts'
import { makeWarmRealm } from './warm-up.ts'

/** Why an isolate is not used again. */
export type RetireReason = 'used-once' | 'limit' | 'too-old' | 'memory-carry-over' | 'crowded'

/** Bounds of a cell's stock of isolates. */
export interface SupplyLimits {
  readonly memoryMb: number
  /** Isolates that may lie idle with a tenant's code in them. */
  readonly idleMax: number
  /** Runs before an isolate is retired. Bounds what a slow leak in one isolate can hold. */
  readonly runsMax: number
  /** Ready realms to keep, made while the cell has nothing else to do. */
  readonly ready: number
  /** The runtime's limits as JSON text. */
  readonly runtime: string
}

/** How often the heap of an isolate that is kept is measured: it costs 4 µs, a short run costs 10. */
const HEAP_CHECK_EVERY = 16
/**
 * Contexts that one isolate has, one after the other. V8 keeps something of each: with more of them a run of fresh globals
 * takes twice the CPU time and its worst case is five times as long (measured with 8 to unbounded; 8 to 64 are alike).
 */
const CONTEXTS_MAX = 64
/** A kept isolate whose heap holds more than this part of its limit after a run is retired. */
const HEAP_KEPT_MAX = 0.5

/**
 * The realms of a cell: fresh ones that are ready before they are needed, and those that keep a function between runs.
 * Invariant: a realm in which code of one artifact has run is only ever used for that artifact again; a context-reusing
 * run gets fresh globals.
 */
export class Supply {
  readonly #maker: RealmMaker
  #limits: SupplyLimits
  #ready: Realm[] = []
  /** Isolates without a live context, kept for `context` runs. */
  #bare: GuestIsolate[] = []
  /** Idle realms by artifact, the least recently used first. */
  readonly #kept = new Map<Realm, number>()

  constructor(maker: RealmMaker, limits: SupplyLimits) {
    this.#maker = maker
    this.#limits = limits
  }

  /** New bounds: the cell has got its tenant. Ready realms whose heap limit is another tenant's are ended. */
  assign(limits: SupplyLimits): void {
    const fits = this.#limits.memoryMb === limits.memoryMb
    this.#limits = limits
    if (fits) return
    for (const realm of this.#ready.splice(0)) this.retire(realm)
  }

  /** Whether {@link fill} has something to make. */
  get short(): boolean {
    return this.#ready.length < this.#limits.ready
  }

  /** Makes the first ready realms, each in an isolate that has been through a rehearsal. */
  warmUp(): void {
    while (this.short) this.#ready.push(makeWarmRealm(this.#maker, this.#limits.memoryMb))
  }

  /** Makes one ready realm. Called when the cell is idle. */
  fill(): void {
    if (this.short) this.#ready.push(this.#make())
  }

  /** A realm for a run: one in which the artifact is bound already if there is one, else a fresh one. */
  take(artifact: number, reuse: Reuse): Realm {
    if (reuse === 'function') {
      for (const [realm, number] of this.#kept) {
        if (number !== artifact) continue
        this.#kept.delete(realm)
        return realm
      }
    }
    const realm = this.#ready.pop() ?? this.#make()
    assignLimits(realm, this.#limits.runtime)
    return realm
  }

  /** Gives a realm back after a run that ended well. */
  give(realm: Realm, reuse: Reuse): RetireReason | undefined {
    realm.isolate.runs += 1
    const reason = this.#reasonToRetire(realm, reuse)
    if (reason !== undefined) {
      this.retire(realm)
      return reason
    }
    if (reuse === 'function' && realm.artifact !== undefined) {
      this.#kept.set(realm, realm.artifact)
      return this.#evict()
    }
    realm.enter.release()
    realm.context.release()
    if (this.#bare.length >= this.#limits.idleMax) {
      this.retire(realm)
      return 'crowded'
    }
    this.#bare.push(realm.isolate)
    return undefined
  }

  /** Ends an isolate for good. Its memory is gone when this returns, unless native code of V8 is still busy in it. */
  retire(realm: Realm): void {
    if (!realm.isolate.vm.isDisposed) realm.isolate.vm.dispose()
  }

  /** Retires the idle realms of an artifact that the host has dropped. */
  drop(artifact: number): void {
    for (const [realm, number] of this.#kept) {
      if (number !== artifact) continue
      this.#kept.delete(realm)
      this.retire(realm)
    }
  }

  #reasonToRetire(realm: Realm, reuse: Reuse): RetireReason | undefined {
    if (reuse === 'run') return 'used-once'
    if (realm.isolate.runs >= this.#limits.runsMax) return 'too-old'
    if (reuse === 'context' && realm.isolate.runs >= CONTEXTS_MAX) return 'too-old'
    if (realm.isolate.runs % HEAP_CHECK_EVERY !== 0) return undefined
    const heap = realm.isolate.vm.getHeapStatisticsSync()
    const kept = heap.used_heap_size + heap.externally_allocated_size
    return kept > this.#limits.memoryMb * 2 ** 20 * HEAP_KEPT_MAX ? 'memory-carry-over' : undefined
  }

  #evict(): RetireReason | undefined {
    if (this.#kept.size <= this.#limits.idleMax) return undefined
    const [oldest] = this.#kept.keys()
    if (oldest === undefined) return undefined
    this.#kept.delete(oldest)
    this.retire(oldest)
    return 'crowded'
  }

  #make(): Realm {
    let isolate = this.#bare.pop()
    while (isolate !== undefined && isolate.vm.isDisposed) isolate = this.#bare.pop()
    return this.#maker.realm(isolate ?? this.#maker.isolate(this.#limits.memoryMb))
  }
}
