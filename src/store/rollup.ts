import type { Operations } from '../core/run.ts'
import type { CanonicalFields } from './canonical.ts'
import { Sums, type Totals } from './sums.ts'

/**
 * Roll-ups are the sums of a tenant's records by hour and by day, kept in the very transaction that appends the records.
 * They answer what is asked of whole hours without looking at one record, and can be made from the records again.
 */
export const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS

export const RESOLUTIONS = { hour: HOUR_MS, day: DAY_MS } as const
export type Resolution = keyof typeof RESOLUTIONS

/** Which roll-up: the columns of its primary key. Records without a function have `''` and 0. */
export interface RollupKey {
  readonly tenant: string
  readonly resolution: Resolution
  readonly start: number
  readonly kind: string
  readonly trigger: string
  readonly status: string
  readonly function: string
  readonly version: number
  readonly policy: string
}

export interface Rollup {
  readonly key: RollupKey
  readonly sums: Sums
}

/** What of a record says which roll-ups it belongs to. */
type Keyed = Pick<
  CanonicalFields,
  'tenant' | 'startedAt' | 'kind' | 'trigger' | 'status' | 'function' | 'version' | 'policy'
>

/** Roll-ups in the making: records go in, the sums of each come out. */
export class Rollups {
  readonly #byKey = new Map<string, Rollup>()

  /** Adds a record to its hour and to its day. */
  add(record: CanonicalFields, operations: Operations): void {
    this.#of(record, 'hour').addRecord(record, operations)
    this.#of(record, 'day').addRecord(record, operations)
  }

  /** Adds records of one hour that are alike in all but their quantities, as {@link Sums.addGroup} does. */
  addGroup(group: Keyed, totals: Totals, operations: Operations): void {
    this.#of(group, 'hour').addGroup(totals, operations)
    this.#of(group, 'day').addGroup(totals, operations)
  }

  get size(): number {
    return this.#byKey.size
  }

  values(): Iterable<Rollup> {
    return this.#byKey.values()
  }

  find(key: RollupKey): Rollup | undefined {
    return this.#byKey.get(textOf(key))
  }

  clear(): void {
    this.#byKey.clear()
  }

  #of(record: Keyed, resolution: Resolution): Sums {
    const { tenant, startedAt, kind, trigger, status, function: name, version, policy } = record
    const start = startedAt - (startedAt % RESOLUTIONS[resolution])
    const deployed = { function: name ?? '', version: version ?? 0 }
    const key = { tenant, resolution, start, kind, trigger, status, ...deployed, policy }
    return this.#byKey.getOrInsertComputed(textOf(key), () => ({ key, sums: new Sums() })).sums
  }
}

/** A tab is in no name: names of functions and policies are well-formed text from JSON, and are quoted here. */
function textOf({ tenant, resolution, start, kind, trigger, status, version, policy, ...rest }: RollupKey): string {
  return `${tenant}\t${resolution}\t${start}\t${kind}\t${trigger}\t${status}\t${version}\t${JSON.stringify(rest.function)}\t${policy}`
}
