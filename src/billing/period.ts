import { CloisterError } from '../core/errors.ts'
import { type EpochMillis, epochMillis } from '../core/quantity.ts'
import type { TimeRange } from '../core/stores.ts'

/** A UTC day or month. Budgets reset with it. */
export interface Period extends TimeRange {
  readonly kind: 'day' | 'month'
}

const DAY_MS = 86_400_000
const MONTH = /^([0-9]{4})-(0[1-9]|1[0-2])$/
const FIRST_YEAR = 1970

/** The UTC day that a moment falls in. */
export function dayOf(at: EpochMillis): Period {
  const from = Math.floor(at / DAY_MS) * DAY_MS
  return { kind: 'day', from: epochMillis(from), to: epochMillis(from + DAY_MS) }
}

/** The UTC month that a moment falls in. */
export function monthOf(at: EpochMillis): Period {
  const date = new Date(at)
  return month(date.getUTCFullYear(), date.getUTCMonth())
}

/** A period's name: `2026-03-04` or `2026-03`. */
export function periodName({ kind, from }: Period): string {
  return isoTime(from).slice(0, kind === 'day' ? 10 : 7)
}

/** Whether a moment falls in a range: its start does, its end does not. */
export function within({ from, to }: TimeRange, at: EpochMillis): boolean {
  return from <= at && at < to
}

/** A moment as ISO 8601 in UTC. */
export function isoTime(at: EpochMillis): string {
  return new Date(at).toISOString()
}

/** Reads `YYYY-MM`, the current month if there is none. Throws INVALID_PERIOD if it is malformed or yet to come. */
export function parsePeriod(text: string | undefined, now: EpochMillis): Period {
  if (text === undefined) return monthOf(now)
  const [, year, number] = MONTH.exec(text) ?? []
  if (year === undefined || number === undefined || Number(year) < FIRST_YEAR) {
    throw invalid(`\`period\` must be a month as YYYY-MM, such as ${periodName(monthOf(now))}; got ${quoted(text)}`)
  }
  const period = month(Number(year), Number(number) - 1)
  if (period.from > now) {
    throw invalid(`\`period\` must not be in the future: ${text} begins on ${text}-01, and it is ${isoTime(now)}`)
  }
  return period
}

/** Text of a caller, for a message: quoted, escaped and cut. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)
}

/** The error of every malformed period or time. */
export function invalid(message: string): CloisterError {
  return new CloisterError('INVALID_PERIOD', message)
}

function month(year: number, index: number): Period {
  return { kind: 'month', from: epochMillis(Date.UTC(year, index)), to: epochMillis(Date.UTC(year, index + 1)) }
}
