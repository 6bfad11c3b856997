import { describe, expect, test } from 'vitest'
import { millis } from '../../src/core/quantity.ts'
import { type Asked, openQueue, settle } from './queue.ts'

const PLENTY = { concurrency: 10_000, queue: 100_000, queueWait: millis(60_000) }
const release = (asked: Asked | undefined): void => asked?.turn?.[Symbol.dispose]()

describe('turns', () => {
  test('are given at once, without a promise, while there is room', () => {
    using queue = openQueue(2)
    expect(queue.ask('ann').turn).toBeDefined()
    expect(queue.ask('bob').turn).toBeDefined()
    expect(queue.scheduler.load).toEqual({ running: 2, waiting: 0, tenants: 2 })
  })

  test('carry the ticket they were given for', async () => {
    using queue = openQueue(1)
    const first = queue.ask('ann')
    const second = queue.ask('bob')
    release(first)
    await settle()
    expect(first.turn?.ticket.request.tenant).toBe('ann')
    expect(second.turn?.ticket.request.tenant).toBe('bob')
  })

  test('of a tenant are never more than limits.concurrency, whatever room the host has', async () => {
    using queue = openQueue(100)
    const asked = Array.from({ length: 5 }, () => queue.ask('ann', { ...PLENTY, concurrency: 2 }))
    expect(asked.map(({ turn }) => turn !== undefined)).toEqual([true, true, false, false, false])
    release(asked[0])
    await settle()
    expect(queue.served).toHaveLength(3)
    expect(queue.scheduler.load).toEqual({ running: 2, waiting: 2, tenants: 1 })
    // Another tenant does not feel any of it.
    expect(queue.ask('bob', PLENTY).turn).toBeDefined()
  })

  test('of the host are never more than runsMax', async () => {
    using queue = openQueue(3)
    const asked = ['a', 'b', 'c', 'd', 'e'].map((tenant) => queue.ask(tenant, PLENTY))
    expect(queue.served).toHaveLength(3)
    release(asked[1])
    await settle()
    expect(queue.served.map(({ tenant }) => tenant)).toEqual(['a', 'b', 'c', 'd'])
    expect(queue.scheduler.load.running).toBe(3)
  })

  test('may be given back twice without a second one being let in', async () => {
    using queue = openQueue(1)
    const first = queue.ask('ann', PLENTY)
    for (const tenant of ['bob', 'cat', 'dan']) queue.ask(tenant, PLENTY)
    release(first)
    release(first)
    await settle()
    release(first)
    await settle()
    expect(queue.served).toHaveLength(2)
    expect(queue.scheduler.load).toEqual({ running: 1, waiting: 2, tenants: 3 })
  })

  test('come to the runs of one tenant in the order in which they asked', async () => {
    using queue = openQueue(1)
    const asked = Array.from({ length: 20 }, () => queue.ask('ann', PLENTY))
    for (const each of asked) {
      release(each)
      await settle()
    }
    expect(queue.served).toEqual(asked)
  })
})

test('a run whose policy allows more than that of those before it does not overtake them', async () => {
  using queue = openQueue(100)
  const first = queue.ask('ann', { ...PLENTY, concurrency: 1 })
  const second = queue.ask('ann', { ...PLENTY, concurrency: 1 })
  const third = queue.ask('ann', { ...PLENTY, concurrency: 5 })
  expect(third.turn).toBeUndefined()
  release(first)
  await settle()
  expect(queue.served).toEqual([first, second, third])
})

describe('fairness', () => {
  test('a tenant with a thousand waiting runs delays another by one turn', async () => {
    using queue = openQueue(1)
    const first = queue.ask('greedy', PLENTY)
    for (let count = 0; count < 1_000; count += 1) queue.ask('greedy', PLENTY)
    const other = queue.ask('other', PLENTY)
    release(first)
    await settle()
    release(queue.served[1])
    await settle()
    expect(queue.served[2]).toBe(other)
  })

  test('tenants that wait are served one run each in turn, however many runs each of them has', async () => {
    using queue = openQueue(1)
    queue.ask('busy', PLENTY)
    for (const [tenant, runs] of [
      ['a', 4],
      ['b', 1],
      ['c', 3],
    ] as const) {
      for (let count = 0; count < runs; count += 1) queue.ask(tenant, PLENTY)
    }
    for (let turn = 0; turn < 8; turn += 1) {
      release(queue.served[turn])
      await settle()
    }
    expect(queue.served.map(({ tenant }) => tenant)).toEqual(['busy', 'a', 'b', 'c', 'a', 'c', 'a', 'c', 'a'])
  })

  test('a tenant at its own limit does not stand in the way of those behind it', async () => {
    using queue = openQueue(2)
    const [first] = [queue.ask('ann', { ...PLENTY, concurrency: 1 }), queue.ask('bob', PLENTY)]
    queue.ask('ann', { ...PLENTY, concurrency: 1 })
    const cat = queue.ask('cat', PLENTY)
    release(queue.served[1])
    await settle()
    expect(cat.turn).toBeDefined()
    release(first)
    await settle()
    expect(queue.served.map(({ tenant }) => tenant)).toEqual(['ann', 'bob', 'cat', 'ann'])
  })
})

