import type { TenantId } from './ids.ts'
import type { EpochMillis, Millis } from './quantity.ts'

/** What a webhook can be told of. */
export const WEBHOOK_EVENTS = ['budget.warning', 'spend.anomaly'] as const
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number]

/** Something about a tenant's spend that somebody wants to know soon. Plain JSON; nothing in it was written by a tenant. */
export type SpendNotice =
  | {
      readonly type: 'budget.warning'
      readonly tenant: TenantId
      /** A day or a month: `2026-11-24`, `2026-11`. */
      readonly period: string
      readonly measure: 'units' | 'money'
      readonly percent: 50 | 80 | 100
      /** Units, or nanoUSD. */
      readonly limit: string
    }
  | {
      readonly type: 'spend.anomaly'
      readonly tenant: TenantId
      /** When the hour begins, ISO 8601. */
      readonly hour: string
      readonly usd: string
      /** How many of the usual hours it cost. */
      readonly times: number
    }

/** Where a tenant's notices are posted to. */
export interface WebhookRecord {
  readonly tenant: TenantId
  readonly name: string
  readonly url: string
  readonly events: readonly WebhookEvent[]
  /** The signing secret, sealed by the vault. */
  readonly sealed: string
  /** Whether it may be an address that is not public, which only the operator can allow. */
  readonly reach: 'public' | 'any'
  readonly createdAt: EpochMillis
  readonly updatedAt: EpochMillis
}

/** One event for one webhook. */
export interface Delivery {
  /** Of the row, for {@link WebhookStore.settle}. */
  readonly row: number
  readonly tenant: TenantId
  readonly webhook: string
  /** What the receiver knows it by: the same however often it is sent. */
  readonly id: string
  readonly type: WebhookEvent
  /** JSON text, as it is sent and signed. */
  readonly body: string
  readonly state: DeliveryState
  readonly attempts: number
  readonly createdAt: EpochMillis
  /** When it is tried next, or was settled. */
  readonly at: EpochMillis
  /** Why the last attempt failed. */
  readonly error: string | undefined
}
export type DeliveryState = 'waiting' | 'delivered' | 'failed'

/** What came of an attempt. */
export type Settlement = Pick<Delivery, 'row' | 'state' | 'attempts' | 'at' | 'error'>

/** A notice to be stored for whoever wants it. */
export interface Enqueued {
  readonly tenant: TenantId
  readonly id: string
  readonly type: WebhookEvent
  readonly body: string
  readonly now: EpochMillis
  /** Deliveries that are kept of a webhook; the oldest go first, those that are over before those that wait. */
  readonly keep: number
}

/** Webhooks and what is to be sent to them. Both go with their tenant. */
export interface WebhookStore {
  /** Writes it, unless it would be one more than `max`. Rejects with NOT_FOUND for a tenant that does not exist. */
  put(webhook: WebhookRecord, max: number): Promise<'done' | 'too-many'>
  find(tenant: TenantId, name: string): Promise<WebhookRecord | undefined>
  /** By name. */
  list(tenant: TenantId): Promise<readonly WebhookRecord[]>
  /** Its deliveries go with it. */
  delete(tenant: TenantId, name: string): Promise<boolean>
  /** Stores a notice for each webhook that wants it and has not got it; resolves with how many there are. */
  enqueue(notice: Enqueued): Promise<number>
  /** The longest due of each webhook that has one, at most `max`. */
  due(now: EpochMillis, max: number): Promise<readonly Delivery[]>
  /** When the next is due; undefined if nothing waits. */
  nextDue(): Promise<EpochMillis | undefined>
  /** Those of one webhook, the newest first. */
  deliveries(tenant: TenantId, name: string): Promise<readonly Delivery[]>
  settle(settlement: Settlement): Promise<void>
}

/** A request to post, and from where it may be answered. */
export interface Post {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly reach: WebhookRecord['reach']
  readonly timeout: Millis
}

/** Posts once and follows nothing; resolves with the status. Rejects with an Error whose message may be shown to the tenant. */
export type SendPost = (post: Post) => Promise<number>
