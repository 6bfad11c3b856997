import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../core/clock.ts'
import type { QueueTrigger, ScheduleTrigger } from '../../core/event-config.ts'
import type { Consumer, EventSourceStore, Schedule } from '../../core/event-sources.ts'
import type { FunctionName, TenantId } from '../../core/ids.ts'
import { type EpochMillis, epochMillis, millis } from '../../core/quantity.ts'
import type { Notices } from '../notices.ts'
import { reading } from '../reading.ts'
import { rowOf } from './invocation-store.ts'
import type { WriteQueue } from './write-queue.ts'

interface Parts {
  readonly queue: WriteQueue
  /** A connection that is only read from. */
  readonly database: DatabaseSync
  readonly clock: Clock
  readonly notices: Notices
}

interface ConsumerRow {
  readonly number: number
  readonly tenant: string
  readonly function: string
  readonly config: string
  readonly lease_ms: number
  readonly ready: number
  readonly oldest: number | null
}

interface ScheduleRow {
  readonly number: number
  readonly tenant: string
  readonly function: string
  readonly config: string
  readonly paused: number
  readonly next_at: number | null
  readonly last_at: number | null
}

/** Of a batch; more need not be counted. */
const BATCH_MAX = 100
const FROM = `FROM function_triggers t JOIN functions f ON f.number = t.function JOIN tenants ON tenants.number = t.tenant`
const CONSUMER = `SELECT t.number, tenants.id AS tenant, f.name AS function, t.config, q.lease_ms,
    (SELECT count(*) FROM (SELECT 1 FROM messages WHERE queue = q.number AND at_head = 1 AND visible_at <= ?1
      LIMIT ${BATCH_MAX})) AS ready,
    (SELECT min(visible_at) FROM messages WHERE queue = q.number AND at_head = 1) AS oldest
  ${FROM} JOIN queues q ON q.tenant = t.tenant AND q.name = t.subject WHERE t.kind = 'queue'`
const SCHEDULE = `SELECT t.number, tenants.id AS tenant, f.name AS function, t.config, t.paused, t.next_at, t.last_at
  ${FROM} WHERE t.kind = 'schedule'`
/** Functions of one tenant that are looked at when something of it has changed. */
const LANES_MAX = 64
const NEVER = Number.MAX_SAFE_INTEGER

/** Triggers over the database. */
export function createEventSourceStore({ queue: writes, database, clock, notices }: Parts): EventSourceStore {
  const due = database.prepare(`${CONSUMER} AND t.number > ?2 ORDER BY t.number LIMIT ?3`)
  const dueOf = database.prepare(
    `${CONSUMER} AND t.subject = ?3 AND t.tenant = (SELECT number FROM tenants WHERE id = ?2)`,
  )
  const lanes = database.prepare(
    `SELECT DISTINCT function FROM invocations
    WHERE state = 'queued' AND tenant = (SELECT number FROM tenants WHERE id = ?) AND due_at <= ? LIMIT ${LANES_MAX}`,
  )
  const all = database.prepare(`${SCHEDULE} AND tenants.id = ? ORDER BY f.name, t.number`)
  const dueSchedules = database.prepare(
    `${SCHEDULE} AND t.paused = 0 AND (t.next_at IS NULL OR t.next_at <= ?) LIMIT ?`,
  )
  return {
    onChange: (listener) => void notices.add(listener),
    dueConsumers: (now, after, limit) =>
      reading(() => {
        const rows = due.all(now, after, limit) as unknown as readonly ConsumerRow[]
        const next = rows.length < limit ? 0 : (rows.at(-1)?.number ?? 0)
        return { consumers: rows.filter((row) => isDue(row, now)).map(consumerOf), next }
      }),
    dueConsumersOf: (tenant, name, now) =>
      reading(() => {
        const rows = dueOf.all(now, tenant, name) as unknown as readonly ConsumerRow[]
        return rows.filter((row) => isDue(row, now)).map(consumerOf)
      }),
    dueLanesOf: (tenant, now) =>
      reading(() =>
        lanes.all(tenant, now).map((row) => ({ tenant, function: String(row['function']) as FunctionName })),
      ),
    schedules: (tenant) => reading(() => all.all(tenant).map((row) => scheduleOf(row as unknown as ScheduleRow))),
    dueSchedules: (now, limit) =>
      reading(() => dueSchedules.all(now, limit).map((row) => scheduleOf(row as unknown as ScheduleRow))),
    keep: async ({ number, nextAt }, { next, last, events, quota }) =>
      writes.write('schedule.keep', {
        number,
        expected: nextAt ?? null,
        next: next ?? null,
        last: last ?? null,
        events: events.map(rowOf),
        quota,
        now: clock.now(),
      }),
    setState: async (tenant, number, state) =>
      writes.write('schedule.pause', { tenant, number, paused: state === 'paused' ? 1 : 0 }),
  }
}

function isDue({ config, ready, oldest }: ConsumerRow, now: EpochMillis): boolean {
  const { batchSize = 10, maxWaitMs = 0 } = JSON.parse(config) as QueueTrigger
  return ready >= batchSize || (ready > 0 && oldest !== null && oldest + maxWaitMs <= now)
}

function consumerOf({ number, tenant, function: name, config, lease_ms: lease }: ConsumerRow): Consumer {
  return {
    number,
    tenant: tenant as TenantId,
    function: name as FunctionName,
    config: JSON.parse(config) as QueueTrigger,
    lease: millis(lease),
  }
}

function scheduleOf({ number, tenant, function: name, config, paused, next_at, last_at }: ScheduleRow): Schedule {
  return {
    number,
    tenant: tenant as TenantId,
    function: name as FunctionName,
    config: JSON.parse(config) as ScheduleTrigger,
    state: paused === 1 ? 'paused' : 'active',
    ...(next_at !== null && next_at !== NEVER && { nextAt: epochMillis(next_at) }),
    ...(last_at !== null && { lastAt: epochMillis(last_at) }),
  }
}
