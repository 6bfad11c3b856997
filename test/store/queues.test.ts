import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TenantId, parseTenantId } from '../../src/core/ids.ts'
import { epochMillis, millis } from '../../src/core/quantity.ts'
import type { ClaimedMessage, OutgoingMessage, QueueQuota } from '../../src/core/queues.ts'
import { openTemporaryStores } from '../../src/store/sqlite/open.ts'

let nowMs = Date.UTC(2026, 0, 1)
const clock = { now: () => epochMillis(nowMs), elapsed: () => millis(nowMs) }
const QUOTA: QueueQuota = { queues: 3, messages: 50, storedBytes: 10_000 }

let stores: Awaited<ReturnType<typeof openTemporaryStores>>
let tenants = 0
beforeAll(async () => {
  stores = await openTemporaryStores({ clock })
})
afterAll(() => stores[Symbol.asyncDispose]())

async function fresh(): Promise<TenantId> {
  const id = parseTenantId(`t${(tenants += 1)}`)!
  await stores.tenants.put({ id, policy: 'default', budget: {}, createdAt: clock.now(), updatedAt: clock.now() })
  return id
}

const message = (body: unknown, more: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  body: JSON.stringify(body),
  delay: millis(0),
  ...more,
})
const send = (tenant: TenantId, queue: string, ...messages: OutgoingMessage[]) =>
  stores.queues.send(tenant, queue, messages, QUOTA)
const bodies = (messages: readonly { body: string }[]): unknown[] => messages.map(({ body }) => JSON.parse(body))
const claim = (tenant: TenantId, limit = 10, lease = 1_000): Promise<readonly ClaimedMessage[]> =>
  stores.queues.claim(tenant, 'q', { limit, lease: millis(lease) })

describe('a message', () => {
  test('is there after it was sent, is claimed once, and goes when it is acknowledged', async () => {
    const tenant = await fresh()
    await send(tenant, 'q', message({ n: 1 }), message({ n: 2 }))
    expect(bodies(await stores.queues.peek(tenant, 'q', { limit: 10 }))).toEqual([{ n: 1 }, { n: 2 }])
    const [first, second] = await claim(tenant)
    expect(bodies([first!, second!])).toEqual([{ n: 1 }, { n: 2 }])
    expect(first).toMatchObject({ attempts: 1, visibleAt: nowMs + 1_000 })
    expect(await claim(tenant)).toEqual([])
    expect(await stores.queues.acknowledge(tenant, first!.lease)).toBe(true)
    expect(await stores.queues.acknowledge(tenant, first!.lease)).toBe(false)
    expect(bodies(await stores.queues.peek(tenant, 'q', { limit: 10 }))).toEqual([{ n: 2 }])
  })

  test('comes again when its lease is over, and its former claimer can do nothing with it any more', async () => {
    const tenant = await fresh()
    await send(tenant, 'q', message('x'))
    const [late] = await claim(tenant)
    nowMs += 999
    expect(await claim(tenant)).toEqual([])
    nowMs += 1
    expect(await stores.queues.acknowledge(tenant, late!.lease)).toBe(false)
    const [again] = await claim(tenant)
    expect(again).toMatchObject({ id: late!.id, attempts: 2 })
    expect(await stores.queues.release(tenant, late!.lease, millis(0))).toBe(false)
    expect(await stores.queues.acknowledge(tenant, again!.lease)).toBe(true)
  })

  test('that is given back comes after its delay', async () => {
    const tenant = await fresh()
    await send(tenant, 'q', message('x'))
    const [first] = await claim(tenant)
    expect(await stores.queues.release(tenant, first!.lease, millis(500))).toBe(true)
    nowMs += 499
    expect(await claim(tenant)).toEqual([])
    nowMs += 1
    expect(await claim(tenant)).toMatchObject([{ attempts: 2 }])
  })

  test('is nobody else’s: another tenant neither sees it nor acknowledges it with its lease', async () => {
    const [tenant, other] = [await fresh(), await fresh()]
    await send(tenant, 'q', message('mine'))
    const [claimed] = await claim(tenant)
    expect(await stores.queues.acknowledge(other, claimed!.lease)).toBe(false)
    expect(await stores.queues.release(other, claimed!.lease, millis(0))).toBe(false)
    expect(await stores.queues.peek(other, 'q', { limit: 10 })).toEqual([])
    expect(await stores.queues.list(other)).toEqual([])
    expect(await stores.queues.acknowledge(tenant, claimed!.lease)).toBe(true)
  })

  test('waits for its delay, and goes when its queue’s retention is over', async () => {
    const tenant = await fresh()
    await stores.queues.put(tenant, 'q', { retention: millis(10_000) }, QUOTA)
    await send(tenant, 'q', message('soon'), message('later', { delay: millis(5_000) }))
    expect(bodies(await claim(tenant, 10, 1))).toEqual(['soon'])
    nowMs += 5_000
    expect(bodies(await claim(tenant, 10, 1)).toSorted()).toEqual(['later', 'soon'])
    nowMs += 5_000
    expect(bodies(await claim(tenant, 10, 1))).toEqual(['later'])
    nowMs += 5_000
    expect(await stores.queues.peek(tenant, 'q', { limit: 10 })).toEqual([])
    expect(await stores.queues.stored(tenant)).toMatchObject({ messages: 2 })
    while (!(await stores.sweep(clock.now())).complete);
    expect(await stores.queues.stored(tenant)).toEqual({ messages: 0, bytes: 0 })
  })
})

