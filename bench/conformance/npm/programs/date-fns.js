import { addMonths, differenceInCalendarDays, eachDayOfInterval, format, formatDistance, parseISO } from 'date-fns'
import { de } from 'date-fns/locale'

export default () => {
  const from = new Date(2026, 0, 31)
  return [
    format(addMonths(from, 1), 'yyyy-MM-dd'),
    format(from, 'EEEE, d. MMMM', { locale: de }),
    differenceInCalendarDays(parseISO('2026-03-01'), from),
    formatDistance(from, new Date(2026, 2, 31)),
    eachDayOfInterval({ start: from, end: new Date(2026, 1, 3) }).length,
  ]
}
