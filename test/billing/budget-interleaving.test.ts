import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dayOf, monthOf, within } from '../../src/billing/period.ts'
import { highestCost, worthOf } from '../../src/billing/price.ts'
import { NO_SPEND, plus, spendOfRun, worstCase } from '../../src/billing/spend.ts'
import type { Ticket } from '../../src/core/run.ts'
import type { MemoryLedger } from './memory-ledger.ts'
import type { PriceBook } from '../../src/billing/price-book.ts'
import { formatNanoUsd } from '../../src/billing/decimal.ts'
import { CloisterError } from '../../src/core/errors.ts'
import { nanoUsd } from '../../src/core/quantity.ts'
import type { Budget } from '../../src/core/stores.ts'
import { alice, book, report, stage, ticket, timeOf, consumed } from './fixtures.ts'

/** Two lines with prices that are not whole nanoUSD, so that rounding can go wrong if it ever does. */
const oddBook = book({
  compute: '0.0000166667',
  request: '0.20',
  cpu: '0.0000033333',
  read: '0.123457',
  write: '5.000001',
})

const moments = [
  '2026-02-28T23:59:59.990Z',
  '2026-02-28T23:59:59.999Z',
  '2026-03-01T00:00:00.000Z',
  '2026-03-01T12:00:00Z',
]

const life = fc.record({
  at: fc.constantFrom(...moments),
  wallMs: fc.integer({ min: 1, max: 2_000 }),
  cpuMs: fc.integer({ min: 1, max: 2_000 }),
  memoryMb: fc.constantFrom(64, 128, 129),
  kvOperations: fc.option(fc.nat(20), { nil: undefined }),
  used: fc.record({ wallMs: fc.nat(3_000), cpuMs: fc.nat(3_000) }),
  operations: fc.record({ 'kv.get': fc.nat(15), 'kv.put': fc.nat(15) }),
  ending: fc.constantFrom('post', 'post', 'post', 'void'),
})

const budgets: fc.Arbitrary<Budget> = fc.record({
  day: fc.record({ units: fc.integer({ min: 0, max: 100 }), money: fc.bigInt(0n, 300_000n).map(nanoUsd) }),
  month: fc.record({ units: fc.integer({ min: 0, max: 120 }), money: fc.bigInt(0n, 400_000n).map(nanoUsd) }),
})

type Life = typeof life extends fc.Arbitrary<infer Value> ? Value : never

interface Case {
  readonly lives: readonly Life[]
  readonly budget: Budget
  readonly priceBook: PriceBook
  /** Whether the tenant's budget is absent from this reserve to the next. */
  readonly withoutBudget: (index: number) => boolean
  /** Where the nth commit fails. */
  readonly failing: (post: number) => 'commit' | 'committed' | undefined
}

/** Runs lives against each other, each step of the ledger in an order that the scheduler picks. */
async function interleave(scheduler: fc.Scheduler, { lives, budget, priceBook, withoutBudget, failing }: Case) {
  const all = stage({ priceBook })
  /** Runs with a hold, and what their operations are worth that were allowed. */
  const open = new Map<Ticket, bigint>()
  const isLimited = !lives.some((_, index) => withoutBudget(index))
  const check = () => {
    if (isLimited) expectWithinBudget(all.ledger, open, { budget, priceBook })
  }
  let posts = 0
  all.ledger.step = async (name) => {
    await scheduler.schedule(Promise.resolve(), name)
    check()
    if (name === 'commit') posts += 1
    if (name.startsWith('commit') && failing(posts) === name) throw new CloisterError('INTERNAL', 'the disk failed')
  }
  const runs = lives.map(async (one, index) => {
    await scheduler.schedule(Promise.resolve(), 'arrive')
    all.budgets.set(alice, withoutBudget(index) ? {} : budget)
    const admitted = ticket(one)
    try {
      using hold = await all.desk.reserve(admitted)
      open.set(admitted, 0n)
      check()
      await scheduler.schedule(Promise.resolve(), 'run')
      const made: Record<string, number> = {}
      for (const [name, count] of Object.entries(one.operations)) {
        if (count === 0 || !(await hold.allow(name, count))) continue
        made[name] = count
        open.set(admitted, open.get(admitted)! + priceBook.operationWeights.get(name)! * BigInt(count))
        check()
        await scheduler.schedule(Promise.resolve(), 'operation')
      }
      if (one.ending === 'post') await all.desk.post(hold, report(one.used), consumed(made))
    } catch (error) {
      if (!(error instanceof CloisterError)) throw error
    }
    open.delete(admitted)
    check()
  })
  await scheduler.waitFor(Promise.all(runs))
  all.budgets.set(alice, budget)
  all.ledger.step = () => undefined
  for (const at of moments) {
    all.clock.set(at)
    await expectStatusIsLedger(all, priceBook)
  }
}