describe('a deduplication id', () => {
  test('stops a second message for five minutes, whether or not the first is dealt with', async () => {
    const tenant = await fresh()
    const once = message(1, { deduplicationId: 'once' })
    const first = await send(tenant, 'q', once)
    const id = first.outcome === 'done' ? first.sent[0]!.id : ''
    await stores.queues.acknowledge(tenant, (await claim(tenant))[0]!.lease)
    expect(await send(tenant, 'q', once, message(2))).toMatchObject({
      sent: [{ id, duplicate: true }, { duplicate: false }],
    })
    expect(await send(tenant, 'another', once)).toMatchObject({ sent: [{ duplicate: false }] })
    nowMs += 300_000
    expect(await send(tenant, 'q', once)).toMatchObject({ sent: [{ duplicate: false }] })
  })

  test('holds within one call', async () => {
    const tenant = await fresh()
    const twin = message(1, { deduplicationId: 'twin' })
    expect(await send(tenant, 'q', twin, twin)).toMatchObject({ sent: [{ duplicate: false }, { duplicate: true }] })
    expect(await stores.queues.stored(tenant)).toMatchObject({ messages: 1 })
  })
})

test('messages of an ordering key come one at a time and in their order, whatever happens to the first', async () => {
  const tenant = await fresh()
  const ordered = (body: string, orderingKey: string) => message(body, { orderingKey })
  await send(tenant, 'q', ordered('a1', 'a'), ordered('a2', 'a'), ordered('b1', 'b'), message('free'))
  const first = await claim(tenant)
  expect(bodies(first)).toEqual(['a1', 'b1', 'free'])
  await stores.queues.release(tenant, first[0]!.lease, millis(10))
  expect(await claim(tenant)).toEqual([])
  nowMs += 10
  const [again] = await claim(tenant)
  expect(again).toMatchObject({ body: '"a1"', attempts: 2 })
  await stores.queues.acknowledge(tenant, again!.lease)
  expect(bodies(await claim(tenant))).toEqual(['a2'])
})

test('whoever claims at the same time, each message is claimed by one', async () => {
  const tenant = await fresh()
  await send(tenant, 'q', ...Array.from({ length: 40 }, (_, n) => message(n, n % 2 ? { orderingKey: `k${n}` } : {})))
  const claims = await Promise.all(Array.from({ length: 20 }, () => claim(tenant, 3)))
  const ids = claims.flat().map(({ id }) => id)
  expect(ids).toHaveLength(40)
  expect(new Set(ids).size).toBe(40)
})

