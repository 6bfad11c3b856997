import { describe, expect, test } from 'vitest'
import { CloisterError } from '../../src/core/errors.ts'
import { nanoUsd } from '../../src/core/quantity.ts'
import type { Hold } from '../../src/core/run.ts'
import { type Stage, alice, bob, report, stage, ticket, consumed } from './fixtures.ts'

type Fields = Parameters<typeof ticket>[0]

/** A run of `wallMs` that is charged at once. */
async function spend({ desk }: Stage, wallMs: number, fields: Fields = {}): Promise<void> {
  using hold = await desk.reserve(ticket(fields))
  await desk.post(hold, report({ wallMs }), consumed())
}

/** What reserve answered: it must not have read anything to do so. */
function atOnce(answer: Hold | Promise<Hold>): Hold {
  expect(answer).not.toBeInstanceOf(Promise)
  return answer as Hold
}

async function refusal({ desk }: Stage, fields: Fields = {}): Promise<CloisterError> {
  try {
    using _hold = await desk.reserve(ticket(fields))
  } catch (error) {
    expect(error).toBeInstanceOf(CloisterError)
    return error as CloisterError
  }
  throw new Error('the run was let in')
}

test('a tenant without a budget is never read about, and never waits', async () => {
  const all = stage()
  for (const budget of [{}, { day: {} }, { day: {}, month: {} }]) {
    all.budgets.set(alice, budget)
    using hold = atOnce(all.desk.reserve(ticket()))
    await all.desk.post(hold, report(), consumed())
  }
  expect(all.ledger.reads).toBe(0)
})

test('the first run of a tenant with a budget waits for its sums, the next do not', async () => {
  const all = stage()
  all.budgets.set(alice, { day: { units: 100 } })
  const first = all.desk.reserve(ticket())
  expect(first).toBeInstanceOf(Promise)
  using _first = await first
  using _second = atOnce(all.desk.reserve(ticket()))
  expect(all.ledger.reads).toBe(2)
})

test('an idle account is remembered', async () => {
  const all = stage()
  all.budgets.set(alice, { day: { units: 100 } })
  await spend(all, 100)
  atOnce(all.desk.reserve(ticket()))[Symbol.dispose]()
})

test('first runs that come together share one read', async () => {
  const all = stage()
  all.budgets.set(alice, { day: { units: 33 } })
  const answers = await Promise.allSettled(Array.from({ length: 10 }, async () => all.desk.reserve(ticket())))
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
  expect(all.ledger.reads).toBe(2)
})

test('what the ledger holds from before counts', async () => {
  const before = stage()
  await spend(before, 5_000, { wallMs: 5_050 })
  const all = stage()
  all.ledger.posted.push(...before.ledger.posted)
  all.budgets.set(alice, { day: { units: 60 } })
  expect((await refusal(all)).message).toContain('10 of 60 units are left')
})

test('a run starts only if its worst case fits: the last unit can be spent, none beyond it', async () => {
  const all = stage()
  all.budgets.set(alice, { day: { units: 22 } })
  using _first = await all.desk.reserve(ticket({ wallMs: 1_050 }))
  {
    using _second = await all.desk.reserve(ticket({ wallMs: 1_050 }))
    await refusal(all, { wallMs: 1 })
  }
  await refusal(all, { wallMs: 1_101 })
  using _third = await all.desk.reserve(ticket({ wallMs: 1_050 }))
})

test('a refusal says what is left, what the run could need and when the budget resets', async () => {
  const all = stage()
  all.budgets.set(alice, { day: { units: 20 } })
  await spend(all, 250)
  using _open = await all.desk.reserve(ticket({ wallMs: 50 }))
  const error = await refusal(all, { wallMs: 2_050 })
  expect(error).toMatchObject({ code: 'BUDGET_EXCEEDED', retryAfterMs: 12 * 3_600_000 })
  expect(error.message).toBe(
    'over budget: 16 of 20 units are left for the day 2026-03-04 (3 spent, 1 held for runs in progress), ' +
      'this run could need 21, the budget resets at 2026-03-05T00:00:00.000Z',
  )
})

