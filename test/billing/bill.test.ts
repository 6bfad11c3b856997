import { expect, test } from 'vitest'
import { RUN_STATUSES } from '../../src/core/outcome.ts'
import type { Report } from '../../src/core/run.ts'
import { type Stage, alice, bob, bookDocument, report, stage, ticket, consumed } from './fixtures.ts'
import { parsePriceBook } from '../../src/billing/price-book.ts'

interface RunFields {
  at?: string
  tenant?: typeof alice
  report?: Partial<Report> & { wallMs?: number; cpuMs?: number }
  operations?: Record<string, number>
}

async function run({ desk }: Stage, { operations = {}, report: seen = {}, ...fields }: RunFields = {}): Promise<void> {
  using hold = await desk.reserve(ticket({ ...fields, kvOperations: 100 }))
  await desk.post(hold, report(seen), consumed(operations))
}

function unused(line: string, unitPrice: string): object {
  const description = expect.stringMatching(/^Operations: \w+[.]/)
  return { line: `operations:${line}`, description, quantity: '0', unit: 'operation', unitPrice, amount: '0.000000000' }
}

test('a bill shows each priced quantity, what it comes to, and what it was made from', async () => {
  const all = stage()
  await run(all, { operations: { 'kv.put': 2, 'kv.get': 3 }, report: { coldStart: true, result: new Uint8Array(9) } })
  await run(all, { report: { wallMs: 250, cpuMs: 100 } })
  await run(all, { tenant: bob })
  await run(all, { at: '2026-02-28T23:59:59.999Z' })
  const bill = await all.desk.bill(alice, '2026-03')
  expect(bill).toEqual({
    tenant: 'alice',
    period: '2026-03',
    from: '2026-03-01T00:00:00.000Z',
    to: '2026-04-01T00:00:00.000Z',
    currency: 'USD',
    priceBook: { name: 'default', version: 1 },
    lines: [
      {
        line: 'compute',
        description: 'Configured memory × time, in units of 100 ms',
        quantity: '0.05',
        unit: 'GB-second',
        unitPrice: '0.0000166667',
        amount: '0.000000833',
      },
      {
        line: 'requests',
        description: 'Runs',
        quantity: '2',
        unit: 'request',
        unitPrice: '0.0000002',
        amount: '0.000000400',
      },
      {
        line: 'cpu',
        description: 'CPU time',
        quantity: '0.1031',
        unit: 'CPU-second',
        unitPrice: '0',
        amount: '0.000000000',
      },
      {
        line: 'operations:kv.read',
        description: 'Operations: kv.get, kv.getWithMetadata, kv.getMany, kv.list',
        quantity: '3',
        unit: 'operation',
        unitPrice: '0.0000005',
        amount: '0.000001500',
      },
      {
        line: 'operations:kv.write',
        description: 'Operations: kv.put, kv.putMany, kv.delete, kv.deleteMany, kv.increment, kv.compareAndSet',
        quantity: '2',
        unit: 'operation',
        unitPrice: '0.000005',
        amount: '0.000010000',
      },
      unused('docs.read', '0.0000005'),
      unused('docs.write', '0.000005'),
      unused('blobs.read', '0.0000004'),
      unused('blobs.write', '0.000005'),
      unused('queues.send', '0.0000004'),
      unused('fetch.request', '0.0000003'),
      unused('auth.read', '0.0000005'),
      unused('auth.write', '0.000005'),
      unused('auth.password', '0.000015'),
    ],
    total: '0.000012733',
    rounding: expect.stringContaining('half up'),
    totals: {
      requests: 2,
      units: 4,
      unitMebibytes: 512,
      gbSeconds: 0.05,
      wallMs: 262.4,
      cpuMs: 103.1,
      inputBytes: 4,
      outputBytes: 9,
      egressBytes: 0,
      ingressBytes: 0,
      storedByteHours: 0,
      coldStarts: 1,
      operations: { 'kv.get': 3, 'kv.put': 2 },
    },
    records: 2,
  })
})

test('a bill is the same bytes every time, and plain JSON', async () => {
  const all = stage()
  await run(all, { operations: { 'kv.put': 1, 'kv.get': 1 } })
  await run(all, { operations: { 'kv.get': 1, 'kv.put': 1 } })
  const first = JSON.stringify(await all.desk.bill(alice, '2026-03'))
  all.clock.set('2027-01-01')
  all.ledger.posted.reverse()
  expect(JSON.stringify(await all.desk.bill(alice, '2026-03'))).toBe(first)
})

test('a month without runs is a bill of nothing', async () => {
  const bill = await stage().desk.bill(alice, '2024-02')
  expect(bill).toMatchObject({
    from: '2024-02-01T00:00:00.000Z',
    to: '2024-03-01T00:00:00.000Z',
    total: '0.000000000',
    records: 0,
  })
  expect(bill.lines).toHaveLength(14)
})