describe('quotas', () => {
  test('are exact under concurrency, and a call over one leaves nothing behind', async () => {
    const tenant = await fresh()
    const tried = await Promise.all(
      Array.from({ length: 40 }, (_, n) => send(tenant, 'q', message(n), message(n, { deduplicationId: `d${n}` }))),
    )
    const outcomes = tried.map(({ outcome }) => outcome)
    expect(outcomes.filter((outcome) => outcome === 'done')).toHaveLength(25)
    expect(new Set(outcomes)).toEqual(new Set(['done', 'messages-exceeded']))
    expect(await stores.queues.stored(tenant)).toMatchObject({ messages: 50 })
    await stores.queues.purge(tenant, 'q')
    expect(await send(tenant, 'q', message('x'.repeat(9_997)))).toMatchObject({ outcome: 'done' })
    // Its quotes count.
    expect(await stores.queues.stored(tenant)).toMatchObject({ bytes: 9_999 })
    expect(await send(tenant, 'q', message('xx'))).toEqual({ outcome: 'bytes-exceeded' })
    expect(await send(tenant, 'q', message(1))).toMatchObject({ outcome: 'done' })
  })

  test('bound the number of queues, those that a message makes too', async () => {
    const tenant = await fresh()
    expect(await stores.queues.put(tenant, 'a', {}, QUOTA)).toBe('created')
    expect(await stores.queues.put(tenant, 'a', { lease: millis(5) }, QUOTA)).toBe('changed')
    await send(tenant, 'b', message(1))
    await send(tenant, 'c', message(1))
    expect(await send(tenant, 'd', message(1))).toEqual({ outcome: 'queues-exceeded' })
    expect(await stores.queues.put(tenant, 'd', {}, QUOTA)).toBe('queues-exceeded')
    expect((await stores.queues.list(tenant)).map(({ name, lease }) => [name, lease])).toEqual([
      ['a', 5],
      ['b', 30_000],
      ['c', 30_000],
    ])
  })

  test('give way to expired messages', async () => {
    const tenant = await fresh()
    await stores.queues.put(tenant, 'q', { retention: millis(1_000) }, QUOTA)
    await send(tenant, 'q', ...Array.from({ length: 50 }, (_, n) => message(n)))
    expect(await send(tenant, 'q', message(1))).toEqual({ outcome: 'messages-exceeded' })
    nowMs += 1_000
    expect(await send(tenant, 'q', message(1))).toMatchObject({ outcome: 'done' })
    expect(await stores.queues.stored(tenant)).toMatchObject({ messages: 1 })
  })
})

test('what a purged or deleted queue, or a deleted tenant, held is gone, and its name starts anew', async () => {
  const tenant = await fresh()
  await send(tenant, 'q', message(1), message(2, { deduplicationId: 'd' }))
  await stores.queues.put(tenant, 'q', { lease: millis(77) }, QUOTA)
  expect(await stores.queues.purge(tenant, 'q')).toBe(2)
  expect(await stores.queues.find(tenant, 'q')).toMatchObject({ messages: 0, bytes: 0, lease: 77 })
  expect(await send(tenant, 'q', message(3, { deduplicationId: 'd' }))).toMatchObject({ sent: [{ duplicate: false }] })
  expect(await stores.queues.delete(tenant, 'q')).toBe(true)
  expect(await stores.queues.delete(tenant, 'q')).toBe(false)
  await send(tenant, 'q', message(4))
  await stores.tenants.delete(tenant)
  await expect(send(tenant, 'q', message(5))).rejects.toMatchObject({ code: 'NOT_FOUND' })
  while (!(await stores.sweep(clock.now())).complete);
  using database = new DatabaseSync(join(stores.directory, 'cloister.db'), { readOnly: true })
  const left = database.prepare(`SELECT count(*) AS n FROM messages WHERE queue NOT IN (SELECT number FROM queues)`)
  expect(left.get()).toEqual({ n: 0 })
})

test('whatever is done, at most the quota is kept, the totals are right, and no key is out of order', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('send' as const), key: fc.constantFrom('a', 'b', undefined), delay: fc.nat(50) }),
    fc.record({ kind: fc.constant('claim' as const), limit: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ kind: fc.constantFrom('acknowledge' as const, 'release' as const), which: fc.nat(20) }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(100) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const tenant = await fresh()
      const claimed: ClaimedMessage[] = []
      const done: number[] = []
      let sent = 0
      for (const action of steps) {
        if (action.kind === 'wait') nowMs += action.ms
        if (action.kind === 'send') {
          const more = { delay: millis(action.delay), ...(action.key && { orderingKey: action.key }) }
          await send(tenant, 'q', message([sent++, action.key], more))
        }
        if (action.kind === 'claim') claimed.push(...(await claim(tenant, action.limit, 60)))
        const one = 'which' in action ? claimed[action.which % Math.max(claimed.length, 1)] : undefined
        if (one === undefined) continue
        if (action.kind === 'release') await stores.queues.release(tenant, one.lease, millis(10))
        else if (await stores.queues.acknowledge(tenant, one.lease)) {
          const [number, key] = JSON.parse(one.body) as [number, string | null]
          if (key === 'a') done.push(number)
        }
      }
      expect(done).toEqual(done.toSorted((a, b) => a - b))
      const left = await stores.queues.peek(tenant, 'q', { limit: 1_000 })
      const { messages } = await stores.queues.stored(tenant)
      expect(messages).toBe(left.length)
    }),
    { numRuns: 30 },
  )
})