/** What the ledger holds and what open holds may add, counted here anew: a hold ends when its record is there. */
function expectWithinBudget(
  { posted }: MemoryLedger,
  open: ReadonlyMap<Ticket, bigint>,
  { budget, priceBook }: { budget: Budget; priceBook: PriceBook },
) {
  const settled = new Set(posted.map(({ run }) => run))
  const spends = [
    ...posted.map(({ startedAt, usage }) => ({ at: startedAt, spend: spendOfRun(usage, priceBook) })),
    ...Array.from(open)
      .filter(([{ run }]) => !settled.has(run))
      .map(([each, worth]) => ({
        at: each.admittedAt,
        spend: plus(worstCase(each, priceBook), { units: 0n, worth }),
      })),
  ]
  for (const period of moments.flatMap((text) => [dayOf(timeOf(text)), monthOf(timeOf(text))])) {
    const total = spends.filter(({ at }) => within(period, at)).reduce((sum, { spend }) => plus(sum, spend), NO_SPEND)
    expect(total.units).toBeLessThanOrEqual(BigInt(budget[period.kind]!.units!))
    expect(highestCost(total.worth, priceBook)).toBeLessThanOrEqual(budget[period.kind]!.money!)
  }
}

async function expectStatusIsLedger({ desk, ledger, clock }: ReturnType<typeof stage>, priceBook: PriceBook) {
  const status = await desk.budget(alice)
  for (const period of [dayOf(clock.now()), monthOf(clock.now())]) {
    const [sums] = await ledger.sum(alice, period, [])
    const { units, usd } = status[period.kind]!
    expect(units).toMatchObject({ spent: Number(sums!.units), held: 0 })
    expect(usd.held).toBe('0.000000000')
    expect(usd.spent).toBe(formatNanoUsd(highestCost(worthOf(sums!, priceBook), priceBook)))
  }
}

const lives = fc.array(life, { minLength: 1, maxLength: 12 })
const priceBooks = fc.constantFrom(
  oddBook,
  book({ compute: '0.0000166667', request: '0.20', read: '0.50', write: '5.00' }),
)

test('whatever the order, no budget is ever passed, and what it thinks was spent is what the ledger holds', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), lives, budgets, priceBooks, async (scheduler, all, budget, priceBook) => {
      await interleave(scheduler, {
        lives: all,
        budget,
        priceBook,
        withoutBudget: () => false,
        failing: () => undefined,
      })
    }),
    { numRuns: 300 },
  )
})

test('commits that fail, before or after they are written, leave no trace in the budget but what the ledger holds', async () => {
  const failures = fc.array(fc.constantFrom('commit', 'committed', undefined), { minLength: 12, maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), lives, budgets, failures, async (scheduler, all, budget, failing) => {
      const failed = (post: number) => failing[post % failing.length]
      await interleave(scheduler, {
        lives: all,
        budget,
        priceBook: oddBook,
        withoutBudget: () => false,
        failing: failed,
      })
    }),
    { numRuns: 200 },
  )
})

test('a budget that comes and goes between runs never loses count', async () => {
  const gaps = fc.array(fc.boolean(), { minLength: 12, maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), lives, budgets, gaps, async (scheduler, all, budget, without) => {
      const withoutBudget = (index: number) => without[index] === true
      await interleave(scheduler, { lives: all, budget, priceBook: oddBook, withoutBudget, failing: () => undefined })
    }),
    { numRuns: 200 },
  )
})
