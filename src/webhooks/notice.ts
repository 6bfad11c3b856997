import { createHash } from 'node:crypto'
import { type EpochMillis } from '../core/quantity.ts'
import type { SpendNotice } from '../core/webhooks.ts'

/** An event as it is stored and sent. */
export interface Message {
  readonly id: string
  readonly body: string
}

/**
 * Writes a notice down. Its id is made of what it says, so that a notice that is given again, say after a restart, is the
 * same to the store and to its receiver.
 */
export function messageOf(notice: SpendNotice, now: EpochMillis): Message {
  const { type, tenant, ...rest } = notice
  const said =
    notice.type === 'budget.warning' ? [notice.period, notice.measure, notice.percent, notice.limit] : [notice.hour]
  const hash = createHash('sha256').update(JSON.stringify([type, tenant, ...said]))
  const body = { type, timestamp: new Date(now).toISOString(), data: { tenant, ...rest } }
  return { id: `evt_${hash.digest('hex').slice(0, 32)}`, body: JSON.stringify(body) }
}