describe('refusals', () => {
  test('a run that the queue of its tenant has no place for is CONCURRENCY_LIMITED at once', () => {
    using queue = openQueue(100)
    const limits = { ...PLENTY, concurrency: 1, queue: 2 }
    for (let count = 0; count < 3; count += 1) queue.ask('ann', limits)
    const { refusal } = queue.ask('ann', limits)
    expect(refusal).toMatchObject({ code: 'CONCURRENCY_LIMITED', retryAfterMs: 1_000 })
    expect(refusal?.message).toMatch(/1 runs are in progress and 2 are waiting.*limits\.queue/)
    expect(queue.ask('bob', limits).turn).toBeDefined()
  })

  test('a queue of 0 refuses at once and leaves nothing behind', () => {
    using queue = openQueue(1)
    queue.ask('busy', PLENTY)
    expect(queue.ask('ann', { queue: 0 }).refusal?.code).toBe('CONCURRENCY_LIMITED')
    expect(queue.scheduler.load).toEqual({ running: 1, waiting: 0, tenants: 1 })
  })

  test('a wait that ends while the tenant is at its limit is CONCURRENCY_LIMITED', async () => {
    using queue = openQueue(100)
    const limits = { concurrency: 1, queue: 10, queueWait: millis(200) }
    queue.ask('ann', limits)
    const late = queue.ask('ann', limits)
    queue.pass(195)
    await settle()
    expect(late.refusal).toBeUndefined()
    queue.pass(30)
    await settle()
    expect(late.refusal).toMatchObject({ code: 'CONCURRENCY_LIMITED', retryAfterMs: 1_000 })
    expect(late.refusal?.message).toMatch(/limits\.concurrency allows, for 200 ms/)
  })

  test('a wait that ends while only the host is full is OVERLOADED', async () => {
    using queue = openQueue(1)
    queue.ask('busy', PLENTY)
    const late = queue.ask('ann', { ...PLENTY, queueWait: millis(100) })
    queue.pass(130)
    await settle()
    expect(late.refusal).toMatchObject({ code: 'OVERLOADED', retryAfterMs: 1_000 })
    expect(late.refusal?.message).toContain('no turn came within 100 ms (limits.queueWaitMs)')
    expect(queue.scheduler.load).toEqual({ running: 1, waiting: 0, tenants: 1 })
  })

  test('a run that was refused gets no turn afterwards, and those behind it do', async () => {
    using queue = openQueue(1)
    const busy = queue.ask('busy', PLENTY)
    const late = queue.ask('ann', { ...PLENTY, queueWait: millis(50) })
    const patient = queue.ask('ann', PLENTY)
    queue.pass(100)
    release(busy)
    await settle()
    expect(late).toMatchObject({ turn: undefined, refusal: { code: 'OVERLOADED' } })
    expect(patient.turn).toBeDefined()
  })

  test('a run whose wait is over is refused on time although one that asked earlier may wait longer', async () => {
    using queue = openQueue(1)
    queue.ask('busy', PLENTY)
    const patient = queue.ask('ann', PLENTY)
    const hasty = queue.ask('ann', { ...PLENTY, queueWait: millis(50) })
    queue.pass(100)
    await settle()
    expect(hasty.refusal?.code).toBe('OVERLOADED')
    expect(patient.refusal).toBeUndefined()
  })
})

describe('idle()', () => {
  test('resolves at once when there is nothing', async () => {
    using queue = openQueue(1)
    await queue.scheduler.idle()
  })

  test('resolves when the last run has given its turn back, not before', async () => {
    using queue = openQueue(1)
    const [first, second] = [queue.ask('ann', PLENTY), queue.ask('bob', PLENTY)]
    const seen: string[] = []
    void queue.scheduler.idle().then(() => seen.push('idle'))
    void queue.scheduler.idle().then(() => seen.push('idle, too'))
    release(first)
    await settle()
    expect(seen).toEqual([])
    release(second)
    await settle()
    expect(seen).toEqual(['idle', 'idle, too'])
    expect(queue.scheduler.load).toEqual({ running: 0, waiting: 0, tenants: 0 })
  })
})
