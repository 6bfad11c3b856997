import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ScheduleTrigger } from '../../src/core/event-config.ts'
import { epochMillis } from '../../src/core/quantity.ts'
import { nextTime, timesToKeep } from '../../src/events/cron.ts'

const at = (text: string) => epochMillis(Date.parse(text))
const iso = (time: number | undefined) => (time === undefined ? undefined : new Date(time).toISOString())
const every = (schedule: string, change: Partial<ScheduleTrigger> = {}) => ({ schedule, ...change }) as ScheduleTrigger

describe('the next time', () => {
  test('is after the moment, never the moment itself', () => {
    expect(iso(nextTime(every('0 8 * * *'), at('2026-03-01T08:00:00Z')))).toBe('2026-03-02T08:00:00.000Z')
    expect(iso(nextTime(every('0 8 * * *'), at('2026-03-01T07:59:59.999Z')))).toBe('2026-03-01T08:00:00.000Z')
  })

  test('is of the clock of its time zone, summer and winter', () => {
    const morning = every('0 8 * * *', { timezone: 'Europe/Berlin' })
    expect(iso(nextTime(morning, at('2026-01-10T12:00:00Z')))).toBe('2026-01-11T07:00:00.000Z')
    expect(iso(nextTime(morning, at('2026-07-10T12:00:00Z')))).toBe('2026-07-11T06:00:00.000Z')
  })

  test('that the clock leaps over comes once that day, and one that it shows twice comes once', () => {
    const night = every('30 2 * * *', { timezone: 'Europe/Berlin' })
    const days = (from: string, count: number) => {
      let time = at(from)
      return Array.from({ length: count }, () => iso((time = nextTime(night, time) ?? time))?.slice(0, 10))
    }
    expect(new Set(days('2026-03-27T12:00:00Z', 4)).size).toBe(4)
    expect(new Set(days('2026-10-23T12:00:00Z', 4)).size).toBe(4)
  })

  test('may never come', () => {
    expect(nextTime(every('0 0 30 2 *'), at('2026-01-01'))).toBeUndefined()
  })
})

describe('times that have come while nobody looked', () => {
  const from = at('2026-03-01T00:00:00Z')
  const now = at('2026-03-01T05:30:00Z')
  const kept = (missed?: 'all' | 'once' | 'skip') => {
    const { times, next } = timesToKeep(every('0 * * * *', missed && { missed }), from, now)
    return [times.map(iso), iso(next)]
  }

  test('are made up for once, unless the schedule says otherwise', () => {
    expect(kept()).toEqual([['2026-03-01T05:00:00.000Z'], '2026-03-01T06:00:00.000Z'])
    expect(kept('once')).toEqual(kept())
  })

  test('are all kept, or passed over, if it says so', () => {
    const hours = [0, 1, 2, 3, 4, 5].map((hour) => `2026-03-01T0${hour}:00:00.000Z`)
    expect(kept('all')).toEqual([hours, '2026-03-01T06:00:00.000Z'])
    expect(kept('skip')).toEqual([[], '2026-03-01T06:00:00.000Z'])
  })

  test('are late, not missed, within a minute', () => {
    const late = timesToKeep(every('0 * * * *', { missed: 'skip' }), from, at('2026-03-01T00:00:59Z'))
    expect(late.times.map(iso)).toEqual(['2026-03-01T00:00:00.000Z'])
  })

  test('are a hundred at most, the last of them always, and the next is in the future', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000_000 }), (seconds) => {
        const end = epochMillis(from + seconds * 1_000 + 500)
        const { times, next } = timesToKeep(every('* * * * * *', { missed: 'all' }), from, end)
        expect(times.length).toBe(Math.min(100, seconds + 1))
        expect(times.at(-1)).toBe(from + seconds * 1_000)
        expect(times).toEqual(times.toSorted((a, b) => a - b))
        expect(next).toBe(from + (seconds + 1) * 1_000)
      }),
      { numRuns: 50 },
    )
  })
})
