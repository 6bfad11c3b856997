import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { TenantId } from '../core/ids.ts'
import type { TimeRange } from '../core/stores.ts'
import type { Tables } from './schema.ts'

/** Records that one query looks at: a few milliseconds, after which the event loop has its turn. */
const STEP_RECORDS = 2_000

/** A place in a tenant's records by time. Sequences start at 1, so 0 is before all records of that moment. */
export interface Position {
  readonly startedAt: number
  readonly sequence: number
}

/** A stretch of a tenant's records: from `from`, inclusive, to `below`, exclusive. */
export interface Step {
  readonly from: Position
  readonly below: Position
}

/**
 * Cuts a range of a tenant's records into bounded steps, newest first, and lets the event loop run between them: however
 * much a tenant has in the ledger, reading it never holds up the others. Records that are appended meanwhile may or may
 * not be seen.
 */
export async function* ledgerSteps(
  database: Kysely<Tables>,
  tenant: TenantId,
  { from, to }: TimeRange,
  start: Position = { startedAt: to, sequence: 0 },
): AsyncGenerator<Step, void, undefined> {
  let below = start
  for (;;) {
    const edge = await database
      .selectFrom('ledger')
      .select(['started_at as startedAt', 'sequence'])
      .where('tenant', '=', tenant)
      .where('started_at', '>=', from)
      .where(isBelow(below))
      .orderBy('started_at', 'desc')
      .orderBy('sequence', 'desc')
      .limit(1)
      .offset(STEP_RECORDS - 1)
      .executeTakeFirst()
    yield { from: edge ?? { startedAt: from, sequence: 0 }, below }
    if (edge === undefined) return
    below = edge
    await nextTurn()
  }
}

/** The condition that a record lies in a step. */
export function isWithin({ from, below }: Step): RawBuilder<boolean> {
  return sql<boolean>`(started_at, sequence) >= (${from.startedAt}, ${from.sequence}) and ${isBelow(below)}`
}

function isBelow({ startedAt, sequence }: Position): RawBuilder<boolean> {
  return sql<boolean>`(started_at, sequence) < (${startedAt}, ${sequence})`
}
