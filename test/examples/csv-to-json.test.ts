import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Order, makeOrders, toCsv } from '../../examples/csv-to-json/orders.ts'
import { expectBill, expectUsage } from '../e2e/independent-bill.ts'
import { type Example, TENANT, openExample } from './example.ts'

const orders = makeOrders(3_000)
const csv = toCsv(orders)
const expected = {
  columns: ['orderId', 'placedAt', 'customer', 'country', 'product', 'quantity', 'unitPrice', 'giftWrap', 'note'],
  rows: orders.map(({ id, ...order }) => ({ orderId: id, ...order })),
  count: 3_000,
  centsByCountry: centsByCountry(orders),
}

let example: Example
beforeAll(async () => {
  example = await openExample('csv-to-json')
})
afterAll(() => example[Symbol.asyncDispose]())

test('the orders are as awkward as a real export', () => {
  expect(csv).toContain('"Leave at no. 7,\nnot at no. 9"')
  expect(csv).toContain('"He said ""no bag"", so no bag"')
  expect(csv).toContain('🎁')
  expect(Buffer.byteLength(csv)).toBeGreaterThan(250_000)
})

test('over HTTP every row comes out as it went in, and is billed for what it took', async () => {
  const first = await example.post({ csv })
  expect(first.body.status).toBe('ok')
  expect(first.body.result).toEqual(expected)
  const characters = csv.length
  expect(first.body.logs).toEqual([{ level: 'info', message: `3000 rows, 9 columns, ${characters} characters` }])
  const empty = await example.post({ csv: '' })
  expect(empty.body.result).toEqual({ columns: [], rows: [], count: 0, centsByCountry: {} })
  const ragged = await example.post({ csv: 'a,b\n1,2\n3\n' })
  expect(ragged.body).toMatchObject({ status: 'ok', result: { line: 3 } })
  expect(ragged.body.result.fault).toContain('Invalid Record Length')

  const usages = [first, empty, ragged].map(({ body }) => body.usage)
  for (const usage of usages) expectUsage(usage)
  await expectBill(example.server, TENANT, usages)
})

test('by the command line every row comes out as it went in', async () => {
  const { exit, answer } = await example.run({ csv })
  expect(exit).toBe(0)
  expect(answer.result).toEqual(expected)
  expectUsage(answer.usage)
  await example.expectPrintedBill([answer.usage])
})

function centsByCountry(all: readonly Order[]): Record<string, number> {
  const groups = Map.groupBy(all, (order) => order.country)
  return Object.fromEntries(
    [...groups].map(([country, some]) => [
      country,
      some.reduce((cents, { quantity, unitPrice }) => cents + quantity * Math.round(unitPrice * 100), 0),
    ]),
  )
}
