import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatBytes, formatCount, formatMillis, formatPlural, formatTime, formatUsd } from '../../src/cli/format.ts'

test('counts of any length have their thousands set apart', () => {
  expect(formatCount(0)).toBe('0')
  expect(formatCount(999)).toBe('999')
  expect(formatCount(1_234_567)).toBe('1,234,567')
  expect(formatCount(12_345_678_901_234_567_890n)).toBe('12,345,678,901,234,567,890')
  expect(formatCount('1234')).toBe('1,234')
  expect(formatCount(-1234)).toBe('-1,234')
  expect(formatCount(undefined)).toBe('–')
})

test('a count without its separators is the number again', () => {
  fc.assert(
    fc.property(fc.bigInt(), (value) => {
      expect(BigInt(formatCount(value).replaceAll(',', ''))).toBe(value)
    }),
  )
})

test('money is shown exactly, with two decimals or more', () => {
  expect(formatUsd('0')).toBe('$0.00')
  expect(formatUsd('1.5')).toBe('$1.50')
  expect(formatUsd('0.000000208')).toBe('$0.000000208')
  expect(formatUsd('1234567.100000000')).toBe('$1,234,567.10')
  expect(formatUsd('-12.34')).toBe('-$12.34')
  expect(formatUsd(undefined)).toBe('–')
})

test('no amount of money loses or gains a digit of value', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }), (nano) => {
      const digits = (nano < 0n ? -nano : nano).toString().padStart(10, '0')
      const shown = formatUsd(`${nano < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`)
      const [whole = '', fraction = ''] = shown.replace(/[$,]/g, '').split('.')
      expect(BigInt(whole + fraction.padEnd(9, '0'))).toBe(nano)
      expect(fraction.length).toBeGreaterThanOrEqual(2)
    }),
  )
})

test('text that is no amount is shown as it is rather than guessed at', () => {
  expect(formatUsd('1e-7')).toBe('1e-7')
})

test('times keep the digits that matter', () => {
  expect(formatMillis(0.087)).toBe('0.087 ms')
  expect(formatMillis(12.41)).toBe('12.4 ms')
  expect(formatMillis(100)).toBe('100 ms')
  expect(formatMillis(61_200)).toBe('61.2 s')
  expect(formatMillis(3_600_000)).toBe('3,600 s')
  expect(formatMillis(undefined)).toBe('–')
})

test('sizes are in powers of 1024 and say so', () => {
  expect(formatBytes(0)).toBe('0 B')
  expect(formatBytes(1_536)).toBe('1.5 KiB')
  expect(formatBytes(5 * 1024 ** 4)).toBe('5 TiB')
  expect(formatBytes(5_000 * 1024 ** 4)).toBe('5,000 TiB')
})

test('moments are shown in UTC to the second, and anything else as it is', () => {
  expect(formatTime('2026-03-04T05:06:07.089Z')).toBe('2026-03-04 05:06:07')
  expect(formatTime('yesterday')).toBe('yesterday')
})

test('one of a thing is not several', () => {
  expect(formatPlural(1, 'unit')).toBe('1 unit')
  expect(formatPlural(1n, 'unit')).toBe('1 unit')
  expect(formatPlural(0, 'unit')).toBe('0 units')
})
