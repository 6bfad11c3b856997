import { type EpochMillis, type Millis, epochMillis, millis } from '../core/quantity.ts'
import type { Vault } from '../core/vault.ts'
import type { Delivery, SendPost, Settlement, WebhookRecord } from '../core/webhooks.ts'
import { ATTEMPTS_MAX, waitAfter } from './retry.ts'
import { signedHeaders } from './signature.ts'

/** Longest wait for an endpoint's answer. */
const TIMEOUT = millis(10_000)
const ERROR_LENGTH_MAX = 300
/** The endpoint is gone for good, and says so. */
const GONE = 410

interface Parts {
  readonly send: SendPost
  readonly vault: Vault
  readonly now: () => EpochMillis
  readonly random: () => number
}

/** What came of sending a message once. */
export type Answered =
  | { readonly ok: true; readonly status: number }
  | { readonly ok: false; readonly reason: string; readonly again: boolean }

/** Where the secret of a webhook belongs in the vault. */
export function secretPlace({ tenant, name }: Pick<WebhookRecord, 'tenant' | 'name'>): string {
  return `webhook/${tenant}/${name}`
}

/** Signs a message, sends it once and says what came of it. Never rejects. */
export async function sendOnce(
  webhook: WebhookRecord,
  { id, body }: Pick<Delivery, 'id' | 'body'>,
  { send, vault, now }: Omit<Parts, 'random'>,
): Promise<Answered> {
  const { url, reach } = webhook
  try {
    const secret = vault.open(webhook.sealed, secretPlace(webhook))
    const signed = signedHeaders(secret, { id, timestamp: Math.floor(now() / 1_000), body })
    const headers = { 'content-type': 'application/json', 'user-agent': 'Cloister', ...signed }
    const status = await send({ url, headers, body, reach, timeout: TIMEOUT })
    if (status >= 200 && status < 300) return { ok: true, status }
    return { ok: false, reason: `the endpoint answered ${status}`, again: status !== GONE }
  } catch (error) {
    return { ok: false, reason: messageOf(error), again: true }
  }
}

/** One attempt at a delivery, and when the next is due if it has failed. */
export async function attempt(delivery: Delivery, webhook: WebhookRecord, parts: Parts): Promise<Settlement> {
  const answered = await sendOnce(webhook, delivery, parts)
  const attempts = delivery.attempts + 1
  const { row } = delivery
  if (answered.ok) return { row, attempts, state: 'delivered', at: parts.now(), error: undefined }
  const isLast = !answered.again || attempts >= ATTEMPTS_MAX
  const wait: Millis = isLast ? millis(0) : waitAfter(attempts, parts.random())
  const at = epochMillis(parts.now() + wait)
  return { row, attempts, state: isLast ? 'failed' : 'waiting', at, error: answered.reason }
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, ERROR_LENGTH_MAX)
}
