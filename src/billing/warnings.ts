import { LRUCache } from 'lru-cache'
import { emit } from '../core/events.ts'
import type { TenantId } from '../core/ids.ts'
import type { SpendNotice } from '../core/webhooks.ts'
import { periodName } from './period.ts'
import type { Position } from './position.ts'

/** Shares of a limit that are worth telling somebody, in percent. */
export const WARNING_PERCENTS = [50, 80, 100] as const
export type WarningPercent = (typeof WARNING_PERCENTS)[number]

/** Tenants whose warnings are remembered. One that went is warned again: better twice than never. */
const TENANTS_MAX = 10_000

/** The highest of {@link WARNING_PERCENTS} that was spent of a limit; undefined if none was, or there is no limit. */
export function percentReached({ limit, spent }: Pick<Position, 'limit' | 'spent'>): WarningPercent | undefined {
  if (limit === undefined) return undefined
  return WARNING_PERCENTS.findLast((percent) => spent * 100n >= limit * BigInt(percent))
}

/**
 * Tells by events how far budgets are spent, each share of each period and measure once. A run that is refused makes it
 * 100: what is left is too little for it. Since what was told is not stored, a host that starts anew tells the last share
 * once more.
 */
export class BudgetWarnings {
  readonly #told = new LRUCache<TenantId, Map<string, number>>({ max: TENANTS_MAX })
  readonly #notify: ((notice: SpendNotice) => void) | undefined

  constructor(notify?: (notice: SpendNotice) => void) {
    this.#notify = notify
  }

  /** Looks at where a tenant's budget stands after a run was charged. */
  charged(tenant: TenantId, positions: readonly Position[]): void {
    for (const position of positions) {
      const percent = percentReached(position)
      if (percent !== undefined) this.#tell(tenant, position, percent)
    }
  }

  /** A run did not fit. */
  refused(tenant: TenantId, short: readonly Position[]): void {
    for (const position of short) this.#tell(tenant, position, 100)
  }

  #tell(tenant: TenantId, { period, measure, limit }: Position, percent: WarningPercent): void {
    const name = periodName(period)
    const key = `${name} ${measure} ${limit}`
    const told = this.#told.get(tenant) ?? new Map<string, number>()
    if ((told.get(key) ?? 0) >= percent) return
    // A day, a month, two measures: what is of another day or limit is over.
    if (told.size >= KEYS_MAX) told.clear()
    this.#told.set(tenant, told.set(key, percent))
    emit('budget.warning', { tenant, period: name, measure, percent })
    this.#notify?.({ type: 'budget.warning', tenant, period: name, measure, percent, limit: String(limit) })
  }
}

const KEYS_MAX = 16
