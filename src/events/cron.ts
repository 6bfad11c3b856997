import { Cron } from 'croner'
import type { ScheduleTrigger } from '../core/event-config.ts'
import { type EpochMillis, epochMillis } from '../core/quantity.ts'

/** Times that are made up for at once; the others are passed over. */
const MISSED_MAX = 100
/** A time that is kept so late was not missed, only late. */
const LATE_MS = 60_000

/** The first time of a schedule after a moment; undefined if there is none. */
export function nextTime({ schedule, timezone = 'UTC' }: ScheduleTrigger, after: EpochMillis): EpochMillis | undefined {
  const next = new Cron(schedule, { timezone, paused: true }).nextRun(new Date(after))
  return next === null ? undefined : epochMillis(next.getTime())
}

/**
 * Which times of a schedule are kept now, the first of which was due at `from`, and when the next one is. What is kept of those
 * that were missed is for `missed` to say.
 */
export function timesToKeep(
  trigger: ScheduleTrigger,
  from: EpochMillis,
  now: EpochMillis,
): { readonly times: readonly EpochMillis[]; readonly next: EpochMillis | undefined } {
  const times: EpochMillis[] = []
  let at: EpochMillis | undefined = from
  while (at !== undefined && at <= now) {
    times.push(at)
    if (times.length > MISSED_MAX) times.shift()
    at = times.length === MISSED_MAX ? jump(trigger, at, now, times) : nextTime(trigger, at)
  }
  switch (trigger.missed ?? 'once') {
    case 'all':
      return { times, next: at }
    case 'once':
      return { times: times.slice(-1), next: at }
    case 'skip':
      return { times: times.slice(-1).filter((time) => time >= now - LATE_MS), next: at }
  }
}

/** After a long pause of a schedule that comes every second: on to what was due last, so that nobody counts for hours. */
function jump(
  trigger: ScheduleTrigger,
  at: EpochMillis,
  now: EpochMillis,
  times: EpochMillis[],
): EpochMillis | undefined {
  const next = nextTime(trigger, at)
  if (next === undefined || next > now) return next
  const previous = new Cron(trigger.schedule, { timezone: trigger.timezone ?? 'UTC', paused: true }).previousRuns(
    1,
    new Date(now + 1),
  )[0]
  if (previous !== undefined && previous.getTime() > at) times.push(epochMillis(previous.getTime()))
  if (times.length > MISSED_MAX) times.shift()
  return nextTime(trigger, now)
}
