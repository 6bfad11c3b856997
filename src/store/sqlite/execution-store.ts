import type { DatabaseSync } from 'node:sqlite'
import type { ExecutionRecord, ExecutionStore, JournalEntry } from '../../core/durable.ts'
import type { FunctionName, RunId, TenantId } from '../../core/ids.ts'
import { epochMillis } from '../../core/quantity.ts'
import { reading } from '../reading.ts'
import type { WriteQueue } from './write-queue.ts'

interface Parts {
  readonly queue: WriteQueue
  /** A connection that is only read from. */
  readonly database: DatabaseSync
}

interface ExecutionRow {
  readonly id: string
  readonly tenant_id: string
  readonly function: string
  readonly version: number
  readonly status: ExecutionRecord['status']
  readonly input: string
  readonly result: string | null
  readonly error: string | null
  readonly due_at: number | null
  readonly runs: number
  readonly setbacks: number
  readonly last_run: string | null
  readonly created_at: number
  readonly updated_at: number
}

type EntryRow = Omit<JournalEntry, 'value' | 'dueAt'> & {
  readonly value: string | null
  readonly due_at: number | null
}

const ROWS = 'SELECT executions.*, tenants.id AS tenant_id FROM executions JOIN tenants ON tenants.number = tenant'

/** Executions of durable functions, with their journals and the events that wait for them. */
export function createExecutionStore({ queue, database }: Parts): ExecutionStore {
  const find = database.prepare(`${ROWS} WHERE executions.id = ? AND tenants.id = ?`)
  const due = database.prepare(`SELECT * FROM (SELECT executions.*, tenants.id AS tenant_id,
        row_number() OVER (PARTITION BY tenant ORDER BY due_at, executions.number) AS turn
      FROM executions JOIN tenants ON tenants.number = tenant WHERE due_at <= ?)
    ORDER BY turn, due_at LIMIT ?`)
  const next = database.prepare('SELECT min(due_at) AS at FROM executions WHERE due_at > ?')
  const entries = database.prepare(
    `SELECT journal.* FROM journal JOIN executions ON executions.number = execution WHERE executions.id = ? ORDER BY place`,
  )
  const list = database.prepare(
    `${ROWS} WHERE tenants.id = ?1 AND (?2 IS NULL OR status = ?2) AND (?3 IS NULL OR function = ?3)
      AND (?4 IS NULL OR executions.number < (SELECT number FROM executions WHERE id = ?4 AND tenant = tenants.number))
    ORDER BY executions.number DESC LIMIT ?5`,
  )
  return {
    begin: (execution, openMax) => queue.write('execution.begin', { ...execution, openMax }),
    record: (id, entry) => queue.write('execution.record', { id, entry }),
    takeEvent: async (id, entry) => (await queue.write('execution.take-event', { id, entry })).payload,
    journal: (id) => reading(() => (entries.all(id) as unknown as EntryRow[]).map(entryOf)),
    settle: (id, settlement, { run, now }) =>
      queue.write('execution.settle', { id, settlement, run: run ?? null, now }),
    due: (now, limit) => reading(() => (due.all(now, limit) as unknown as ExecutionRow[]).map(recordOf)),
    nextDue: (now) =>
      reading(() => {
        const { at } = next.get(now) as { at: number | null }
        return at === null ? undefined : epochMillis(at)
      }),
    deliver: (tenant, id, event, max) => queue.write('execution.deliver', { tenant, id, ...event, max }),
    cancel: (tenant, id, now) => queue.write('execution.cancel', { tenant, id, now }),
    find: (tenant, id) =>
      reading(() => {
        const row = find.get(id, tenant) as ExecutionRow | undefined
        return row && recordOf(row)
      }),
    list: (tenant, { status, function: name, before, limit }) =>
      reading(() => {
        const rows = list.all(tenant, status ?? null, name ?? null, before ?? null, limit)
        return (rows as unknown as ExecutionRow[]).map(recordOf)
      }),
    forget: (endedBefore) => queue.write('execution.forget', { before: endedBefore }),
  }
}

function recordOf(row: ExecutionRow): ExecutionRecord {
  return {
    id: row.id as RunId,
    tenant: row.tenant_id as TenantId,
    function: row.function as FunctionName,
    version: row.version,
    status: row.status,
    input: row.input,
    ...(row.result !== null && { result: row.result }),
    ...(row.error !== null && { error: JSON.parse(row.error) as NonNullable<ExecutionRecord['error']> }),
    ...(row.due_at !== null && { dueAt: epochMillis(row.due_at) }),
    runs: row.runs,
    setbacks: row.setbacks,
    ...(row.last_run !== null && { lastRun: row.last_run as RunId }),
    createdAt: epochMillis(row.created_at),
    updatedAt: epochMillis(row.updated_at),
  }
}

function entryOf({ id, place, kind, name, state, value, due_at: dueAt, tries, version, at }: EntryRow): JournalEntry {
  return {
    id,
    place,
    kind,
    name,
    state,
    ...(value !== null && { value }),
    ...(dueAt !== null && { dueAt: epochMillis(dueAt) }),
    tries,
    version,
    at,
  }
}
