import fc from 'fast-check'
import { expect, test } from 'vitest'
import { makeBill } from '../../src/billing/bill.ts'
import { monthOf } from '../../src/billing/period.ts'
import { parsePriceBooks } from '../../src/billing/price-book.ts'
import { PriceBooks } from '../../src/billing/price-books.ts'
import { NOTHING, addSums } from '../../src/billing/usage.ts'
import type { UsageSums } from '../../src/core/stores.ts'
import { alice, bookDocument, timeOf } from './fixtures.ts'
import { type NaiveBook, type NaiveRecord, naiveTotal } from './naive-rating.ts'

/** More of them: `RATING_RUNS=100000 npx vitest run test/billing/rating.test.ts`. */
const RUNS = Number(process.env['RATING_RUNS'] ?? 300)

const usd = fc
  .tuple(fc.nat(9), fc.nat(10 ** 9 - 1))
  .map(([whole, decimals]) => `${whole}.${decimals.toString().padStart(9, '0')}`)
const price = fc.oneof(
  usd,
  fc
    .tuple(
      fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 3 }),
      fc.array(usd, { minLength: 4, maxLength: 4 }),
    )
    .map(([ends, prices]) => [
      ...ends.toSorted((a, b) => a - b).map((upTo, index) => ({ upTo, usd: index === 0 ? '0' : prices[index]! })),
      { usd: prices[3]! },
    ]),
)
const document = fc.record({
  compute: price,
  request: price,
  cpu: price,
  egress: price,
  read: price,
  write: price,
  minimum: fc.option(usd, { nil: undefined }),
  discounts: fc.array(
    fc.record({
      percent: fc.constantFrom('0', '10', '12.5', '33.333333', '100'),
      lines: fc.constantFrom(undefined, ['compute'], ['requests', 'operations:kv.read']),
    }),
    { maxLength: 1 },
  ),
})
const history = fc.array(
  fc.record({
    day: fc.integer({ min: 1, max: 28 }),
    units: fc.integer({ min: 1, max: 3_000 }),
    memoryMb: fc.constantFrom(64, 128, 129, 1_024),
    cpuMicros: fc.nat(30_000_000),
    egressBytes: fc.nat(2 ** 31 - 1),
    operations: fc.record({ 'kv.get': fc.nat(20), 'kv.put': fc.nat(20), 'kv.free': fc.nat(3) }),
  }),
  { maxLength: 12 },
)

function documentOf(
  {
    compute,
    request,
    cpu,
    egress,
    read,
    write,
    minimum,
    discounts,
  }: typeof document extends fc.Arbitrary<infer T> ? T : never,
  version: number,
  effectiveFrom: string,
) {
  const base = bookDocument({ compute: '0', request: '0', read: '0', write: '0' })
  return {
    ...base,
    version,
    effectiveFrom,
    prices: {
      computeUsdPerGbSecond: compute,
      requestUsdPerMillion: request,
      cpuUsdPerSecond: cpu,
      egressUsdPerGb: egress,
      operationsUsdPerMillion: { 'kv.read': read, 'kv.write': write },
    },
    ...(minimum !== undefined && { minimumUsdPerMonth: minimum }),
    discounts: discounts.map(({ percent, lines }, index) => ({ name: `d${index}`, percent, ...(lines && { lines }) })),
  }
}

function sumsOf({ units, memoryMb, cpuMicros, egressBytes, operations }: NaiveRecord): UsageSums {
  return {
    ...NOTHING,
    records: 1n,
    requests: 1n,
    units: BigInt(units),
    unitMebibytes: BigInt(units) * BigInt(memoryMb),
    cpuMicros: BigInt(cpuMicros),
    egressBytes: BigInt(egressBytes),
    operations: Object.fromEntries(Object.entries(operations).map(([name, count]) => [name, BigInt(count)])),
  }
}

function billOf(records: readonly NaiveRecord[], documents: unknown) {
  const parsed = parsePriceBooks(documents)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults))
  const month = monthOf(timeOf('2026-02-01'))
  const segments = new PriceBooks(parsed.books).segments(month).map(({ book, range }) => {
    const inside = records.filter(({ at }) => range.from <= timeOf(at) && timeOf(at) < range.to)
    return { book, range, sums: inside.map(sumsOf).reduce(addSums, NOTHING) }
  })
  return makeBill(alice, month, segments)
}

const nano = (text: string): bigint => BigInt(text.replace('.', ''))

