import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatDecimal, formatNanoUsd, parseDecimal, roundHalfUp } from '../../src/billing/decimal.ts'
import { nanoUsd } from '../../src/core/quantity.ts'

/** Decimal text without needless zeros at its end. */
const canonical = fc
  .tuple(fc.nat(999_999_999), fc.bigInt(0n, 10n ** 12n - 1n))
  .map(([whole, decimals]) => `${whole}.${decimals.toString().padStart(12, '0')}`.replace(/\.?0+$/, ''))
  .map((text) => (text === '' ? '0' : text))
  .filter((text) => parseDecimal(text) !== undefined)

test('a decimal text is read and written back unchanged', () => {
  fc.assert(
    fc.property(canonical, (text) => {
      expect(formatDecimal(parseDecimal(text)!)).toBe(text)
    }),
  )
})

test('a price that no float can hold is read exactly', () => {
  expect(parseDecimal('0.0000166667')).toEqual({ numerator: 166_667n, denominator: 10_000_000_000n })
  expect(parseDecimal('0.20')).toEqual({ numerator: 1n, denominator: 5n })
  expect(parseDecimal('0')).toEqual({ numerator: 0n, denominator: 1n })
})

test.each([
  '',
  '.5',
  '1.',
  '-1',
  '+1',
  '1e3',
  '01',
  '1,5',
  ' 1',
  '1_000',
  '0x1',
  'NaN',
  '1.0000000000001',
  '1'.repeat(10),
])('%j is not a price', (text) => {
  expect(parseDecimal(text)).toBeUndefined()
})

test('an amount in dollars always has nine decimals', () => {
  expect(formatNanoUsd(nanoUsd(0n))).toBe('0.000000000')
  expect(formatNanoUsd(nanoUsd(408n))).toBe('0.000000408')
  expect(formatNanoUsd(nanoUsd(12_345_678_901n))).toBe('12.345678901')
})

test('a half is rounded up, less than a half is not', () => {
  expect(roundHalfUp({ numerator: 1n, denominator: 2n })).toBe(1n)
  expect(roundHalfUp({ numerator: 5n, denominator: 2n })).toBe(3n)
  expect(roundHalfUp({ numerator: 499n, denominator: 1_000n })).toBe(0n)
})

test('a fraction without an end has no decimal text', () => {
  expect(() => formatDecimal({ numerator: 1n, denominator: 3n })).toThrow('no finite decimal text')
})
