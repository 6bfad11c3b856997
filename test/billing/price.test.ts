import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type PricedSums, costOf, highestCost, priceLines, totalOf, worthOf } from '../../src/billing/price.ts'
import { book, defaultBook } from './fixtures.ts'

const count = fc.bigInt(0n, 10n ** 15n)
const NONE = { egressBytes: 0n, ingressBytes: 0n, storedByteHours: 0n }
const traffic = { egressBytes: count, ingressBytes: count, storedByteHours: count }
const sums: fc.Arbitrary<PricedSums> = fc.record({
  requests: count,
  unitMebibytes: count,
  cpuMicros: count,
  ...traffic,
  operations: fc.record({
    'kv.get': count,
    'kv.list': count,
    'kv.put': count,
    'kv.increment': count,
    'kv.other': count,
  }),
})
const price = fc
  .tuple(fc.nat(99), fc.bigInt(0n, 10n ** 12n - 1n))
  .map(([whole, decimals]) => `${whole}.${decimals.toString().padStart(12, '0')}`)
const books = fc.record({ compute: price, request: price, cpu: price, read: price, write: price }).map(book)

function plus(left: PricedSums, right: PricedSums): PricedSums {
  const names = Object.keys({ ...left.operations, ...right.operations })
  return {
    requests: left.requests + right.requests,
    unitMebibytes: left.unitMebibytes + right.unitMebibytes,
    cpuMicros: left.cpuMicros + right.cpuMicros,
    egressBytes: left.egressBytes + right.egressBytes,
    ingressBytes: left.ingressBytes + right.ingressBytes,
    storedByteHours: left.storedByteHours + right.storedByteHours,
    operations: Object.fromEntries(
      names.map((name) => [name, (left.operations[name] ?? 0n) + (right.operations[name] ?? 0n)]),
    ),
  }
}

const absolute = (value: bigint): bigint => (value < 0n ? -value : value)

test('a gigabyte for a second costs what the price book says', () => {
  const [compute] = priceLines(
    { requests: 0n, unitMebibytes: 10_240n, cpuMicros: 0n, ...NONE, operations: {} },
    defaultBook,
  )
  expect(compute).toMatchObject({ quantity: '1', unit: 'GB-second', unitPrice: '0.0000166667', amountNanoUsd: 16_667n })
})

test('a run of one unit in 128 MiB has exact quantities and amounts', () => {
  const operations = { 'kv.get': 2n, 'kv.list': 1n, 'kv.put': 1n, 'kv.compareAndSet': 1n, 'kv.unknown': 7n }
  const lines = priceLines({ requests: 1n, unitMebibytes: 128n, cpuMicros: 3_100n, ...NONE, operations }, defaultBook)
  const used = lines.filter(({ quantity }) => quantity !== '0')
  expect(used.map(({ line, quantity, unit, amountNanoUsd }) => [line, `${quantity} ${unit}`, amountNanoUsd])).toEqual([
    ['compute', '0.0125 GB-second', 208n],
    ['requests', '1 request', 200n],
    ['cpu', '0.0031 CPU-second', 0n],
    ['operations:kv.read', '3 operation', 1_500n],
    ['operations:kv.write', '2 operation', 10_000n],
  ])
  expect(totalOf(lines)).toBe(11_908n)
})

test('every amount is its quantity × its unit price, as printed, rounded half up', () => {
  fc.assert(
    fc.property(sums, books, (used, priceBook) => {
      for (const { quantity, unitPrice, amountNanoUsd } of priceLines(used, priceBook)) {
        const [left, right] = [digits(quantity), digits(unitPrice)]
        const scale = 10n ** BigInt(left.decimals + right.decimals)
        const nano = left.whole * right.whole * 1_000_000_000n
        expect(amountNanoUsd).toBe((2n * nano + scale) / (2n * scale))
      }
    }),
  )
})

test('the total is the sum of the lines', () => {
  fc.assert(
    fc.property(sums, books, (used, priceBook) => {
      const lines = priceLines(used, priceBook)
      expect(totalOf(lines)).toBe(lines.reduce((total, { amountNanoUsd }) => total + amountNanoUsd, 0n))
      expect(costOf(used, priceBook)).toBe(totalOf(lines))
    }),
  )
})

test('using more never costs less, on any line', () => {
  fc.assert(
    fc.property(sums, sums, books, (used, more, priceBook) => {
      const before = priceLines(used, priceBook)
      const after = priceLines(plus(used, more), priceBook)
      for (const [index, { amountNanoUsd }] of after.entries()) {
        expect(amountNanoUsd).toBeGreaterThanOrEqual(before[index]!.amountNanoUsd)
      }
    }),
  )
})

test('a bill of two months together is theirs added up, but for one rounding each', () => {
  fc.assert(
    fc.property(sums, sums, books, (one, two, priceBook) => {
      const [left, right] = [priceLines(one, priceBook), priceLines(two, priceBook)]
      for (const [index, { amountNanoUsd }] of priceLines(plus(one, two), priceBook).entries()) {
        const parts = left[index]!.amountNanoUsd + right[index]!.amountNanoUsd
        // Each of the three amounts is at most half a nanoUSD from the truth, and all are whole.
        expect(absolute(amountNanoUsd - parts)).toBeLessThanOrEqual(1n)
      }
    }),
  )
})

test('an amount is never further from the exact price than half a nanoUSD a line', () => {
  fc.assert(
    fc.property(sums, books, (used, priceBook) => {
      const exact = worthOf(used, priceBook)
      const off = absolute(costOf(used, priceBook) * priceBook.denominator - exact)
      expect(2n * off).toBeLessThanOrEqual(priceBook.denominator * priceBook.fractionalLines)
    }),
  )
})

test('worths add up exactly, and what is worth less never costs more than the highest cost', () => {
  fc.assert(
    fc.property(sums, sums, books, (one, two, priceBook) => {
      expect(worthOf(plus(one, two), priceBook)).toBe(worthOf(one, priceBook) + worthOf(two, priceBook))
      const [less, more] = [one, two].toSorted((a, b) => (worthOf(a, priceBook) < worthOf(b, priceBook) ? -1 : 1))
      expect(costOf(less!, priceBook)).toBeLessThanOrEqual(highestCost(worthOf(more!, priceBook), priceBook))
    }),
  )
})

test('with the shipped prices the highest cost is the bill itself', () => {
  fc.assert(
    fc.property(sums, (used) => {
      expect(highestCost(worthOf(used, defaultBook), defaultBook)).toBe(costOf(used, defaultBook))
    }),
  )
})

test('nothing costs nothing, at any price', () => {
  fc.assert(
    fc.property(books, (priceBook) => {
      const nothing = { requests: 0n, unitMebibytes: 0n, cpuMicros: 0n, ...NONE, operations: {} }
      expect(costOf(nothing, priceBook)).toBe(0n)
      expect(highestCost(0n, priceBook)).toBe(0n)
    }),
  )
})

/** An independent reading of decimal text: its digits and where the point is. */
function digits(text: string): { whole: bigint; decimals: number } {
  expect(text).toMatch(/^[0-9]+(\.[0-9]+)?$/)
  return { whole: BigInt(text.replace('.', '')), decimals: text.split('.')[1]?.length ?? 0 }
}
