import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import type { Context } from 'cloister/types'

/** A webhook as it came in: the headers that matter and the body's exact text. */
interface Delivery {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

type Reason = 'not-set-up' | 'malformed' | 'wrong-signature' | 'too-old' | 'from-the-future' | 'seen-before'
type Verdict =
  { readonly accepted: true; readonly event: unknown } | { readonly accepted: false; readonly reason: Reason }

/** How far the sender's clock and ours may be apart, and how long a delivery stays good. */
const TOLERANCE_SECONDS = 300

/**
 * Decides whether a webhook is genuine, by the Standard Webhooks scheme (standardwebhooks.com): `v1,` and the base64 of an
 * HMAC-SHA256 of `id.timestamp.body`. The key is in `kv` under `webhook-secret`; ids that were accepted are remembered
 * there for as long as their timestamps are good, so that nobody can deliver one twice.
 */
export default async function ({ headers, body }: Delivery, context: Context): Promise<Verdict> {
  const { kv } = context
  const secret = await kv?.get('webhook-secret')
  if (kv === undefined || typeof secret !== 'string') return refuse('not-set-up')
  const id = headers['webhook-id']
  const seconds = Number(headers['webhook-timestamp'])
  const signatures = headers['webhook-signature']?.split(' ') ?? []
  if (id === undefined || id.length > 200 || !Number.isSafeInteger(seconds)) return refuse('malformed')

  const expected = hmac(sha256, keyOf(secret), utf8(`${id}.${seconds}.${body}`))
  // The sender signs with several keys while it changes them. All are compared, so the time tells nothing.
  const matches = signatures.map((signature) => isEqual(expected, decode(signature)))
  if (!matches.includes(true)) return refuse('wrong-signature')

  const ageSeconds = Date.now() / 1_000 - seconds
  if (ageSeconds > TOLERANCE_SECONDS) return refuse('too-old')
  if (ageSeconds < -TOLERANCE_SECONDS) return refuse('from-the-future')
  // Before the id is remembered: a body that cannot be read fails the run, and its sender may try again.
  const event: unknown = JSON.parse(body)
  // One step, so that of two deliveries at the same moment one is refused. Twice the tolerance covers both its ends.
  const isFirst = await kv.compareAndSet(`webhook:${id}`, null, seconds, { ttlSeconds: 2 * TOLERANCE_SECONDS })
  if (!isFirst) return refuse('seen-before')
  return { accepted: true, event }
}

function refuse(reason: Reason): Verdict {
  console.warn('webhook refused: %s', reason)
  return { accepted: false, reason }
}

function keyOf(secret: string): Uint8Array {
  return Uint8Array.fromBase64(secret.replace(/^whsec_/, ''))
}

/** The bytes of a `v1,…` signature; none for anything else. */
function decode(signature: string): Uint8Array {
  const [version, text = ''] = signature.split(',')
  try {
    return version === 'v1' ? Uint8Array.fromBase64(text) : new Uint8Array()
  } catch {
    return new Uint8Array()
  }
}

/** Whether two byte strings are the same, in a time that depends on their length alone. */
function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false
  let difference = 0
  for (const [index, byte] of left.entries()) difference |= byte ^ (right[index] ?? 0)
  return difference === 0
}

/** Text as UTF-8. Guests have no TextEncoder in this version; the language itself knows UTF-8 by way of URIs. */
function utf8(text: string): Uint8Array {
  const escaped = encodeURIComponent(text)
  return Uint8Array.from(escaped.match(/%..|[^]/g) ?? [], (part) =>
    part.length === 3 ? Number.parseInt(part.slice(1), 16) : part.charCodeAt(0),
  )
}
