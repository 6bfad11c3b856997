import type { DatabaseSync } from 'node:sqlite'
import type { TenantId } from '../../core/ids.ts'
import { epochMillis } from '../../core/quantity.ts'
import type { Delivery, DeliveryState, WebhookEvent, WebhookRecord, WebhookStore } from '../../core/webhooks.ts'
import { reading } from '../reading.ts'
import type { WriteQueue } from './write-queue.ts'

interface Parts {
  readonly queue: WriteQueue
  /** A connection that is only read from. */
  readonly database: DatabaseSync
}

interface WebhookRow {
  readonly name: string
  readonly url: string
  readonly events: string
  readonly sealed: string
  readonly reach: WebhookRecord['reach']
  readonly created_at: number
  readonly updated_at: number
}

interface DeliveryRow {
  readonly row: number
  readonly tenant: TenantId
  readonly webhook: string
  readonly id: string
  readonly type: WebhookEvent
  readonly body: string
  readonly state: DeliveryState
  readonly attempts: number
  readonly created_at: number
  readonly at: number
  readonly error: string | null
}

const WEBHOOKS = `SELECT name, url, events, sealed, reach, created_at, updated_at FROM webhooks
  WHERE tenant = (SELECT number FROM tenants WHERE id = ?)`
const DELIVERIES = `SELECT row, tenants.id AS tenant, webhook, d.id AS id, type, body, state, attempts,
  d.created_at AS created_at, at, error FROM webhook_deliveries AS d JOIN tenants ON tenants.number = d.tenant`

/** Webhooks that tenants have set, and what is to be sent to them. */
export function createWebhookStore({ queue, database }: Parts): WebhookStore {
  const find = database.prepare(`${WEBHOOKS} AND name = ?`)
  const list = database.prepare(`${WEBHOOKS} ORDER BY name`)
  // Grouped, so that one webhook with much that is due does not keep those of others from being looked at.
  const due = database.prepare(
    `${DELIVERIES} WHERE row IN (SELECT row FROM (
      SELECT row, min(at) FROM webhook_deliveries WHERE state = 'waiting' AND at <= ? GROUP BY tenant, webhook)
    ) ORDER BY at LIMIT ?`,
  )
  const next = database.prepare(`SELECT min(at) AS at FROM webhook_deliveries WHERE state = 'waiting'`)
  const ofWebhook = database.prepare(`${DELIVERIES} WHERE tenants.id = ? AND webhook = ? ORDER BY row DESC`)
  return {
    put: ({ events, ...rest }, max) => queue.write('webhook.put', { ...rest, events: JSON.stringify(events), max }),
    find: (tenant, name) =>
      reading(() => {
        const row = find.get(tenant, name) as WebhookRow | undefined
        return row && webhookOf(tenant, row)
      }),
    list: (tenant) => reading(() => (list.all(tenant) as unknown as WebhookRow[]).map((row) => webhookOf(tenant, row))),
    delete: (tenant, name) => queue.write('webhook.delete', { tenant, name }),
    enqueue: (notice) => queue.write('webhook.enqueue', notice),
    due: (now, max) => reading(() => (due.all(now, max) as unknown as DeliveryRow[]).map(deliveryOf)),
    nextDue: () =>
      reading(() => {
        const { at } = next.get() as { at: number | null }
        return at === null ? undefined : epochMillis(at)
      }),
    deliveries: (tenant, name) =>
      reading(() => (ofWebhook.all(tenant, name) as unknown as DeliveryRow[]).map(deliveryOf)),
    settle: ({ error = null, ...rest }) => queue.write('webhook.settle', { ...rest, error }),
  }
}

function webhookOf(tenant: TenantId, { name, url, events, sealed, reach, ...row }: WebhookRow): WebhookRecord {
  return {
    tenant,
    name,
    url,
    events: JSON.parse(events) as WebhookEvent[],
    sealed,
    reach,
    createdAt: epochMillis(row.created_at),
    updatedAt: epochMillis(row.updated_at),
  }
}

function deliveryOf({ created_at: createdAt, at, error, ...row }: DeliveryRow): Delivery {
  return { ...row, createdAt: epochMillis(createdAt), at: epochMillis(at), error: error ?? undefined }
}