test('a budget in money stops a run whose worst case costs too much, to the billionth', async () => {
  const all = stage()
  // 11 units × 128 MiB and one request.
  const worst = 2_292n + 200n
  all.budgets.set(alice, { month: { money: nanoUsd(worst) } })
  atOnce(await all.desk.reserve(ticket({ kvOperations: 10 })))[Symbol.dispose]()
  all.budgets.set(alice, { month: { money: nanoUsd(worst - 1n) } })
  const error = await refusal(all, { kvOperations: 10 })
  expect(error.message).toBe(
    'over budget: 0.000002491 of 0.000002491 USD are left for the month 2026-03 (0.000000000 spent, 0.000000000 held ' +
      'for runs in progress), this run could need 0.000002492, the budget resets at 2026-04-01T00:00:00.000Z',
  )
})

test('day and month are both looked at, and the later reset is the one that counts', async () => {
  const all = stage()
  all.budgets.set(alice, { day: { units: 20 }, month: { units: 30 } })
  await spend(all, 1_000)
  expect(await refusal(all)).toMatchObject({ retryAfterMs: 12 * 3_600_000 })
  all.clock.set('2026-03-05T12:00:00Z')
  await spend(all, 1_000, { at: '2026-03-05T12:00:00Z' })
  const error = await refusal(all, { at: '2026-03-05T12:00:00Z' })
  expect(error.message).toMatch(/for the day 2026-03-05.*; 10 of 30 units are left for the month 2026-03/)
  expect(error.retryAfterMs).toBe((27 * 24 - 12) * 3_600_000)
})

test('a new day begins at midnight UTC with nothing spent', async () => {
  const all = stage()
  all.budgets.set(alice, { day: { units: 11 } })
  await spend(all, 1_000, { at: '2026-03-04T23:59:59.999Z' })
  await refusal(all, { at: '2026-03-04T23:59:59.999Z' })
  all.clock.set('2026-03-05')
  await spend(all, 1_000, { at: '2026-03-05T00:00:00.000Z' })
})

test('a run that is admitted before midnight and ends after it is charged to the day before', async () => {
  const all = stage()
  all.budgets.set(alice, { day: { units: 15 }, month: { units: 1_000 } })
  using late = await all.desk.reserve(ticket({ at: '2026-03-31T23:59:59.999Z' }))
  all.clock.set('2026-04-01T00:00:01Z')
  using _next = await all.desk.reserve(ticket({ at: '2026-04-01T00:00:01Z' }))
  await all.desk.post(late, report({ wallMs: 1_000 }), consumed())
  const { day, month } = await all.desk.budget(alice)
  expect(day).toMatchObject({ period: '2026-04-01', units: { spent: 0, held: 11, limit: 15, left: 4 } })
  expect(month).toMatchObject({
    period: '2026-04',
    resetsAt: '2026-05-01T00:00:00.000Z',
    units: { spent: 0, held: 11 },
  })
  // The day before still knows, for whoever was admitted in it and comes late.
  await refusal(all, { at: '2026-03-31T23:59:59.999Z' })
})

test('a changed budget takes effect with the next run', async () => {
  const all = stage()
  all.budgets.set(alice, { day: { units: 11 } })
  using _hold = await all.desk.reserve(ticket())
  await refusal(all)
  all.budgets.set(alice, { day: { units: 22 } })
  using _second = atOnce(all.desk.reserve(ticket()))
  all.budgets.set(alice, { day: { units: 5 } })
  expect((await refusal(all)).message).toContain('0 of 5 units are left')
})

test('runs that were open before there was a budget count against it', async () => {
  const all = stage()
  using early = atOnce(all.desk.reserve(ticket()))
  all.budgets.set(alice, { day: { units: 21 } })
  await refusal(all)
  await all.desk.post(early, report({ wallMs: 1_001 }), consumed())
  expect((await refusal(all)).message).toContain('10 of 21 units are left')
})

test('a budget that was taken away and given back knows what was spent meanwhile', async () => {
  const all = stage()
  all.budgets.set(alice, { day: { units: 100 } })
  await spend(all, 1_000)
  all.budgets.delete(alice)
  await spend(all, 500)
  all.budgets.set(alice, { day: { units: 20 } })
  expect((await refusal(all)).message).toContain('5 of 20 units are left')
})

test('tenants do not share a budget', async () => {
  const all = stage()
  all.budgets.set(alice, { day: { units: 11 } })
  all.budgets.set(bob, { day: { units: 11 } })
  using _alice = await all.desk.reserve(ticket())
  using _bob = await all.desk.reserve(ticket({ tenant: bob }))
})

