import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { billCsv, csv, usageCsv } from '../../src/billing/csv.ts'
import { alice, report, stage, ticket, consumed } from './fixtures.ts'

const rowsOf = (text: string): string[][] => parse(text, { record_delimiter: '\r\n' })

test('any text comes back from a CSV parser as it was, unless a spreadsheet would run it', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom('"', ',', '\r', '\n', '=', '-', ' ', 'a', '＝') }),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text, text), { minLength: 1 }), (rows) => {
      const read = rowsOf(csv(rows))
      for (const [y, row] of rows.entries()) {
        for (const [x, value] of row.entries()) {
          const cell = read[y]![x]!
          expect(cell === value || cell === `'${value}`).toBe(true)
          expect(cell).not.toMatch(/^[=+\-@\t\r\n＝＋－＠]/)
        }
      }
    }),
  )
})

test('a negative number stays one', () => {
  expect(csv([['-1.500000000', 'plain']])).toBe('-1.500000000,plain\r\n')
})

test.each(['=1+1', '+1', '-1+1', '@SUM(A1)', '\t=1', '\r=1', '＝1'])('%j is disarmed', (text) => {
  expect(rowsOf(csv([[text, 'plain']]))).toEqual([[`'${text}`, 'plain']])
})

test('every row ends with CRLF, quotes are doubled, numbers stand as they are', () => {
  expect(
    csv([
      ['a', 'b'],
      ['say "x"', -1.5],
    ]),
  ).toBe('a,b\r\n"say ""x""",-1.5\r\n')
})

test('a bill as CSV has a row for each line and one for the total', async () => {
  const { desk } = stage()
  using hold = await desk.reserve(ticket({ kvOperations: 5 }))
  await desk.post(hold, report(), consumed({ 'kv.get': 1 }))
  const rows = rowsOf(billCsv(await desk.bill(alice, '2026-03')))
  expect(rows).toEqual([
    ['tenant', 'period', 'line', 'description', 'quantity', 'unit', 'unitPrice', 'amount', 'currency'],
    [
      'alice',
      '2026-03',
      'compute',
      'Configured memory × time, in units of 100 ms',
      '0.0125',
      'GB-second',
      '0.0000166667',
      '0.000000208',
      'USD',
    ],
    ['alice', '2026-03', 'requests', 'Runs', '1', 'request', '0.0000002', '0.000000200', 'USD'],
    ['alice', '2026-03', 'cpu', 'CPU time', '0.0031', 'CPU-second', '0', '0.000000000', 'USD'],
    [
      'alice',
      '2026-03',
      'operations:kv.read',
      'Operations: kv.get, kv.getWithMetadata, kv.getMany, kv.list',
      '1',
      'operation',
      '0.0000005',
      '0.000000500',
      'USD',
    ],
    [
      'alice',
      '2026-03',
      'operations:kv.write',
      'Operations: kv.put, kv.putMany, kv.delete, kv.deleteMany, kv.increment, kv.compareAndSet',
      '0',
      'operation',
      '0.000005',
      '0.000000000',
      'USD',
    ],
    ...Array.from({ length: 9 }, () => expect.arrayContaining([expect.stringMatching(/^operations:\w+[.]/), '0'])),
    ['alice', '2026-03', 'total', 'Total', '', '', '', '0.000000908', 'USD'],
  ])
})

test('usage as CSV has a column for each group and each operation', async () => {
  const { desk } = stage()
  for (const operations of [{ 'kv.put': 2 }, { 'kv.get': 1 }]) {
    using hold = await desk.reserve(ticket({ kvOperations: 5 }))
    await desk.post(hold, report({ status: operations['kv.get'] === 1 ? 'error' : 'ok' }), consumed(operations))
  }
  const usage = await desk.usage(alice, desk.parseRange({}), ['day', 'outcome'])
  expect(usageCsv(usage)).toBe(
    'day,outcome,requests,units,unitMebibytes,gbSeconds,wallMs,cpuMs,inputBytes,outputBytes,coldStarts,egressBytes,ingressBytes,storedByteHours,operations:kv.get,operations:kv.put,cost,currency\r\n' +
      '2026-03-04,ok,1,1,128,0.0125,12.4,3.1,2,0,0,0,0,0,0,2,0.000010408,USD\r\n' +
      '2026-03-04,error,1,1,128,0.0125,12.4,3.1,2,0,0,0,0,0,1,0,0.000000908,USD\r\n',
  )
})
