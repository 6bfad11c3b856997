import { expect, test } from 'vitest'
import { createBroker } from '../../src/broker/broker.ts'
import type { Capability, Operation } from '../../src/broker/capability.ts'
import type { KvGrant } from '../../src/core/policy.ts'
import { bytes, epochMillis, millis } from '../../src/core/quantity.ts'
import type { Session } from '../../src/core/run.ts'
import type { LedgerStore } from '../../src/core/stores.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { openTemporaryStores } from '../../src/store/sqlite/open.ts'
import { ticketOf } from '../scheduler/ticket.ts'
import { record } from '../store/samples.ts'

const NOON_MS = Date.UTC(2026, 4, 5, 12)
const GRANT: KvGrant = {
  operations: 1_000,
  operationsPerDay: 10,
  keyBytes: bytes(8),
  valueBytes: bytes(8),
  keys: 8,
  storedBytes: bytes(64),
}
const USED_UP = {
  code: 'QUOTA_EXCEEDED',
  message:
    'a tenant may use kv 10 times a day (capabilities.kv.operationsPerDay); it resets at 2026-05-06T00:00:00.000Z',
}

interface World {
  open(tenant?: string, grant?: KvGrant): Session
  pass(ms: number): void
  readonly faults: unknown[]
}

function open(ledger?: Pick<LedgerStore, 'sum'>, startMs = NOON_MS): World {
  let nowMs = startMs
  const clock = { now: () => epochMillis(nowMs), elapsed: () => millis(nowMs) }
  const done: Operation<KvGrant> = { effect: 'none', run: () => Promise.resolve('1') }
  const many: Operation<KvGrant> = { ...done, weigh: (args) => Number(args[0]) }
  const kv: Capability<'kv'> = {
    name: 'kv',
    operations: new Map([
      ['get', done],
      ['getMany', many],
    ]),
    argumentsMax: () => 100,
  }
  const faults: unknown[] = []
  const broker = createBroker({
    capabilities: [kv],
    clock,
    ...(ledger && { ledger }),
    onFault: (_, error) => faults.push(error),
  })
  const base = loadPolicies([]).resolve('default')
  return {
    open: (tenant = 'alice', grant = GRANT) => broker.open(ticketOf(tenant, { ...base, capabilities: { kv: grant } })),
    pass: (ms) => void (nowMs += ms),
    faults,
  }
}

/** Calls so many times at once and says how many were answered. */
async function call(session: Session, times: number): Promise<number> {
  const answers = await Promise.all(Array.from({ length: times }, () => session.call('kv.get', '[]')))
  return answers.filter(({ ok }) => ok).length
}

const refusal = async (session: Session) => JSON.parse((await session.call('kv.get', '[]')).text) as unknown

test('all runs of a tenant share the operations of a day, exactly although they overlap', async () => {
  const world = open()
  const counts = await Promise.all(Array.from({ length: 5 }, () => call(world.open(), 3)))
  expect(counts.reduce((sum, count) => sum + count)).toBe(10)
  expect(await refusal(world.open())).toEqual(USED_UP)
})

test('one tenant cannot use up the day of another', async () => {
  const world = open()
  expect(await call(world.open('alice'), 20)).toBe(10)
  expect(await call(world.open('bob'), 20)).toBe(10)
})

test('the next UTC day begins anew, and a clock that is set back gives no day twice', async () => {
  const world = open()
  await call(world.open(), 10)
  world.pass(12 * 3_600_000 - 1)
  expect(await refusal(world.open())).toEqual(USED_UP)
  world.pass(1)
  expect(await call(world.open(), 20)).toBe(10)
  world.pass(-10_000)
  expect(await call(world.open(), 20)).toBe(0)
})

test('operations that were made without a bound count once there is one', async () => {
  const world = open()
  const { operationsPerDay: _, ...unbounded } = GRANT
  expect(await call(world.open('alice', unbounded), 8)).toBe(8)
  expect(await call(world.open(), 5)).toBe(2)
})

test('a call that counts as several takes all of them or is refused', async () => {
  const world = open()
  const session = world.open()
  expect(await session.call('kv.getMany', '[8]')).toMatchObject({ ok: true })
  expect(session.operations).toEqual({ 'kv.getMany': 8 })
  const { ok, text } = await session.call('kv.getMany', '[3]')
  expect([ok, JSON.parse(text)]).toEqual([false, USED_UP])
  const few = world.open('bob', { ...GRANT, operations: 4 })
  expect(JSON.parse((await few.call('kv.getMany', '[5]')).text)).toMatchObject({ code: 'QUOTA_EXCEEDED' })
})

test('a process that starts in the middle of a day goes on from what the ledger has of it', async () => {
  const clock = { now: () => epochMillis(NOON_MS), elapsed: () => millis(0) }
  await using stores = await openTemporaryStores({ clock })
  const post = (startedAt: number, operations: Record<string, number>) =>
    stores.ledger.post(record({ startedAt: epochMillis(startedAt), usage: { operations } }), { logs: [] })
  await post(NOON_MS - 1_000, { 'kv.get': 3, 'kv.put': 2, 'docs.get': 50 })
  await post(Date.UTC(2026, 4, 5), { 'kv.get': 1 })
  await post(Date.UTC(2026, 4, 5) - 1, { 'kv.get': 100 })
  const world = open(stores.ledger)
  // All of them arrive while the ledger is being read.
  const counts = await Promise.all([call(world.open(), 4), call(world.open(), 4)])
  expect(counts[0] + counts[1]).toBe(4)
  // What this process posts has been counted when it was made.
  await post(NOON_MS, { 'kv.get': 4 })
  expect(await refusal(world.open())).toEqual(USED_UP)
})

test('while the ledger cannot be read nothing is let through, and later it is asked again', async () => {
  let isBroken = true
  const sum: LedgerStore['sum'] = () =>
    isBroken ? Promise.reject(new Error('disk')) : Promise.resolve([{ operations: { 'kv.get': 9n } } as never])
  const world = open({ sum })
  expect(await refusal(world.open())).toMatchObject({ code: 'UNAVAILABLE' })
  expect(world.faults).toHaveLength(1)
  isBroken = false
  expect(await call(world.open(), 3)).toBe(1)
})

test('a run that ends while the ledger is being read makes no call any more', async () => {
  const read = Promise.withResolvers<never>()
  const world = open({ sum: () => read.promise })
  const session = world.open()
  const answer = session.call('kv.get', '[]')
  session[Symbol.dispose]()
  read.resolve([{ operations: {} }] as never)
  expect(JSON.parse((await answer).text)).toMatchObject({ code: 'RUN_OVER' })
  expect(session.operations).toEqual({})
})
