import { emit } from '../core/events.ts'
import type { TenantId } from '../core/ids.ts'
import { type EpochMillis, epochMillis } from '../core/quantity.ts'
import type { LedgerStore, TimeRange } from '../core/stores.ts'
import type { SpendNotice } from '../core/webhooks.ts'
import { formatNanoUsd } from './decimal.ts'
import { sumOf } from './ledger-sum.ts'
import { isoTime } from './period.ts'
import { costOf } from './price.ts'
import type { PriceBooks } from './price-books.ts'

const HOUR_MS = 3_600_000
const WEEK_HOURS = 168
/** How many times the usual hour one must cost: spend doubles for many good reasons, and grows tenfold for few. */
const TIMES = 10n
/** Below a cent an hour nothing is worth waking somebody for. */
const LEAST_NANO_USD = 10_000_000n

interface Parts {
  readonly ledger: LedgerStore
  readonly prices: PriceBooks
  readonly notify?: ((notice: SpendNotice) => void) | undefined
}

/**
 * Compares what a tenant spent in the hour before `now` with its own average hour of the week before that, and tells by an
 * event if it is far above. A tenant without a week's spend has nothing to be compared with. Both by the prices of now.
 */
export async function lookForAnomaly(
  tenant: TenantId,
  now: EpochMillis,
  { ledger, prices, notify }: Parts,
): Promise<void> {
  const hour = rangeOf(Math.floor(now / HOUR_MS) - 1, 1)
  const week = rangeOf(hour.from / HOUR_MS - WEEK_HOURS, WEEK_HOURS)
  const book = prices.at(now)
  const spent = costOf(await sumOf(ledger, tenant, hour), book)
  if (spent < LEAST_NANO_USD) return
  const usual = costOf(await sumOf(ledger, tenant, week), book)
  if (usual === 0n || spent * BigInt(WEEK_HOURS) < usual * TIMES) return
  const times = Number((spent * BigInt(WEEK_HOURS)) / usual)
  const anomaly = { tenant, hour: isoTime(hour.from), usd: formatNanoUsd(spent), times }
  emit('spend.anomaly', anomaly)
  notify?.({ type: 'spend.anomaly', ...anomaly })
}

function rangeOf(fromHour: number, hours: number): TimeRange {
  return { from: epochMillis(fromHour * HOUR_MS), to: epochMillis((fromHour + hours) * HOUR_MS) }
}
