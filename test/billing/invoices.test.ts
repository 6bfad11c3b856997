import { expect, test } from 'vitest'
import { createBilling } from '../../src/billing/billing.ts'
import { PriceBooks } from '../../src/billing/price-books.ts'
import { openTemporaryStores } from '../../src/store/sqlite/open.ts'
import { StillClock, alice, book, consumed, defaultBook, report, ticket } from './fixtures.ts'

type Stores = Awaited<ReturnType<typeof openTemporaryStores>>

async function deskOver(stores: Stores, clock: StillClock, priceBook = defaultBook) {
  return createBilling({
    clock,
    ledger: stores.ledger,
    invoices: stores.invoices,
    closedUntil: await stores.invoices.closedUntil(),
    prices: new PriceBooks([priceBook]),
    budgetOf: () => ({}),
  })
}

type Desk = Awaited<ReturnType<typeof deskOver>>

async function run(desk: Desk, at: string, wallMs = 250): Promise<void> {
  using hold = await desk.reserve(ticket({ at, kvOperations: 10 }))
  await desk.post(hold, report({ wallMs }), consumed({ 'kv.get': 3 }))
}

test('a month that is over becomes an invoice, which other prices do not change and which can be made again byte for byte', async () => {
  const clock = new StillClock()
  await using stores = await openTemporaryStores({ clock })
  const desk = await deskOver(stores, clock)
  for (const day of ['01', '15', '31']) await run(desk, `2026-03-${day}T23:59:59.999Z`)
  clock.set('2026-04-01T00:30:00Z')
  expect(await desk.closeMonths()).toBe(0)
  const open = await desk.bill(alice, '2026-03')
  clock.set('2026-04-01T01:00:00Z')
  expect(await desk.closeMonths()).toBe(1)
  expect(await desk.closeMonths()).toBe(0)
  const invoice = await stores.invoices.find(alice, '2026-03')
  expect(invoice!.bill).toBe(JSON.stringify(open))

  const dearer = await deskOver(stores, clock, book({ compute: '1', request: '1', read: '1', write: '1' }))
  expect(await dearer.bill(alice, '2026-03')).toEqual(open)
  expect(await dearer.verify(alice)).toMatchObject({ ok: true, records: 3 })
  const { bill, simulated } = await dearer.simulate(alice, JSON.parse(defaultBook.source), '2026-03')
  expect(simulated).toEqual(bill)
})

test('nothing is charged into a closed month, even if the clock is set back', async () => {
  const clock = new StillClock()
  await using stores = await openTemporaryStores({ clock })
  await run(await deskOver(stores, clock), '2026-03-10T00:00:00Z')
  clock.set('2026-04-02')
  const desk = await deskOver(stores, clock)
  await desk.closeMonths()
  const before = await desk.bill(alice, '2026-03')
  clock.set('2026-03-20')
  // After a restart, too.
  for (const each of [desk, await deskOver(stores, clock)]) await run(each, '2026-03-20T00:00:00Z')
  expect(await desk.bill(alice, '2026-03')).toEqual(before)
  expect(await desk.verify(alice)).toMatchObject({ ok: true, records: 3 })
  clock.set('2026-04-02')
  expect(await desk.bill(alice, '2026-04')).toMatchObject({ records: 2 })
})

test('an invoice that is not of all records of its month is not kept, and one that was changed is found', async () => {
  const clock = new StillClock()
  await using stores = await openTemporaryStores({ clock })
  const desk = await deskOver(stores, clock)
  for (const day of ['01', '02']) await run(desk, `2026-03-${day}T00:00:00Z`)
  clock.set('2026-04-02')
  const bill = JSON.stringify(await desk.bill(alice, '2026-03'))
  const range = { from: bill.length as never, to: bill.length as never }
  const invoice = { tenant: alice, period: '2026-03', closedAt: clock.now(), books: `[${defaultBook.source}]` }
  const month = { ...range, from: Date.UTC(2026, 2) as never, to: Date.UTC(2026, 3) as never }
  expect(await stores.invoices.put({ ...invoice, ...month, records: 1, bill })).toBe(false)
  expect(
    await stores.invoices.put({ ...invoice, ...month, records: 2, bill: bill.replace('"total":"0', '"total":"1') }),
  ).toBe(true)
  expect(await desk.verify(alice)).toEqual({ ok: false, reason: 'invoice-differs', period: '2026-03' })
})

test('a line is explained down to its runs, whose quantities add up to it', async () => {
  const clock = new StillClock()
  await using stores = await openTemporaryStores({ clock })
  const desk = await deskOver(stores, clock)
  for (const [index, day] of ['01', '02', '02'].entries())
    await run(desk, `2026-03-${day}T00:00:00Z`, 100 * (index + 1))
  const first = await desk.explain(alice, { line: 'compute', period: '2026-03', limit: 2 })
  const rest = await desk.explain(alice, { line: 'compute', period: '2026-03', limit: 2, before: first.next! })
  const runs = [...first.runs, ...rest.runs]
  expect(runs.map(({ quantity }) => quantity)).toEqual(['0.0375', '0.025', '0.0125'])
  expect(runs[0]!.arithmetic).toBe('max(1, ⌈300000 µs ÷ 100000⌉) = 3 units; 3 × 128 ÷ 10240 = 0.0375')
  expect(first.billed).toMatchObject([{ line: 'compute', quantity: '0.075' }])
  expect(first.days).toEqual([
    { day: '2026-03-01', quantity: '0.0125', records: 1 },
    { day: '2026-03-02', quantity: '0.0625', records: 2 },
  ])
  const reads = await desk.explain(alice, { line: 'operations:kv.read', period: '2026-03' })
  expect(reads.runs[0]).toMatchObject({ quantity: '3', arithmetic: '3 kv.get = 3' })
  await expect(desk.explain(alice, { line: 'tax', period: '2026-03' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
})
