import { CloisterError } from '../core/errors.ts'
import { type EpochMillis, epochMillis } from '../core/quantity.ts'
import { type TimeRange, USAGE_GROUPS, type UsageGroup } from '../core/stores.ts'
import { invalid, isoTime, monthOf, quoted } from './period.ts'

/** Date, and a time to the millisecond with an offset or none. Smaller fractions do not exist in the ledger. */
const TIME = /^([0-9]{4}-[0-9]{2}-[0-9]{2})(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,3})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?$/
const ALLOWED = 'must be an ISO 8601 date or time such as 2026-03-04 or 2026-03-04T12:30:00Z'
const DAY_MS = 86_400_000
const HOURLY_DAYS_MAX = 31

/** The ends of a range as a caller writes them. */
export interface RangeText {
  readonly from?: string | undefined
  readonly to?: string | undefined
}

/**
 * Reads a range: `from` is in it, `to` is not; a date is its first moment; all in UTC unless an offset is written.
 * Without `to` it ends with the current month, without `from` it begins with the month it ends in. Throws
 * INVALID_PERIOD naming the field.
 */
export function parseRange({ from, to }: RangeText, now: EpochMillis): TimeRange {
  const end = to === undefined ? monthOf(now).to : parseTime('to', to)
  const start = from === undefined ? monthOf(epochMillis(end - 1)).from : parseTime('from', from)
  if (start < end) return { from: start, to: end }
  if (to === undefined) {
    throw invalid(
      `\`from\` must not be in the future: it is ${isoTime(start)}, and \`to\` is ${isoTime(end)} if not given`,
    )
  }
  throw invalid(`\`to\` must be after \`from\` and is not part of the range; got ${isoTime(start)} to ${isoTime(end)}`)
}

/** Reads a list such as `day,outcome`; none if there is no text. Throws INVALID_REQUEST naming what is allowed. */
export function parseGroups(text: string | undefined): readonly UsageGroup[] {
  if (text === undefined || text === '') return []
  // Longer than all names together: nothing of it needs to be looked at.
  if (text.length > 100) throw badGroups(quoted(text))
  const groups = text.split(',').map(parseGroup)
  const twice = groups.find((group, index) => groups.indexOf(group) !== index)
  if (twice !== undefined) throw badGroups(`${twice} twice`)
  return groups
}

/** Bounds the rows of an answer. Throws INVALID_PERIOD when hours are asked for over more than 31 days. */
export function checkRows({ from, to }: TimeRange, groups: readonly UsageGroup[]): void {
  if (!groups.includes('hour') || to - from <= HOURLY_DAYS_MAX * DAY_MS) return
  throw invalid(
    `\`groupBy\` hour takes a range of at most ${HOURLY_DAYS_MAX} days; got ${isoTime(from)} to ${isoTime(to)}`,
  )
}

function parseGroup(text: string): UsageGroup {
  const group = USAGE_GROUPS.find((each) => each === text.trim())
  if (group === undefined) throw badGroups(quoted(text.trim()))
  return group
}

function badGroups(found: string): CloisterError {
  return new CloisterError('INVALID_REQUEST', `\`groupBy\` must be a list of ${USAGE_GROUPS.join(', ')}; got ${found}`)
}

function parseTime(field: 'from' | 'to', text: string): EpochMillis {
  const [, date, time, , , offset] = TIME.exec(text) ?? []
  const complete = time !== undefined && offset === undefined ? `${text}Z` : text
  const at = date === undefined ? NaN : Date.parse(complete)
  // Date.parse takes 2026-02-30 for the 2nd of March; a day that does not exist is a mistake, not a date.
  if (date === undefined || Number.isNaN(at) || !isRealDate(date))
    throw invalid(`\`${field}\` ${ALLOWED}; got ${quoted(text)}`)
  return epochMillis(at)
}

function isRealDate(date: string): boolean {
  const at = Date.parse(date)
  return !Number.isNaN(at) && isoTime(epochMillis(at)).slice(0, 10) === date
}
