import type { Clock } from '../core/clock.ts'
import type { TenantId } from '../core/ids.ts'
import type { Grants } from '../core/policy.ts'
import { type EpochMillis, epochMillis } from '../core/quantity.ts'
import type { LedgerStore } from '../core/stores.ts'

const DAY_MS = 86_400_000

type Counts = ReadonlyMap<string, number>

/** A tenant's operations of the day. */
interface Tally {
  /** Those of this process, by capability. */
  readonly counts: Map<string, number>
  /** Those of processes before this one, from the ledger; a promise while they are being read. */
  before: Counts | Promise<Counts> | undefined
}

interface Parts {
  readonly clock: Clock
  /** Absent: days begin with the process. */
  readonly ledger: Pick<LedgerStore, 'sum'> | undefined
}

/**
 * Counts the operations of each tenant and UTC day: in memory as they are made, on top of what the ledger has of runs that
 * began before this process. A day's first bounded operation reads that; all others cost two look-ups.
 *
 * Invariant: operations that fit are counted before anything else can be, so no concurrency passes a bound.
 */
export class DailyOperations {
  readonly #clock: Clock
  readonly #ledger: Parts['ledger']
  readonly #startedAt: EpochMillis
  /** Today's. Yesterday's tallies go all at once, so there are never more than tenants that were busy today. */
  readonly #tallies = new Map<TenantId, Tally>()
  #dayStart = 0

  constructor({ clock, ledger }: Parts) {
    this.#clock = clock
    this.#ledger = ledger
    this.#startedAt = clock.now()
  }

  /**
   * Takes `count` operations out of the day's `max`; false if they do not fit, and then none is taken. A promise only until
   * the ledger has been read; it rejects if that fails.
   */
  take(
    tenant: TenantId,
    capability: keyof Grants,
    count: number,
    max: number | null | undefined,
  ): boolean | Promise<boolean> {
    const tally = this.#tallyOf(tenant)
    if (max === undefined || max === null) return add(tally.counts, capability, count)
    tally.before ??= this.#read(tenant, tally)
    if (tally.before instanceof Promise) return tally.before.then(() => this.take(tenant, capability, count, max))
    const used = (tally.before.get(capability) ?? 0) + (tally.counts.get(capability) ?? 0)
    return used + count <= max && add(tally.counts, capability, count)
  }

  /** When the day ends and the counts begin anew. */
  get resetsAt(): EpochMillis {
    return epochMillis(this.#dayStart + DAY_MS)
  }

  #tallyOf(tenant: TenantId): Tally {
    const now = this.#clock.now()
    // Only forward: a clock that is set back must not give a day twice.
    if (now >= this.#dayStart + DAY_MS) {
      this.#dayStart = now - (now % DAY_MS)
      this.#tallies.clear()
    }
    const known = this.#tallies.get(tenant)
    if (known !== undefined) return known
    const tally: Tally = { counts: new Map(), before: undefined }
    this.#tallies.set(tenant, tally)
    return tally
  }

  #read(tenant: TenantId, tally: Tally): Counts | Promise<Counts> {
    const range = { from: epochMillis(this.#dayStart), to: this.#startedAt }
    if (this.#ledger === undefined || range.to <= range.from) return NONE
    return this.#ledger.sum(tenant, range, []).then(
      ([sums]) => (tally.before = byCapability(sums?.operations ?? {})),
      (error: unknown) => {
        tally.before = undefined
        throw error
      },
    )
  }
}

const NONE: Counts = new Map()

function add(counts: Map<string, number>, capability: string, count: number): true {
  counts.set(capability, (counts.get(capability) ?? 0) + count)
  return true
}

/** `kv.get` and `kv.put` are both of `kv`. */
function byCapability(operations: Readonly<Record<string, bigint>>): Counts {
  const counts = new Map<string, number>()
  for (const [name, count] of Object.entries(operations)) add(counts, name.slice(0, name.indexOf('.')), Number(count))
  return counts
}