test('a bill is what records come to one by one, whatever tiers, discounts, minimum and versions its prices have', () => {
  fc.assert(
    fc.property(
      history,
      document,
      fc.option(fc.tuple(document, fc.integer({ min: 2, max: 28 }))),
      (days, first, later) => {
        const records = days.map(({ day, ...rest }) => ({
          ...rest,
          at: `2026-02-${String(day).padStart(2, '0')}T12:00:00Z`,
        }))
        const documents = [documentOf(first, 1, '2020-01-01')]
        if (later !== null) documents.push(documentOf(later[0], 2, `2026-02-${String(later[1]).padStart(2, '0')}`))
        const bill = billOf(records, documents)
        expect(nano(bill.total)).toBe(naiveTotal(records, documents as unknown as readonly NaiveBook[]))
        expect(bill.lines.reduce((sum, { amount }) => sum + nano(amount), 0n)).toBe(nano(bill.total))
      },
    ),
    { numRuns: RUNS },
  )
})

const run: NaiveRecord = {
  at: '2026-02-10T00:00:00Z',
  units: 10,
  memoryMb: 1_024,
  cpuMicros: 0,
  egressBytes: 0,
  operations: {},
}
const base = bookDocument({ compute: '1', request: '0', read: '0', write: '0' })

test('tiers are lines of their own, a free one first', () => {
  const tiers = [{ upTo: 2, usd: '0' }, { upTo: 3, usd: '5' }, { usd: '1' }]
  const book = { ...base, prices: { ...base.prices, computeUsdPerGbSecond: tiers } }
  const { lines, total } = billOf([run, run, run, run, run], book)
  expect(
    lines.filter(({ line }) => line === 'compute').map(({ tier, quantity, amount }) => [tier, quantity, amount]),
  ).toEqual([
    ['0 to 2', '2', '0.000000000'],
    ['2 to 3', '1', '5.000000000'],
    ['over 3', '2', '2.000000000'],
  ])
  expect(total).toBe('7.000000000')
})

test('a discount is a line below zero, and the minimum one that fills up', () => {
  const book = { ...base, discounts: [{ name: 'early', percent: '25', lines: ['compute'] }], minimumUsdPerMonth: '2.5' }
  const bill = billOf([run, run], book)
  expect(bill.lines.slice(-2)).toMatchObject([
    { line: 'discount:early', quantity: '2.000000000', unitPrice: '-0.25', amount: '-0.500000000' },
    { line: 'minimum', quantity: '1.000000000', unitPrice: '1', amount: '1.000000000' },
  ])
  expect(bill.total).toBe('2.500000000')
  expect(billOf([], book).total).toBe('0.000000000')
})

test('each run of a month is charged by the book of its day, and tiers go on counting', () => {
  const tiers = [{ upTo: 1, usd: '0' }, { usd: '10' }]
  const later = {
    ...base,
    version: 2,
    effectiveFrom: '2026-02-15',
    prices: { ...base.prices, computeUsdPerGbSecond: tiers },
  }
  const { lines, total, priceBook } = billOf([run, { ...run, at: '2026-02-15T00:00:00Z' }], [base, later])
  expect(lines.filter(({ line }) => line === 'compute')).toMatchObject([
    { amount: '1.000000000', priceBook: { version: 1 } },
    { amount: '10.000000000', tier: 'over 1', priceBook: { version: 2 } },
  ])
  expect({ total, priceBook }).toEqual({ total: '11.000000000', priceBook: { name: 'test', version: 2 } })
})

test('every fault of a list of price books is named with its place', () => {
  const tiers = [
    { upTo: 5, usd: '1' },
    { upTo: 5, usd: '1' },
  ]
  const parsed = parsePriceBooks([
    { ...base, discounts: [{ name: 'a', percent: '10', lines: ['storage'] }] },
    { ...base, version: 2, prices: { ...base.prices, cpuUsdPerSecond: tiers } },
  ])
  expect(parsed.ok ? [] : parsed.faults).toEqual([
    { path: '[0].discounts[0].lines[0]', message: '"storage" is not a line' },
    { path: '[1].prices.cpuUsdPerSecond', message: expect.stringContaining('tiers that rise in `upTo`') },
  ])
  const unordered = parsePriceBooks([base, base])
  expect(unordered.ok ? [] : unordered.faults).toEqual([
    { path: '[1].effectiveFrom', message: 'must be after 2020-01-01' },
    { path: '[1].version', message: 'must be above 1' },
  ])
  expect(parsePriceBooks([])).toEqual({ ok: false, faults: [{ path: '', message: 'has no price book' }] })
})
