import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../core/clock.ts'
import type { DeadLetterHead, DeadLetterStore } from '../../core/dead-letters.ts'
import type { FunctionName, RunId } from '../../core/ids.ts'
import type { InvocationError } from '../../core/invocations.ts'
import { epochMillis } from '../../core/quantity.ts'
import type { Trigger } from '../../core/run.ts'
import { reading } from '../reading.ts'
import type { LetterRow } from './dead-letter-commands.ts'
import type { WriteQueue } from './write-queue.ts'

interface Parts {
  readonly queue: WriteQueue
  /** A connection that is only read from. */
  readonly database: DatabaseSync
  readonly clock: Clock
}

const TENANT = '(SELECT number FROM tenants WHERE id = ?)'
const HEAD = `number, id, event, function, "trigger", queue, ordering_key, attempts, run, error, created_at, failed_at,
  expires_at, octet_length(input) AS input_bytes`

/** Dead letters over the database. */
export function createDeadLetterStore({ queue: writes, database, clock }: Parts): DeadLetterStore {
  const page = database.prepare(
    `SELECT ${HEAD} FROM dead_letters WHERE tenant = (SELECT number FROM tenants WHERE id = ?1)
      AND (?2 IS NULL OR function = ?2)
      AND number < ifnull((SELECT number FROM dead_letters WHERE id = ?3), ?4) ORDER BY number DESC LIMIT ?5`,
  )
  const one = database.prepare(`SELECT ${HEAD}, input FROM dead_letters WHERE id = ? AND tenant = ${TENANT}`)
  return {
    page: (tenant, { function: name, before, limit }) =>
      reading(() =>
        page
          .all(tenant, name ?? null, before ?? '', Number.MAX_SAFE_INTEGER, limit)
          .map((row) => headOf(row as unknown as LetterRow)),
      ),
    find: (tenant, id) =>
      reading(() => {
        const row = one.get(id, tenant) as LetterRow | undefined
        return row && { ...headOf(row), input: row.input }
      }),
    edit: async (tenant, id, input) => writes.write('letter.edit', { tenant, id, input }),
    delete: async (tenant, ids) => writes.write('letter.delete', { tenant, ids }),
    replay: async (tenant, replays, { events, queues }) =>
      writes.write('letter.replay', { tenant, replays, now: clock.now(), events, queues: queues ?? null }),
  }
}

function headOf(row: LetterRow): DeadLetterHead {
  return {
    id: row.id,
    event: row.event,
    function: row.function as FunctionName,
    trigger: row.trigger as Trigger,
    ...(row.queue !== null && { queue: row.queue }),
    ...(row.ordering_key !== null && { orderingKey: row.ordering_key }),
    attempts: row.attempts,
    ...(row.run !== null && { run: row.run as RunId }),
    error: JSON.parse(row.error) as InvocationError,
    createdAt: epochMillis(row.created_at),
    failedAt: epochMillis(row.failed_at),
    expiresAt: epochMillis(row.expires_at),
    inputBytes: row.input_bytes,
  }
}