test('a ledger that cannot be read refuses the run, and the next one tries again', async () => {
  const all = stage()
  all.budgets.set(alice, { day: { units: 11 } })
  all.ledger.step = () => Promise.reject(new CloisterError('INTERNAL', 'the disk is gone'))
  await expect(all.desk.reserve(ticket())).rejects.toThrow('the disk is gone')
  all.ledger.step = () => undefined
  using _hold = await all.desk.reserve(ticket())
})

test('the status of a budget is plain JSON', async () => {
  const all = stage()
  all.budgets.set(alice, { day: { units: 100 }, month: { money: nanoUsd(1_000_000_000n) } })
  await spend(all, 100)
  expect(JSON.parse(JSON.stringify(await all.desk.budget(alice)))).toEqual({
    day: {
      period: '2026-03-04',
      resetsAt: '2026-03-05T00:00:00.000Z',
      units: { limit: 100, spent: 1, held: 0, left: 99 },
      usd: { spent: '0.000000408', held: '0.000000000' },
    },
    month: {
      period: '2026-03',
      resetsAt: '2026-04-01T00:00:00.000Z',
      units: { spent: 1, held: 0 },
      usd: { limit: '1.000000000', spent: '0.000000408', held: '0.000000000', left: '0.999999592' },
    },
  })
})

describe('operations', () => {
  /** Room for the run itself and `operations` writes to kv, at 5,000 nanoUSD each, and not one more. */
  const roomFor = async (all: Stage, operations: bigint): Promise<void> => {
    all.budgets.set(alice, { month: { money: nanoUsd(10n ** 12n) } })
    using hold = await all.desk.reserve(ticket())
    const { month } = await all.desk.budget(alice)
    const worst = BigInt(month!.usd.held.replace('.', ''))
    expect(hold.allow('kv.put', 1)).toBe(true)
    all.budgets.set(alice, { month: { money: nanoUsd(worst + operations * 5_000n) } })
  }

  test('are made while their price fits what is left, and given back when the run is void', async () => {
    const all = stage()
    await roomFor(all, 3n)
    for (let round = 0; round < 2; round += 1) {
      using hold = await all.desk.reserve(ticket())
      expect([2, 2, 1, 1].map((count) => hold.allow('kv.put', count))).toEqual([true, false, true, false])
      // What has no price is not held up.
      expect(hold.allow('kv.watch', 1_000)).toBe(true)
    }
    expect((await all.desk.budget(alice)).month!.usd.held).toBe('0.000000000')
  })

  test('of a run count against what another may start or do', async () => {
    const all = stage()
    await roomFor(all, 3n)
    const worst = await all.desk.reserve(ticket())
    expect(worst.allow('kv.put', 3)).toBe(true)
    expect((await refusal(all)).code).toBe('BUDGET_EXCEEDED')
    worst[Symbol.dispose]()
    expect(worst.allow('kv.put', 1)).toBe(false)
    ;(await all.desk.reserve(ticket()))[Symbol.dispose]()
  })

  test('that were made before there was a budget are held under the one that comes', async () => {
    const all = stage()
    using hold = await all.desk.reserve(ticket())
    expect(hold.allow('kv.put', 3)).toBe(true)
    expect(all.ledger.reads).toBe(0)
    all.budgets.set(alice, { month: { money: nanoUsd(10n ** 12n) } })
    const before = BigInt((await all.desk.budget(alice)).month!.usd.held.replace('.', ''))
    expect(await hold.allow('kv.put', 1)).toBe(true)
    const after = BigInt((await all.desk.budget(alice)).month!.usd.held.replace('.', ''))
    expect(after - before).toBe(5_000n)
    expect(before).toBeGreaterThanOrEqual(15_000n)
  })

  test('of a thousand runs at once never overspend', async () => {
    const all = stage()
    all.budgets.set(alice, { month: { money: nanoUsd(10n ** 12n) } })
    const holds = await Promise.all(Array.from({ length: 1_000 }, () => all.desk.reserve(ticket())))
    const worst = BigInt((await all.desk.budget(alice)).month!.usd.held.replace('.', ''))
    all.budgets.set(alice, { month: { money: nanoUsd(worst + 1_234n * 5_000n) } })
    let made = 0
    for (let round = 0; round < 5; round += 1) for (const hold of holds) if (hold.allow('kv.put', 1) === true) made += 1
    expect(made).toBe(1_234)
    for (const hold of holds) hold[Symbol.dispose]()
  })
})
