import type { Clock } from '../core/clock.ts'
import { type Door, parseAnswer, pick, putTenant } from './door.ts'

/** One call of a quiet tenant. */
export interface QuietCall {
  /** When it was due. */
  readonly atMs: number
  readonly latencyMs: number
  readonly tenant: string
  /** What went wrong; absent if nothing did. */
  readonly fault?: string
}

/** Quiet tenants at work. Leaving its scope stops their calls; those under way are waited for. */
export interface QuietWatch extends AsyncDisposable {
  /** All calls so far. */
  readonly calls: readonly QuietCall[]
}

export interface QuietTenant {
  readonly tenant: string
  /** What only this tenant may ever see. */
  readonly secret: string
}

/** Calls of one quiet tenant: a modest rate, as of a customer at work. In ms. */
const EVERY_MS = 100
/** Calls of one quiet tenant at once. What is due beyond them waits here, and its latency counts from when it was due. */
const AT_ONCE = 8

const POLICY = {
  extends: 'default',
  limits: { wallMs: 10_000, queueWaitMs: 10_000 },
  // Kept between calls, so that a secret really lies in its memory all the time.
  instance: { reuse: 'function', maxCells: 1 },
}

/** Holds the secret in a global, in the heap and in kv, and says whether all of it is still as it was. */
const CODE = `
  export default async function ({ secret }, { kv }) {
    globalThis.kept ??= { secret, copies: Array.from({ length: 100 }, (_, i) => secret + i), bytes: Array.from(secret, (c) => c.charCodeAt(0)) }
    const stored = await kv.get('secret')
    if (stored === null) await kv.put('secret', secret)
    let sum = 0
    for (let i = 0; i < 20_000; i++) sum += i
    const isWhole = kept.secret === secret && kept.copies.every((copy, i) => copy === secret + i) && (stored ?? secret) === secret
    return isWhole && sum === 199_990_000 && Object.keys(kept).length === 3 ? 'whole' : 'changed'
  }`

/** Makes the quiet tenants and has each of them called once. */
export async function prepareQuiet(door: Door, tenants: readonly QuietTenant[]): Promise<void> {
  for (const { tenant, secret } of tenants) {
    await putTenant(door, tenant, POLICY)
    const fault = faultOf(await door.request('POST', pathOf(tenant), { body: bodyOf(secret) }))
    if (fault !== undefined) throw new Error(`a quiet tenant does not work before any attack: ${fault}`)
  }
}

/** Calls every quiet tenant steadily. A call is due whether or not the one before was answered, so that no delay hides. */
export function watchQuiet(door: Door, clock: Clock, tenants: readonly QuietTenant[]): QuietWatch {
  const calls: QuietCall[] = []
  const startedMs = clock.elapsed()
  let stopped = false
  /** Makes every `AT_ONCE`th call of a tenant, each when it is due or as soon after as the one before is answered. */
  const keepCalling = async ({ tenant, secret }: QuietTenant, first: number): Promise<void> => {
    for (let turn = first; ; turn += AT_ONCE) {
      const atMs = startedMs + turn * EVERY_MS
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, atMs - clock.elapsed())))
      if (stopped) return
      const fault = await door.request('POST', pathOf(tenant), { body: bodyOf(secret) }).then(faultOf, troubleOf)
      calls.push({ atMs, latencyMs: clock.elapsed() - atMs, tenant, ...(fault !== undefined && { fault }) })
    }
  }
  const callers = tenants.flatMap((tenant) => Array.from({ length: AT_ONCE }, (_, first) => keepCalling(tenant, first)))
  return {
    calls,
    async [Symbol.asyncDispose]() {
      stopped = true
      await Promise.all(callers)
    },
  }
}

function pathOf(tenant: string): string {
  return `/v1/tenants/${tenant}/execute`
}

function bodyOf(secret: string): string {
  return JSON.stringify({ code: CODE, input: { secret } })
}

function faultOf({ status, body }: { status: number; body: string }): string | undefined {
  const answer = parseAnswer(body)
  if (status === 200 && pick(answer, 'status') === 'ok' && pick(answer, 'result') === 'whole') return undefined
  return `answered ${status}: ${body.slice(0, 300)}`
}

function troubleOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
