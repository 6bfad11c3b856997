import { expect, test } from 'vitest'
import { billHtml } from '../../src/billing/bill-html.ts'
import { billCsv } from '../../src/billing/csv.ts'
import { focusCsv } from '../../src/billing/focus.ts'
import { parsePriceBook } from '../../src/billing/price-book.ts'
import { alice, bookDocument, consumed, report, stage, ticket } from './fixtures.ts'

const DISCOUNTED = {
  ...bookDocument({ compute: '0.0000166667', request: '0.2', read: '0.5', write: '5' }),
  discounts: [{ name: 'early', percent: '10' }],
  minimumUsdPerMonth: '5',
}

async function march() {
  const parsed = parsePriceBook(DISCOUNTED)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults))
  const all = stage({ priceBook: parsed.book })
  using hold = await all.desk.reserve(ticket({ kvOperations: 10 }))
  await all.desk.post(hold, report({ wallMs: 950 }), consumed({ 'kv.get': 3 }))
  return { bill: await all.desk.bill(alice, '2026-03'), desk: all.desk }
}

/** Rows of CSV by column; what is in quotes, which is prose, is left out. */
function rowsOf(csv: string): Record<string, string>[] {
  const [header = [], ...rows] = csv
    .replaceAll(/"(?:[^"]|"")*"/g, '')
    .trimEnd()
    .split('\r\n')
    .map((row) => row.split(','))
  return rows.map((row) => Object.fromEntries(header.map((name, index) => [name, row[index]!])))
}

test('FOCUS has a row a line, whose billed costs add up to the bill', async () => {
  const { bill } = await march()
  const rows = rowsOf(focusCsv(bill))
  expect(rows).toHaveLength(bill.lines.length)
  const nano = (usd: string): bigint => BigInt(usd.replace('.', ''))
  expect(rows.reduce((sum, row) => sum + nano(row['BilledCost']!), 0n)).toBe(nano(bill.total))
  expect(rows[0]).toMatchObject({
    BillingAccountId: 'alice',
    BillingCurrency: 'USD',
    BillingPeriodStart: '2026-03-01T00:00:00Z',
    BillingPeriodEnd: '2026-04-01T00:00:00Z',
    ChargeCategory: 'Usage',
    ConsumedQuantity: bill.lines[0]!.quantity,
    ListUnitPrice: bill.lines[0]!.unitPrice,
    PricingCategory: 'Standard',
    ServiceCategory: 'Compute',
    SkuId: 'compute',
  })
})

test('in FOCUS a discount and the minimum are adjustments without a quantity', async () => {
  const { bill } = await march()
  const rows = rowsOf(focusCsv(bill)).filter((row) => row['ChargeCategory'] === 'Adjustment')
  expect(rows.map((row) => row['BilledCost']!.startsWith('-'))).toEqual([true, false])
  for (const row of rows)
    expect(row).toMatchObject({ ConsumedQuantity: '', PricingQuantity: '', ListUnitPrice: '', SkuId: '' })
  expect(rows[0]).toMatchObject({ ListCost: '0.000000000' })
})

test('the amount of a discount is a number in CSV, and no text that was disarmed', async () => {
  const { bill } = await march()
  const line = rowsOf(billCsv(bill)).find((row) => row['line'] === 'discount:early')
  expect(line?.['amount']).toMatch(/^-\d+\.\d{9}$/)
})

test('the page holds every amount, says what it is, and takes markup in names for text', async () => {
  const { bill, desk } = await march()
  const page = await desk.billPage(alice, '2026-03')
  expect(page).toBe(billHtml(bill, 'preview'))
  for (const { amount } of bill.lines) expect(page).toContain(`>${amount}<`)
  expect(page).toContain(`>${bill.total}<`)
  expect(page).toContain('Bill to date 2026-03')
  expect(billHtml(bill, 'invoice')).toContain('<h1>Invoice 2026-03')
  expect(page).not.toMatch(/https?:|src=|href=|url\(/)
  const marked = billHtml({ ...bill, priceBook: { name: '<script>', version: 1 } }, 'preview')
  expect(marked).toContain('&#60;script&#62;')
  expect(marked).not.toContain('<script')
})

test('a month before the price book has no page', async () => {
  const { desk } = await march()
  await expect(desk.billPage(alice, '1969-12')).rejects.toMatchObject({ code: 'INVALID_PERIOD' })
})
