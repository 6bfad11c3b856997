import type { TenantId } from '../core/ids.ts'
import type { Delivery, WebhookRecord } from '../core/webhooks.ts'

/** A webhook without its secret. */
export type Webhook = Omit<WebhookRecord, 'sealed' | 'tenant'>

/** Webhooks of tenants. Every call about a name that is not set throws NOT_FOUND, but `put`. */
export interface Webhooks {
  /** `secret`: of a new one. Throws INVALID_REQUEST, CONFLICT if there are too many, NOT_FOUND without the tenant. */
  put(
    tenant: TenantId,
    name: string,
    change: Pick<Webhook, 'url' | 'events' | 'reach'>,
  ): Promise<{ readonly webhook: Webhook; readonly secret: string | undefined }>
  list(tenant: TenantId): Promise<readonly Webhook[]>
  delete(tenant: TenantId, name: string): Promise<void>
  deliveries(tenant: TenantId, name: string): Promise<readonly Delivery[]>
  /** Sends once. Throws OVERLOADED. */
  test(
    tenant: TenantId,
    name: string,
  ): Promise<
    | { readonly ok: true; readonly elapsed: number; readonly status: number }
    | { readonly ok: false; readonly elapsed: number; readonly reason: string }
  >
}
