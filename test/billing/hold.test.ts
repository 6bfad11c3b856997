import { expect, test } from 'vitest'
import { micros, millisToMicros } from '../../src/core/quantity.ts'
import { alice, report, stage, ticket, consumed } from './fixtures.ts'

const used = async ({ desk }: ReturnType<typeof stage>) => {
  const { day } = await desk.budget(alice)
  return { spent: day?.units.spent, held: day?.units.held }
}

test('a hold sets the worst case aside, and a post turns it into what was used', async () => {
  const all = stage()
  all.budgets.set(alice, { day: { units: 100 } })
  using hold = await all.desk.reserve(ticket({ wallMs: 1_050 }))
  expect(await used(all)).toEqual({ spent: 0, held: 11 })
  expect(await all.desk.post(hold, report({ wallMs: 250 }), consumed())).toMatchObject({ units: 3 })
  expect(await used(all)).toEqual({ spent: 3, held: 0 })
})

test('a run that throws before it is settled costs nothing', async () => {
  const all = stage()
  all.budgets.set(alice, { day: { units: 100 } })
  const path = async () => {
    using _hold = await all.desk.reserve(ticket())
    throw new Error('cell died')
  }
  await expect(path()).rejects.toThrow('cell died')
  expect(await used(all)).toEqual({ spent: 0, held: 0 })
  expect(all.ledger.posted).toEqual([])
})

test('the record says what ran, when, how it ended and inside which walls; details keep error, logs and the reason of a kill', async () => {
  const all = stage()
  using admitted = ticket({ at: '2026-03-04T11:59:59Z' })
  using hold = await all.desk.reserve(admitted)
  const error = { name: 'Error', message: 'no', stack: '' }
  const logs = [{ level: 'info', message: 'hello' }] as const
  const usage = await all.desk.post(
    hold,
    report({ status: 'error', error, logs, walls: 'B', killReason: 'memory' }),
    consumed(),
  )
  expect(all.ledger.posted).toEqual([
    {
      run: admitted.run,
      tenant: 'alice',
      trigger: 'execute',
      status: 'error',
      startedAt: admitted.admittedAt,
      usage,
      policy: 'default',
      walls: 'B',
      details: { error, logs, killReason: 'memory' },
    },
  ])
})

test('what is charged ends at the limit, and how late the host was is kept beside it', async () => {
  const all = stage()
  using admitted = ticket()
  using hold = await all.desk.reserve(admitted)
  const limit = millisToMicros(admitted.wall)
  const usage = await all.desk.post(hold, report({ status: 'timeout', wall: micros(limit + 70_000) }), consumed())
  expect(usage.wall).toBe(limit)
  expect(all.ledger.posted[0]?.details.overdue).toBe(70_000)
})

test('the answer waits for the commit', async () => {
  const all = stage()
  const commit = Promise.withResolvers<void>()
  all.ledger.step = (name) => (name === 'committed' ? commit.promise : undefined)
  using hold = await all.desk.reserve(ticket())
  const order: string[] = []
  const post = all.desk.post(hold, report(), consumed()).then(() => order.push('answered'))
  await Promise.resolve()
  order.push('committed')
  commit.resolve()
  await post
  expect(order).toEqual(['committed', 'answered'])
})

test('a post that the ledger refuses goes up and leaves nothing held or spent', async () => {
  const all = stage()
  all.budgets.set(alice, { day: { units: 100 } })
  const failure = new Error('disk is full')
  all.ledger.step = (name) => (name === 'commit' ? Promise.reject(failure) : undefined)
  using hold = await all.desk.reserve(ticket())
  await expect(all.desk.post(hold, report(), consumed())).rejects.toBe(failure)
  expect(await used(all)).toEqual({ spent: 0, held: 0 })
})

test('a commit that failed after it was written is found in the ledger, not guessed', async () => {
  const all = stage()
  all.budgets.set(alice, { day: { units: 100 } })
  all.ledger.step = (name) => (name === 'committed' ? Promise.reject(new Error('no answer')) : undefined)
  using hold = await all.desk.reserve(ticket())
  await expect(all.desk.post(hold, report({ wallMs: 250 }), consumed())).rejects.toThrow('no answer')
  expect(await used(all)).toEqual({ spent: 3, held: 0 })
})

test('posting twice, or after the scope, is a bug and is said so', async () => {
  const { desk, ledger } = stage()
  using hold = await desk.reserve(ticket())
  await desk.post(hold, report(), consumed())
  await expect(desk.post(hold, report(), consumed())).rejects.toThrow('a hold is posted once')
  const voided = await desk.reserve(ticket())
  voided[Symbol.dispose]()
  voided[Symbol.dispose]()
  await expect(desk.post(voided, report(), consumed())).rejects.toThrow('a hold is posted once')
  await expect(
    desk.post({ ticket: ticket(), allow: () => true, [Symbol.dispose]() {} }, report(), consumed()),
  ).rejects.toThrow('comes from reserve')
  expect(ledger.posted).toHaveLength(1)
})

test('a scope that ends while its post is under way leaves the post to finish', async () => {
  const all = stage()
  all.budgets.set(alice, { day: { units: 100 } })
  const hold = await all.desk.reserve(ticket())
  const post = all.desk.post(hold, report(), consumed())
  hold[Symbol.dispose]()
  await post
  expect(await used(all)).toEqual({ spent: 1, held: 0 })
})

test('records are exported as NDJSON, each with the bytes that its hash covers', async () => {
  const { desk } = stage()
  for (const at of ['2026-02-01', '2026-03-01', '2026-03-02']) {
    using hold = await desk.reserve(ticket({ at }))
    await desk.post(hold, report(), consumed())
  }
  const lines = await Array.fromAsync(desk.records(alice))
  expect(lines).toHaveLength(3)
  const [first, second] = lines.map((line) => JSON.parse(line))
  expect(lines.every((line) => line.indexOf('\n') === line.length - 1)).toBe(true)
  expect(Object.keys(first)).toEqual(['sequence', 'previousHash', 'hash', 'canonical'])
  expect(second.previousHash).toBe(first.hash)
  expect(JSON.parse(first.canonical)).toMatchObject({ status: 'ok' })
  expect(await Array.fromAsync(desk.records(alice, '2026-03'))).toHaveLength(2)
})

test('verification walks the whole chain', async () => {
  const { desk } = stage()
  for (const at of ['2020-01-01', '2026-03-01']) {
    using hold = await desk.reserve(ticket({ at }))
    await desk.post(hold, report(), consumed())
  }
  const last = JSON.parse((await Array.fromAsync(desk.records(alice))).at(-1)!)
  expect(await desk.verify(alice)).toEqual({ ok: true, records: 2, head: last.hash })
})
