import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dayOf, monthOf, parsePeriod, periodName, within } from '../../src/billing/period.ts'
import { epochMillis } from '../../src/core/quantity.ts'
import { timeOf } from './fixtures.ts'

const now = timeOf('2026-03-04T12:00:00Z')
const days = ({ from, to }: { from: number; to: number }): number => (to - from) / 86_400_000
const invalidPeriod = (message: RegExp) =>
  expect.objectContaining({ code: 'INVALID_PERIOD', message: expect.stringMatching(message) })

test.each([
  ['2024-02', 29],
  ['2025-02', 28],
  ['2000-02', 29],
  ['2025-12', 31],
  ['2026-01', 31],
  ['1970-01', 31],
])('%s has %i days', (text, length) => {
  const period = parsePeriod(text, now)
  expect(days(period)).toBe(length)
  expect(periodName(period)).toBe(text)
})

test('December ends where the next year begins', () => {
  expect(parsePeriod('2025-12', now).to).toBe(timeOf('2026-01-01'))
})

test('the current month is billed so far; none named means it', () => {
  expect(parsePeriod('2026-03', now)).toEqual(monthOf(now))
  expect(parsePeriod(undefined, now)).toEqual(monthOf(now))
  expect(parsePeriod('2026-03', timeOf('2026-03-01T00:00:00Z')).from).toBe(timeOf('2026-03-01'))
})

test.each(['2026-04', '2027-01', '9999-12'])('%s is in the future', (text) => {
  expect(() => parsePeriod(text, now)).toThrow(invalidPeriod(/^`period` must not be in the future: .* begins on/))
})

test.each([
  '',
  '2026',
  '2026-3',
  '2026-13',
  '2026-00',
  '26-03',
  '2026-03-01',
  '2026/03',
  ' 2026-03',
  '1969-12',
  '0000-01',
  '=1',
  'x'.repeat(500),
])('%j is not a month', (text) => {
  expect(() => parsePeriod(text, now)).toThrow(
    invalidPeriod(/^`period` must be a month as YYYY-MM, such as 2026-03; got ".{0,41}"$/),
  )
})

test('every moment falls in exactly one day and one month, and the day in the month', () => {
  fc.assert(
    fc.property(fc.nat(4_102_444_800_000).map(epochMillis), (at) => {
      const [day, month] = [dayOf(at), monthOf(at)]
      expect(within(day, at)).toBe(true)
      expect(within(month, at)).toBe(true)
      expect(month.from).toBeLessThanOrEqual(day.from)
      expect(day.to).toBeLessThanOrEqual(month.to)
      expect(periodName(day)).toBe(new Date(at).toISOString().slice(0, 10))
      expect(within(day, day.to)).toBe(false)
    }),
  )
})
