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
const EVERY_MS = 50

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
  const open = new Set<Promise<void>>()
  const call = async ({ tenant, secret }: QuietTenant, atMs: number): Promise<void> => {
    const fault = await door.request('POST', pathOf(tenant), { body: bodyOf(secret) }).then(faultOf, troubleOf)
    calls.push({ atMs, latencyMs: clock.elapsed() - atMs, tenant, ...(fault !== undefined && { fault }) })
  }
  const startedMs = clock.elapsed()
  let due = 0
  const tick = (): void => {
    // One turn for each that is due, also when this process was late.
    for (; startedMs + due * EVERY_MS <= clock.elapsed(); due += 1) {
      const atMs = startedMs + due * EVERY_MS
      for (const tenant of tenants) {
        const running = call(tenant, atMs).finally(() => open.delete(running))
        open.add(running)
      }
    }
  }
  const timer = setInterval(tick, EVERY_MS)
  return {
    calls,
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await Promise.all(open)
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
