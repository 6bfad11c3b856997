import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import type { TenantId } from '../core/ids.ts'
import type { Operations } from '../core/run.ts'
import type { RollupFault, TimeRange } from '../core/stores.ts'
import type { CanonicalFields } from './canonical.ts'
import { isWithin, ledgerSteps } from './ledger-steps.ts'
import { type Resolution, type RollupKey, Rollups } from './rollup.ts'
import { FIELD_COLUMNS, type Tables } from './schema.ts'
import { Sums } from './sums.ts'

/** Roll-ups that one query reads: a few milliseconds, after which the event loop has its turn. */
const PAGE_ROLLUPS = 1_000
const KEY = sql`start, kind, "trigger", status, function, version, policy`
const FIELDS = Object.entries(FIELD_COLUMNS).map(([field, column]) => sql.ref(`ledger.${column}`).as(field))

export type StoredRollup = RollupKey & { readonly sums: string }

/** The stored roll-ups of a tenant that begin in a range, in the order of their keys. */
export async function* rollupsOf(
  database: Kysely<Tables>,
  tenant: TenantId,
  resolution: Resolution,
  { from, to }: TimeRange,
): AsyncGenerator<StoredRollup, void, undefined> {
  let last: StoredRollup | undefined
  for (;;) {
    const rows: readonly StoredRollup[] = await database
      .selectFrom('rollups')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('resolution', '=', resolution)
      .where('start', '>=', last?.start ?? from)
      .where('start', '<', to)
      .$if(last !== undefined, (query) => query.where(isAfter(last)))
      .orderBy(KEY)
      .limit(PAGE_ROLLUPS)
      .execute()
    yield* rows
    last = rows.at(-1)
    if (rows.length < PAGE_ROLLUPS) return
    await nextTurn()
  }
}

/** A record, and its operations as an object too. */
export interface CountedRecord {
  readonly fields: CanonicalFields
  readonly operations: Operations
}

/** The records of a range, newest steps first, as far as sums need them. */
export async function* recordsOf(
  database: Kysely<Tables>,
  tenant: TenantId,
  range: TimeRange,
): AsyncGenerator<CountedRecord, void, undefined> {
  for await (const step of ledgerSteps(database, tenant, range)) {
    const rows = await database
      .selectFrom('ledger')
      .select(FIELDS)
      .where('tenant', '=', tenant)
      .where(isWithin(step))
      .execute()
    for (const row of rows as unknown as readonly CanonicalFields[]) {
      yield { fields: row, operations: operationsOf(row.operations) }
    }
  }
}

/** Checks every roll-up of a tenant against its records. Both must be seen as they were at one moment: see LedgerStore. */
export async function auditRollups(database: Kysely<Tables>, tenant: TenantId): Promise<RollupFault | undefined> {
  const all = { from: 0, to: Number.MAX_SAFE_INTEGER } as unknown as TimeRange
  const expected = new Rollups()
  for await (const { fields, operations } of recordsOf(database, tenant, all)) expected.add(fields, operations)
  let seen = 0
  for (const resolution of ['hour', 'day'] as const) {
    for await (const { sums, ...key } of rollupsOf(database, tenant, resolution, all)) {
      const made = expected.find(key)?.sums ?? new Sums()
      if (made.text() !== sums) return faultOf(key, made, sums)
      seen += 1
    }
  }
  if (seen === expected.size) return undefined
  return missing(database, tenant, expected)
}

async function missing(
  database: Kysely<Tables>,
  tenant: TenantId,
  expected: Rollups,
): Promise<RollupFault | undefined> {
  for (const { key, sums } of expected.values()) {
    const { resolution, start } = key
    const range = { from: start, to: start + 1 } as unknown as TimeRange
    const stored = await Array.fromAsync(rollupsOf(database, tenant, resolution, range))
    const isStored = stored.some((each) =>
      Object.entries(key).every(([name, value]) => each[name as keyof RollupKey] === value),
    )
    if (!isStored) return faultOf(key, sums, '{}')
  }
  return undefined
}

function faultOf({ resolution, start }: RollupKey, made: Sums, stored: string): RollupFault {
  const rolledUp = new Sums()
  rolledUp.addText(stored)
  return {
    resolution,
    from: new Date(start).toISOString(),
    records: Number(made.records),
    rolledUp: Number(rolledUp.records),
  }
}

function isAfter(last: StoredRollup | undefined) {
  const { start, kind, trigger, status, version, policy } = last ?? ({} as StoredRollup)
  return sql<boolean>`(${KEY}) > (${start}, ${kind}, ${trigger}, ${status}, ${last?.function}, ${version}, ${policy})`
}

const NO_OPERATIONS: Operations = Object.freeze({})

function operationsOf(text: string): Operations {
  return text === '{}' ? NO_OPERATIONS : (JSON.parse(text) as Operations)
}
