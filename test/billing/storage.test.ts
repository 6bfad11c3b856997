import { expect, test } from 'vitest'
import { bytes } from '../../src/core/quantity.ts'
import { parsePriceBook } from '../../src/billing/price-book.ts'
import { alice, bob, bookDocument, consumed, report, stage, ticket } from './fixtures.ts'

const document = bookDocument({ compute: '0', request: '0', read: '0', write: '0' })
const parsed = parsePriceBook({ ...document, prices: { ...document.prices, storedUsdPerGbHour: '1' } })
if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults))
const priceBook = parsed.book

test('storage without a price leaves no record', async () => {
  const all = stage()
  await all.desk.chargeStorage([{ tenant: alice, bytes: bytes(1_000) }])
  expect(all.ledger.posted).toEqual([])
})

test('a gigabyte that is kept for an hour costs what the price book says', async () => {
  const all = stage({ priceBook })
  await all.desk.chargeStorage([{ tenant: alice, bytes: bytes(2 ** 30) }])
  expect((await all.desk.bill(alice, '2026-03')).total).toBe('1.000000000')
})

test('an hour of what a tenant keeps is charged once, however often it is measured', async () => {
  const all = stage({ priceBook })
  const kept = [
    { tenant: alice, bytes: bytes(1_000) },
    { tenant: bob, bytes: bytes(5) },
  ]
  all.clock.set('2026-03-04T12:00:10Z')
  await all.desk.chargeStorage(kept)
  all.clock.set('2026-03-04T12:59:59.999Z')
  await all.desk.chargeStorage(kept)
  all.clock.set('2026-03-04T13:00:00Z')
  await all.desk.chargeStorage(kept)
  const { totals, records } = await all.desk.bill(alice, '2026-03')
  expect({ ...totals, records }).toMatchObject({ storedByteHours: 2_000, requests: 0, units: 0, records: 2 })
  expect((await all.desk.bill(bob, '2026-03')).totals).toMatchObject({ storedByteHours: 10 })
})

test('storage that is charged between two runs is in what the budget has spent', async () => {
  const all = stage({ priceBook })
  all.budgets.set(alice, { month: { units: 1_000 } })
  for (let count = 0; count < 3; count += 1) {
    using hold = await all.desk.reserve(ticket())
    await all.desk.chargeStorage([{ tenant: alice, bytes: bytes(1) }])
    await all.desk.post(hold, report(), consumed())
    expect((await all.desk.budget(alice)).month?.units).toMatchObject({ spent: count + 1 })
  }
})
