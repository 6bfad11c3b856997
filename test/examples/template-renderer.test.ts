import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectBill, expectUsage } from '../e2e/independent-bill.ts'
import { type Example, TENANT, openExample } from './example.ts'

const folder = new URL('../../examples/template-renderer/', import.meta.url)
const read = (file: string): string => readFileSync(new URL(file, folder), 'utf8')
const invoice = JSON.parse(read('invoice.json'))
const expected = { html: read('invoice.html'), netCents: 72_890, vatCents: 15_622, totalCents: 88_512 }
const logs = [{ level: 'info', message: 'invoice 2026-0417: 5 lines' }]

let example: Example
beforeAll(async () => {
  example = await openExample('template-renderer')
})
afterAll(() => example[Symbol.asyncDispose]())

test('over HTTP it renders the invoice to the last byte, and is billed for what it took', async () => {
  const first = await example.post(invoice)
  expect(first.status).toBe(200)
  expect(first.body).toMatchObject({ status: 'ok', logs })
  expect(first.body.result).toEqual(expected)
  const second = await example.post({ ...invoice, number: '<script>', lines: [] })
  expect(second.body.result.html).toContain('<h1>Invoice &lt;script&gt;</h1>')
  expect(second.body.result.html).toContain('Nothing was ordered.')
  expect(second.body.result).toMatchObject({ netCents: 0, vatCents: 0, totalCents: 0 })
  const broken = await example.post({ ...invoice, currency: 'EURO' })
  expect(broken.body).toMatchObject({ status: 'error', error: { name: 'RangeError' } })

  const usages = [first.body.usage, second.body.usage, broken.body.usage]
  for (const usage of usages) {
    expectUsage(usage)
    expect(usage.operations).toBeUndefined()
  }
  await expectBill(example.server, TENANT, usages)
})

test('by the command line it renders the same, and the bill is the same arithmetic', async () => {
  const { exit, answer } = await example.run(invoice)
  expect(exit).toBe(0)
  expect(answer).toMatchObject({ status: 'ok', logs })
  expect(answer.result).toEqual(expected)
  expectUsage(answer.usage)
  await example.expectPrintedBill([answer.usage])
})