test('a run belongs to the month in which it was admitted, to the millisecond', async () => {
  const all = stage()
  await run(all, { at: '2025-12-31T23:59:59.999Z', report: { wallMs: 900 } })
  await run(all, { at: '2026-01-01T00:00:00.000Z' })
  expect(await all.desk.bill(alice, '2025-12')).toMatchObject({ records: 1, totals: { units: 9 } })
  expect(await all.desk.bill(alice, '2026-01')).toMatchObject({ records: 1, totals: { units: 1 } })
})

test.each(RUN_STATUSES)('a run that ends as %s is billed', async (status) => {
  const all = stage()
  await run(all, { report: { status } })
  expect(await all.desk.bill(alice)).toMatchObject({ records: 1, total: '0.000000408' })
})

test('a run that was reserved and never posted is not billed', async () => {
  const all = stage()
  {
    using _hold = await all.desk.reserve(ticket())
  }
  expect(await all.desk.bill(alice)).toMatchObject({ records: 0, total: '0.000000000' })
})

test('a month before the price book holds is refused by name', async () => {
  const document = bookDocument({ compute: '1', request: '1', read: '1', write: '1' })
  const parsed = parsePriceBook({ ...document, effectiveFrom: '2026-02-01' })
  const { desk } = stage(parsed.ok ? { priceBook: parsed.book } : {})
  await expect(desk.bill(alice, '2026-02')).resolves.toMatchObject({ records: 0 })
  await expect(desk.bill(alice, '2026-01')).rejects.toMatchObject({
    code: 'INVALID_PERIOD',
    message: '`period` 2026-01 is before the price book test, which holds from 2026-02-01',
  })
})

test('a malformed or future month is refused, for the bill and for its records', async () => {
  const { desk, ledger } = stage()
  await expect(desk.bill(alice, '2026-13')).rejects.toMatchObject({ code: 'INVALID_PERIOD' })
  await expect(desk.bill(alice, '2026-04')).rejects.toMatchObject({ code: 'INVALID_PERIOD' })
  expect(() => desk.records(alice, 'March')).toThrow(expect.objectContaining({ code: 'INVALID_PERIOD' }))
  expect(ledger.reads).toBe(0)
})

test('the cost of a run alone is the bill of that run alone', async () => {
  const all = stage()
  using hold = await all.desk.reserve(ticket({ kvOperations: 5 }))
  const usage = await all.desk.post(hold, report({ wallMs: 333 }), consumed({ 'kv.put': 2 }))
  expect(all.desk.cost(usage)).toBe(833n + 200n + 10_000n)
  expect(await all.desk.bill(alice)).toMatchObject({ total: '0.000011033' })
})

test('usage is grouped as asked and priced row by row and as a whole', async () => {
  const all = stage()
  await run(all, { at: '2026-03-01T10:00:00Z', operations: { 'kv.get': 2 } })
  await run(all, { at: '2026-03-01T11:00:00Z', report: { status: 'error', wallMs: 150 } })
  await run(all, { at: '2026-03-02T10:00:00Z', operations: { 'kv.put': 1 } })
  const range = all.desk.parseRange({ from: '2026-03-01', to: '2026-03-08' })
  const usage = await all.desk.usage(alice, range, all.desk.parseGroups('day,outcome'))
  expect(usage).toMatchObject({
    tenant: 'alice',
    from: '2026-03-01T00:00:00.000Z',
    to: '2026-03-08T00:00:00.000Z',
    groupBy: ['day', 'outcome'],
    currency: 'USD',
    priceBook: { name: 'default', version: 1 },
    rows: [
      { day: '2026-03-01', outcome: 'ok', requests: 1, units: 1, operations: { 'kv.get': 2 }, cost: '0.000001408' },
      { day: '2026-03-01', outcome: 'error', requests: 1, units: 2, wallMs: 150, operations: {}, cost: '0.000000617' },
      { day: '2026-03-02', outcome: 'ok', requests: 1, units: 1, operations: { 'kv.put': 1 }, cost: '0.000005408' },
    ],
    total: { requests: 3, units: 4, gbSeconds: 0.05, operations: { 'kv.get': 2, 'kv.put': 1 }, cost: '0.000007433' },
  })
})

test('usage without groups is one row, with them and without runs none', async () => {
  const { desk } = stage()
  const range = desk.parseRange({})
  const nothing = { requests: 0, units: 0, cost: '0.000000000' }
  expect(await desk.usage(alice, range, [])).toMatchObject({ rows: [nothing], total: nothing })
  expect(await desk.usage(alice, range, ['day'])).toMatchObject({ rows: [], total: nothing })
})

test('usage by the hour over a year is refused', async () => {
  const { desk } = stage()
  const range = desk.parseRange({ from: '2025-01-01', to: '2026-01-01' })
  await expect(desk.usage(alice, range, ['hour'])).rejects.toMatchObject({ code: 'INVALID_PERIOD' })
})
