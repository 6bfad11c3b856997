import { DateTime, Duration, Interval } from 'luxon'

export default () => {
  const berlin = DateTime.fromISO('2026-03-28T12:00', { zone: 'Europe/Berlin' })
  const next = berlin.plus({ days: 1 })
  return [
    next.toISO(),
    next.diff(berlin, 'hours').hours,
    berlin.setLocale('fr').toLocaleString(DateTime.DATE_FULL),
    Duration.fromObject({ minutes: 135 }).shiftTo('hours', 'minutes').toHuman(),
    Interval.fromDateTimes(berlin, next).splitBy({ hours: 6 }).length,
    DateTime.fromFormat('31 Dec 2025', 'd LLL yyyy', { zone: 'utc' }).weekNumber,
    DateTime.fromISO('x').invalidReason,
  ]
}
