import { expect, onTestFinished, test } from 'vitest'
import { listen } from '../../src/core/events.ts'
import type { TenantId } from '../../src/core/ids.ts'
import { nanoUsd } from '../../src/core/quantity.ts'
import { type Stage, alice, bob, consumed, report, stage, ticket, timeOf } from './fixtures.ts'

/** The budget warnings from now on, as `tenant period measure percent`. */
function warnings(): string[] {
  const told: string[] = []
  const stop = listen('budget.warning', ({ tenant, period, measure, percent }) => {
    told.push(`${tenant} ${period} ${measure} ${percent}`)
  })
  onTestFinished(stop)
  return told
}

interface Run {
  readonly units: number
  readonly tenant?: TenantId
  readonly at?: string
  readonly memoryMb?: number
}

async function run({ desk, clock }: Stage, { units, tenant = alice, at, memoryMb = 128 }: Run): Promise<void> {
  if (at !== undefined) clock.at = timeOf(at)
  const admitted = ticket({ tenant, wallMs: units * 100, memoryMb, ...(at !== undefined && { at }) })
  using hold = await desk.reserve(admitted)
  await desk.post(hold, report({ wallMs: units * 100 }), consumed())
}

test('each share of a budget is told once, and the next day again', async () => {
  const all = stage()
  const told = warnings()
  all.budgets.set(alice, { day: { units: 100 } })
  for (const units of [49, 1, 10, 20, 10]) await run(all, { units })
  expect(told).toEqual(['alice 2026-03-04 units 50', 'alice 2026-03-04 units 80'])
  await run(all, { units: 10 })
  expect(told.slice(2)).toEqual(['alice 2026-03-04 units 100'])
  await run(all, { units: 90, at: '2026-03-05T01:00:00Z' })
  expect(told.slice(3)).toEqual(['alice 2026-03-05 units 80'])
})

test('a run that is refused makes it 100, however often it is tried', async () => {
  const all = stage()
  const told = warnings()
  all.budgets.set(alice, { day: { units: 100 }, month: { units: 200 } })
  await run(all, { units: 60 })
  for (let index = 0; index < 3; index += 1) {
    await expect(run(all, { units: 41 })).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' })
  }
  expect(told).toEqual(['alice 2026-03-04 units 50', 'alice 2026-03-04 units 100'])
})

test('money, months and tenants are told apart, and a tenant without a budget is never warned', async () => {
  const all = stage()
  const told = warnings()
  all.budgets.set(alice, { month: { units: 100, money: nanoUsd(20_000n) } })
  await run(all, { units: 60 })
  await run(all, { units: 60, tenant: bob })
  expect(told.toSorted()).toEqual(['alice 2026-03 money 50', 'alice 2026-03 units 50'])
})

test('a budget that is raised is warned about anew', async () => {
  const all = stage()
  const told = warnings()
  all.budgets.set(alice, { day: { units: 10 } })
  await run(all, { units: 10 })
  all.budgets.set(alice, { day: { units: 40 } })
  await run(all, { units: 10 })
  expect(told).toEqual(['alice 2026-03-04 units 100', 'alice 2026-03-04 units 50'])
})

test('the state of a budget says which share was passed', async () => {
  const all = stage()
  all.budgets.set(alice, { day: { units: 10 }, month: { units: 1_000 } })
  await run(all, { units: 8 })
  const { day, month } = await all.desk.budget(alice)
  expect(day?.units).toMatchObject({ spent: 8, left: 2, warning: 80 })
  expect(month?.units).not.toHaveProperty('warning')
})

test('an hour that costs ten times the usual one of the week before is told, growth is not', async () => {
  const all = stage()
  const told: object[] = []
  onTestFinished(listen('spend.anomaly', (anomaly) => told.push(anomaly)))
  // A run of 10,000 units in 1 GiB costs about 1.7 cents.
  const usual = { units: 10_000, memoryMb: 1_024 }
  for (let day = 1; day <= 7; day += 1) {
    for (const hour of ['00', '04', '08', '12', '16', '20']) {
      await run(all, { ...usual, at: `2026-03-0${day}T${hour}:10:00Z` })
    }
  }
  await run(all, { ...usual, at: '2026-03-08T00:10:00Z' })
  all.clock.set('2026-03-08T01:00:30Z')
  await all.desk.lookForAnomalies([alice, bob])
  expect(told).toEqual([])
  for (let index = 0; index < 5; index += 1) await run(all, { ...usual, at: '2026-03-08T01:10:00Z' })
  await run(all, { ...usual, tenant: bob, at: '2026-03-08T01:10:00Z' })
  all.clock.set('2026-03-08T02:00:30Z')
  await all.desk.lookForAnomalies([alice, bob])
  expect(told).toMatchObject([{ tenant: alice, hour: '2026-03-08T01:00:00.000Z', times: 20 }])
})
