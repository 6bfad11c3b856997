import { expect, test } from 'vitest'
import { ERRORS, CloisterError } from '../../src/core/errors.ts'
import { OUTCOMES, RUN_STATUSES } from '../../src/core/outcome.ts'
import { TRIGGERS } from '../../src/core/run.ts'
import type { Broker, Lease, Pool, Report, RunRequest, Scheduler, Session, Ticket } from '../../src/core/run.ts'
import { createExecute } from '../../src/execute.ts'
import { alice, report, stage, ticket } from './fixtures.ts'

type Stage = 'admit' | 'acquire' | 'lease' | 'run'

interface Fault {
  readonly at: Stage
  readonly error: CloisterError
}

/** The real path of a run over the real billing stage; the stages around it do what a test says. */
function pathOf(ends: Report, fault?: Fault) {
  const all = stage()
  const at = (name: Stage): void => {
    if (fault?.at === name) throw fault.error
  }
  const admit = (request: RunRequest): Ticket => {
    at('admit')
    return { ...ticket({ kvOperations: 10 }), request }
  }
  const session: Session = {
    call: () => Promise.reject(new Error('not called')),
    operations: { 'kv.get': 2 },
    traffic: { egress: ends.peakMemory, ingress: ends.peakMemory },
    hadEffects: false,
    [Symbol.dispose]() {},
  }
  const scheduler: Scheduler = {
    acquire(admitted) {
      at('acquire')
      return { ticket: admitted, [Symbol.dispose]() {} }
    },
  }
  const lease: Lease = {
    walls: 'B',
    run() {
      at('run')
      return Promise.resolve(ends)
    },
    [Symbol.dispose]() {},
  }
  const pool: Pool = {
    lease() {
      at('lease')
      return lease
    },
  }
  const broker: Broker = { open: () => session }
  return {
    ...all,
    execute: createExecute({ ...all, admission: { admit }, billing: all.desk, scheduler, pool, broker }),
  }
}

const request = (trigger: RunRequest['trigger']): RunRequest => ({ ...ticket().request, trigger })
const everyEnding = TRIGGERS.flatMap((trigger) => RUN_STATUSES.map((status) => [trigger, status] as const))

test.each(everyEnding)('a run by %s that ends as %s is in the ledger once, and is charged', async (trigger, status) => {
  const { execute, ledger, desk } = pathOf(report({ status, wallMs: 101 }))
  const outcome = await execute(request(trigger))
  expect(outcome).toMatchObject({ status, billed: true, usage: { units: 2 } })
  expect(ledger.posted).toMatchObject([{ run: outcome.run, tenant: alice, trigger, status, usage: { units: 2 } }])
  const { lines, records } = await desk.bill(alice)
  expect(records).toBe(1)
  expect(lines.find(({ line }) => line === 'requests')).toMatchObject({ quantity: '1' })
})

const refusals: readonly (readonly [Stage, CloisterError['code']])[] = [
  ['admit', 'RATE_LIMITED'],
  ['admit', 'WALLS_TOO_WEAK'],
  ['admit', 'TOO_LARGE'],
  ['admit', 'DRAINING'],
  ['acquire', 'CONCURRENCY_LIMITED'],
  ['acquire', 'OVERLOADED'],
  ['lease', 'OVERLOADED'],
  ['run', 'INTERNAL'],
]
test.each(TRIGGERS.flatMap((trigger) => refusals.map(([at, code]) => [trigger, at, code] as const)))(
  'a run by %s for which %s throws %s is in no ledger and holds nothing of the budget',
  async (trigger, at, code) => {
    const { execute, ledger, budgets, desk } = pathOf(report(), { at, error: new CloisterError(code, 'no') })
    budgets.set(alice, { day: { units: 100 } })
    await expect(execute(request(trigger))).rejects.toMatchObject({ code })
    expect(ledger.posted).toEqual([])
    expect(await desk.budget(alice)).toMatchObject({ day: { units: { spent: 0, held: 0 } } })
  },
)

test.each(TRIGGERS)(
  'a run by %s that was cancelled before it started, or whose budget is gone, is free',
  async (trigger) => {
    const cancelled = pathOf(report())
    await expect(cancelled.execute({ ...request(trigger), signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'CANCELLED',
    })
    const poor = pathOf(report())
    poor.budgets.set(alice, { day: { units: 1 } })
    await expect(poor.execute(request(trigger))).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' })
    expect([...cancelled.ledger.posted, ...poor.ledger.posted]).toEqual([])
  },
)

test('a budget that is raised lets in the very next run, also while others are in progress', async () => {
  const { execute, budgets, desk } = pathOf(report({ wallMs: 10 }))
  budgets.set(alice, { day: { units: 11 } })
  using _open = await desk.reserve(ticket({ wallMs: 1_050 }))
  await expect(execute(request('execute'))).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' })
  budgets.set(alice, { day: { units: 22 } })
  expect(await execute(request('execute'))).toMatchObject({ status: 'ok' })
  budgets.set(alice, { day: { units: 12 } })
  await expect(execute(request('execute'))).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' })
})

test('no code says both that a run was refused and that it was charged', () => {
  expect(Object.keys(ERRORS).filter((code) => Object.hasOwn(OUTCOMES, code))).toEqual([])
})
