import { expect, test } from 'vitest'
import { checkRows, parseGroups, parseRange } from '../../src/billing/range.ts'
import { timeOf } from './fixtures.ts'

const now = timeOf('2026-03-04T12:00:00Z')
const range = (from: string, to: string) => ({ from: timeOf(from), to: timeOf(to) })
const invalid = (message: RegExp) =>
  expect.objectContaining({ code: 'INVALID_PERIOD', message: expect.stringMatching(message) })

test('without ends a range is the current month', () => {
  expect(parseRange({}, now)).toEqual(range('2026-03-01', '2026-04-01'))
})

test('without one end it is the month of the other, or up to now', () => {
  expect(parseRange({ from: '2025-11-05' }, now)).toEqual(range('2025-11-05', '2026-04-01'))
  expect(parseRange({ to: '2025-12-01' }, now)).toEqual(range('2025-11-01', '2025-12-01'))
  expect(parseRange({ to: '2025-12-15' }, now)).toEqual(range('2025-12-01', '2025-12-15'))
})

test.each([
  ['2026-03-04', '2026-03-04T00:00:00Z'],
  ['2026-03-04T12:30', '2026-03-04T12:30:00Z'],
  ['2026-03-04T12:30:15.125', '2026-03-04T12:30:15.125Z'],
  ['2026-03-04T12:30:15Z', '2026-03-04T12:30:15Z'],
  ['2026-03-04T12:30:15+02:00', '2026-03-04T10:30:15Z'],
  ['2024-02-29', '2024-02-29T00:00:00Z'],
])('%s is %s', (text, time) => {
  expect(parseRange({ from: text }, now).from).toBe(timeOf(time))
})

test.each([
  '',
  'yesterday',
  '2026',
  '2026-03',
  '2026-02-29',
  '2026-02-30T10:00Z',
  '2026-13-01',
  '2026-03-04T25:00',
  '2026-03-04 12:00',
  '04.03.2026',
  '1772625600000',
  '2026-03-04T12:00:00[UTC]',
  '-000001-01-01',
])('%j is no time', (text) => {
  expect(() => parseRange({ from: text }, now)).toThrow(
    invalid(/^`from` must be an ISO 8601 date or time such as .*; got "/),
  )
  expect(() => parseRange({ from: '2020-01-01', to: text }, now)).toThrow(invalid(/^`to` must be an ISO 8601/))
})

test('a range that is empty or backwards is refused, and says what it was', () => {
  expect(() => parseRange({ from: '2026-03-04', to: '2026-03-04' }, now)).toThrow(
    invalid(/^`to` must be after `from` and is not part of the range; got 2026-03-04T00:00:00.000Z to 2026-03-04T/),
  )
  expect(() => parseRange({ from: '2026-03-04', to: '2026-03-01' }, now)).toThrow(invalid(/^`to` must be after/))
  expect(() => parseRange({ from: '2026-05-01' }, now)).toThrow(invalid(/^`from` must not be in the future/))
})

test('groups are read in the order in which they are named', () => {
  expect(parseGroups(undefined)).toEqual([])
  expect(parseGroups('')).toEqual([])
  expect(parseGroups('outcome')).toEqual(['outcome'])
  expect(parseGroups('policy, day,hour,trigger,outcome')).toEqual(['policy', 'day', 'hour', 'trigger', 'outcome'])
})

test.each([
  ['week', /^`groupBy` must be a list of day, hour, outcome, trigger, policy, function, version, kind; got "week"$/],
  ['day,', /got ""$/],
  ['day,day', /got day twice$/],
  ['__proto__', /got "__proto__"$/],
  ['day,'.repeat(1_000), /got "(day,){10}…"$/],
])('groups %j are refused', (text, message) => {
  expect(() => parseGroups(text)).toThrow(
    expect.objectContaining({ code: 'INVALID_REQUEST', message: expect.stringMatching(message) }),
  )
})

test('hours are answered for a month at most, so that an answer has an end', () => {
  const month = range('2026-03-01', '2026-04-01')
  const more = range('2026-03-01', '2026-04-02')
  expect(() => checkRows(month, ['hour', 'outcome'])).not.toThrow()
  expect(() => checkRows(more, ['day'])).not.toThrow()
  expect(() => checkRows(more, ['hour'])).toThrow(
    invalid(/^`groupBy` hour takes a range of at most 31 days; got 2026-03-01/),
  )
})
