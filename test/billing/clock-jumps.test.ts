import { expect, test } from 'vitest'
import { createRunIds } from '../../src/core/ids.ts'
import { epochMillis } from '../../src/core/quantity.ts'
import { alice, consumed, report, stage, ticket } from './fixtures.ts'

const JUMPS = [
  '2026-03-04T11:59:59Z',
  '2026-03-03T12:00:00Z',
  '2025-01-01T00:00:00Z',
  '2026-03-05T00:00:00Z',
  '2036-01-01T00:00:00Z',
]

test.each(JUMPS)('a clock that is set to %s during a run changes neither what is charged nor when', async (to) => {
  const all = stage()
  all.budgets.set(alice, { day: { units: 1_000 }, month: { units: 1_000 } })
  using hold = await all.desk.reserve(ticket({ at: '2026-03-04T12:00:00Z' }))
  all.clock.set(to)
  const usage = await all.desk.post(hold, report({ wallMs: 250 }), consumed())
  expect(usage).toMatchObject({ units: 3, wall: 250_000 })
  expect(all.ledger.posted).toMatchObject([{ startedAt: Date.parse('2026-03-04T12:00:00Z'), usage: { units: 3 } }])
  all.clock.set('2026-03-04T13:00:00Z')
  const units = { spent: 3, held: 0, left: 997 }
  expect(await all.desk.budget(alice)).toMatchObject({ day: { units }, month: { units } })
})

test.each(JUMPS)(
  'after a jump to %s a refusal names a wait that is neither negative nor longer than a month',
  async (to) => {
    const all = stage()
    all.budgets.set(alice, { day: { units: 1 }, month: { units: 1 } })
    const admitted = ticket({ at: '2026-03-04T12:00:00Z' })
    all.clock.set(to)
    const refused = await Promise.try(() => all.desk.reserve(admitted)).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'BUDGET_EXCEEDED' })
    const { retryAfterMs } = refused as { retryAfterMs: number }
    expect(retryAfterMs).toBeGreaterThanOrEqual(0)
    expect(retryAfterMs).toBeLessThanOrEqual(31 * 86_400_000)
  },
)

test('a clock that goes back over midnight and forth again finds in each day what was spent in it', async () => {
  const all = stage()
  all.budgets.set(alice, { day: { units: 100 } })
  const spentOn = async (at: string, wallMs: number) => {
    all.clock.set(at)
    using hold = await all.desk.reserve(ticket({ at }))
    await all.desk.post(hold, report({ wallMs }), consumed())
    return (await all.desk.budget(alice)).day
  }
  expect(await spentOn('2026-03-05T00:00:01Z', 100)).toMatchObject({ period: '2026-03-05', units: { spent: 1 } })
  expect(await spentOn('2026-03-04T23:59:59Z', 200)).toMatchObject({ period: '2026-03-04', units: { spent: 2 } })
  expect(await spentOn('2026-03-05T00:00:02Z', 300)).toMatchObject({ period: '2026-03-05', units: { spent: 4 } })
})

test('ids of runs keep their order when the clock goes back', () => {
  let now = 1_772_000_000_000
  const next = createRunIds(() => now)
  const ids = [0, 5, -3_600_000, 0, -1].map((step) => {
    now += step
    return next()
  })
  expect(ids).toEqual([...new Set(ids)].toSorted())
})

test('storage of an hour is charged once, however often the clock comes back to it', async () => {
  const all = stage()
  const stored = [{ tenant: alice, bytes: 1_000 }] as never
  for (const at of ['12:00', '13:00', '12:30', '13:59']) {
    all.clock.set(`2026-03-04T${at}:00Z`)
    await all.desk.chargeStorage(stored)
  }
  const hours = all.ledger.posted.map(({ startedAt }) => new Date(startedAt).toISOString().slice(11, 16))
  expect(new Set(hours).size).toBe(hours.length)
  expect(all.ledger.posted.every(({ storedByteHours }) => storedByteHours === 1_000)).toBe(true)
  expect(await all.desk.usage(alice, { from: epochMillis(0), to: all.clock.now() }, [])).toBeDefined()
})
