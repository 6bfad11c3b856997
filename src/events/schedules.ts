import type { Clock } from '../core/clock.ts'
import { CloisterError } from '../core/errors.ts'
import type { EventSourceStore, Schedule } from '../core/event-sources.ts'
import type { RunId, TenantId } from '../core/ids.ts'
import type { NewInvocation } from '../core/invocations.ts'
import type { Policy } from '../core/policy.ts'
import type { EpochMillis } from '../core/quantity.ts'
import type { Calls } from './calls.ts'
import { nextTime, timesToKeep } from './cron.ts'

interface Parts {
  readonly clock: Clock
  readonly sources: EventSourceStore
  readonly newRunId: () => RunId
  /** Throws NOT_FOUND, INVALID_POLICY. */
  readonly policyOf: (tenant: TenantId) => Policy
  readonly calls: Pick<Calls, 'plan'>
  /** Told after the times of a schedule have become events. */
  readonly onKept: (schedule: Schedule) => void
}

export interface Schedules {
  /** Keeps the times that have come: each becomes an event exactly once, whatever happens to hosts meanwhile. */
  tick(): Promise<void>
  list(tenant: TenantId): Promise<readonly Schedule[]>
  /** Runs a schedule's function now, besides its times. Rejects with NOT_FOUND. */
  fire(tenant: TenantId, number: number): Promise<RunId>
  /** Rejects with NOT_FOUND. */
  setState(tenant: TenantId, number: number, state: Schedule['state']): Promise<void>
}

/** Schedules that are looked at in one go. */
const STEP = 100

export function createSchedules({ clock, sources, newRunId, policyOf, calls, onKept }: Parts): Schedules {
  const eventOf = ({ tenant, function: name, config }: Schedule, at: EpochMillis): NewInvocation => ({
    id: newRunId(),
    tenant,
    function: name,
    target: {},
    trigger: 'schedule',
    input: JSON.stringify({ scheduledTime: at, cron: config.schedule }),
    dueAt: at,
  })
  const keep = async (schedule: Schedule): Promise<void> => {
    const now = clock.now()
    const quota = policyOf(schedule.tenant).events
    if (schedule.nextAt === undefined) {
      await sources.keep(schedule, { next: nextTime(schedule.config, now), events: [], quota })
      return
    }
    const { times, next } = timesToKeep(schedule.config, schedule.nextAt, now)
    const events = times.map((at) => eventOf(schedule, at))
    const last = times.at(-1)
    const isKept = await sources.keep(schedule, { next, ...(last !== undefined && { last }), events, quota })
    if (isKept && events.length > 0) onKept(schedule)
  }
  const find = async (tenant: TenantId, number: number): Promise<Schedule> => {
    const found = (await sources.schedules(tenant)).find((one) => one.number === number)
    if (found === undefined) throw noSuchSchedule(tenant, number)
    return found
  }
  return {
    async tick() {
      for (const schedule of await sources.dueSchedules(clock.now(), STEP)) await keep(schedule)
    },
    list: (tenant) => sources.schedules(tenant),
    async fire(tenant, number) {
      const { id: _, dueAt: __, ...event } = eventOf(await find(tenant, number), clock.now())
      return calls.plan(event)
    },
    async setState(tenant, number, state) {
      if (!(await sources.setState(tenant, number, state))) throw noSuchSchedule(tenant, number)
    },
  }
}

function noSuchSchedule(tenant: TenantId, number: number): CloisterError {
  return new CloisterError('NOT_FOUND', `tenant "${tenant}" has no schedule ${number}`)
}
