import type { Clock } from '../core/clock.ts'
import { CloisterError } from '../core/errors.ts'
import type { TenantId } from '../core/ids.ts'
import { type Millis, millis } from '../core/quantity.ts'
import type { Vault } from '../core/vault.ts'
import type { Delivery, SendPost, SpendNotice, WebhookEvent, WebhookRecord, WebhookStore } from '../core/webhooks.ts'
import { secretPlace, sendOnce } from './attempt.ts'
import { Deliveries } from './deliveries.ts'
import { messageOf } from './notice.ts'
import { createSecret } from './signature.ts'
import { urlFault } from './url.ts'

interface Parts {
  readonly store: WebhookStore
  readonly vault: Vault
  readonly send: SendPost
  readonly clock: Clock
  /** From 0 to 1: spreads retries. */
  readonly random: () => number
  readonly log: { error(fields: object, event: string): void }
}

/** What a caller sets. */
export interface WebhookChange {
  readonly url: string
  readonly events: readonly WebhookEvent[]
  readonly reach: WebhookRecord['reach']
}

/** What may be known of a webhook: everything but its secret. */
export type WebhookView = Omit<WebhookRecord, 'sealed' | 'tenant'>

/** What came of sending a message for a trial. */
export type WebhookTrial =
  | { readonly ok: true; readonly elapsed: Millis; readonly status: number }
  | { readonly ok: false; readonly elapsed: Millis; readonly reason: string }

const WEBHOOKS_MAX = 10
/** Deliveries kept of one webhook, sent or not. */
const DELIVERIES_KEPT = 100
const TRIALS_MAX = 4

/**
 * Webhooks of tenants: where they are told what happens to their spend.
 *
 * Invariant: a notice that was stored is sent until its receiver has said yes, or too often, whatever happens to the host.
 * A receiver may get one twice, under one id.
 */
export class Webhooks implements AsyncDisposable {
  readonly #parts: Parts
  readonly #deliveries: Deliveries
  #trials = 0

  constructor(parts: Parts) {
    this.#parts = parts
    this.#deliveries = new Deliveries(parts)
  }

  /** Sends what earlier processes have left. Called once, when everything else is up. */
  start(): void {
    this.#deliveries.look()
  }

  /**
   * Sets where a name leads. A new one gets a secret, which is told here and never again; one that is there keeps its own.
   * Throws INVALID_REQUEST, NOT_FOUND without the tenant, CONFLICT if there are too many.
   */
  async put(
    tenant: TenantId,
    name: string,
    { url, events, reach }: WebhookChange,
  ): Promise<{ readonly webhook: WebhookView; readonly secret: string | undefined }> {
    const fault = urlFault(url, reach)
    if (fault !== undefined) throw new CloisterError('INVALID_REQUEST', `\`url\` ${fault}`)
    const { store, vault, clock } = this.#parts
    const present = await store.find(tenant, name)
    const secret = present === undefined ? createSecret() : undefined
    const now = clock.now()
    const record: WebhookRecord = {
      tenant,
      name,
      url,
      events,
      reach,
      sealed: present?.sealed ?? vault.seal(secret ?? '', secretPlace({ tenant, name })),
      createdAt: present?.createdAt ?? now,
      updatedAt: now,
    }
    if ((await store.put(record, WEBHOOKS_MAX)) === 'too-many') {
      throw new CloisterError('CONFLICT', `a tenant may have ${WEBHOOKS_MAX} webhooks`)
    }
    return { webhook: viewOf(record), secret }
  }

  /** By name. */
  async list(tenant: TenantId): Promise<readonly WebhookView[]> {
    return (await this.#parts.store.list(tenant)).map(viewOf)
  }

  /** Throws NOT_FOUND. What waits to be sent to it goes too. */
  async delete(tenant: TenantId, name: string): Promise<void> {
    if (!(await this.#parts.store.delete(tenant, name))) throw noSuchWebhook(name)
  }

  /** The last deliveries, the newest first. Throws NOT_FOUND. */
  async deliveries(tenant: TenantId, name: string): Promise<readonly Delivery[]> {
    await this.#find(tenant, name)
    return await this.#parts.store.deliveries(tenant, name)
  }

  /** Sends a message once, now, and says what came of it. Throws NOT_FOUND, OVERLOADED. */
  async test(tenant: TenantId, name: string): Promise<WebhookTrial> {
    const webhook = await this.#find(tenant, name)
    if (this.#trials >= TRIALS_MAX) {
      throw new CloisterError('OVERLOADED', 'as many webhooks are being tested as at once can be')
    }
    this.#trials += 1
    const { clock } = this.#parts
    const startedAt = clock.elapsed()
    const now = clock.now()
    const body = JSON.stringify({ type: 'webhook.test', timestamp: new Date(now).toISOString(), data: { tenant } })
    try {
      const message = { id: `evt_test_${now}`, body }
      const answered = await sendOnce(webhook, message, { ...this.#parts, now: () => clock.now() })
      const elapsed = millis(clock.elapsed() - startedAt)
      if (answered.ok) return { ok: true, elapsed, status: answered.status }
      return { ok: false, elapsed, reason: answered.reason }
    } finally {
      this.#trials -= 1
    }
  }

  /** Stores a notice for every webhook of its tenant that wants it. Never throws: the run that caused it goes on. */
  notify(notice: SpendNotice): void {
    const { store, clock, log } = this.#parts
    const now = clock.now()
    const message = { ...messageOf(notice, now), tenant: notice.tenant, type: notice.type, now, keep: DELIVERIES_KEPT }
    store.enqueue(message).then(
      (count) => count > 0 && this.#deliveries.look(),
      (error: unknown) => log.error({ err: error, tenant: notice.tenant }, 'webhook.not-stored'),
    )
  }

  /** Waits for the attempts under way; what is left is sent by the next host. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#deliveries[Symbol.asyncDispose]()
  }

  async #find(tenant: TenantId, name: string): Promise<WebhookRecord> {
    const record = await this.#parts.store.find(tenant, name)
    if (record === undefined) throw noSuchWebhook(name)
    return record
  }
}

function viewOf({ name, url, events, reach, createdAt, updatedAt }: WebhookRecord): WebhookView {
  return { name, url, events, reach, createdAt, updatedAt }
}

function noSuchWebhook(name: string): CloisterError {
  return new CloisterError('NOT_FOUND', `there is no webhook "${name}"`)
}
