import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatUsd, parseUsd } from '../../src/admission/usd.ts'
import { nanoUsd } from '../../src/core/quantity.ts'

test('an amount survives being written and read, to the last billionth', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 18n - 1n }), (amount) => {
      expect(parseUsd(formatUsd(nanoUsd(amount)), 'usd')).toBe(amount)
    }),
  )
})

test('a number is read as the decimal that people see, not as the nearest double', () => {
  expect(parseUsd(0.1, 'usd')).toBe(100_000_000n)
  expect(parseUsd(12.5, 'usd')).toBe(12_500_000_000n)
  expect(formatUsd(nanoUsd(12_500_000_000n))).toBe('12.50')
  expect(formatUsd(nanoUsd(1n))).toBe('0.000000001')
  expect(formatUsd(nanoUsd(0n))).toBe('0.00')
})

test('what is not an exact amount is refused, and the field is named', () => {
  const wrong = [
    '',
    '-1',
    '+1',
    '1.',
    '.5',
    '1e3',
    '1,5',
    '0x1',
    ' 1',
    '1.0000000001',
    '1000000000',
    1e-7,
    -1,
    Number.NaN,
    Infinity,
  ]
  for (const value of wrong) {
    expect(() => parseUsd(value, 'budget.day.usd')).toThrow(/^budget\.day\.usd is /)
  }
})
