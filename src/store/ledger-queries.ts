import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { CloisterError } from '../core/errors.ts'
import type { RunId, TenantId } from '../core/ids.ts'
import type { LedgerLine, LedgerRecord, LedgerStore, PostedRun, RunDetails, TimeRange } from '../core/stores.ts'
import { type CanonicalFields, canonicalText, recordOf } from './canonical.ts'
import { GENESIS_HASH } from './chain.ts'
import { type Position, isWithin, ledgerSteps } from './ledger-steps.ts'
import { FIELD_COLUMNS, type Tables } from './schema.ts'

const FIELDS = Object.entries(FIELD_COLUMNS).map(([field, column]) => sql.ref(`ledger.${column}`).as(field))
const ALL_TIME: TimeRange = { from: 0 as TimeRange['from'], to: Number.MAX_SAFE_INTEGER as TimeRange['to'] }
/** Records of one page of an export. */
const EXPORT_RECORDS = 500

type PageFilter = Parameters<LedgerStore['page']>[1]

/** One run with its details, if the tenant has it. Details are empty once their retention is over. */
export async function findRun(database: Kysely<Tables>, tenant: TenantId, run: RunId): Promise<PostedRun | undefined> {
  const row = await database
    .selectFrom('ledger')
    .leftJoin('run_details', 'run_details.run', 'ledger.run')
    .select(FIELDS)
    .select('run_details.details')
    .where('ledger.run', '=', run)
    .where('ledger.kind', '<>', 'storage')
    .where('ledger.tenant', '=', tenant)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const details = row.details === null ? { logs: [] } : (JSON.parse(row.details) as RunDetails)
  return { ...recordOf(row as unknown as CanonicalFields), details }
}

/** A page of runs, newest first. Throws NOT_FOUND if `before` is not a run of the tenant. */
export async function pageOfRuns(
  database: Kysely<Tables>,
  tenant: TenantId,
  { status, function: name, range = ALL_TIME, before, limit }: PageFilter,
): Promise<readonly LedgerRecord[]> {
  const start = before === undefined ? undefined : await positionOf(database, tenant, before, range)
  const page: LedgerRecord[] = []
  for await (const step of ledgerSteps(database, tenant, range, start)) {
    const rows = await database
      .selectFrom('ledger')
      .select(FIELDS)
      .where('tenant', '=', tenant)
      .where(isWithin(step))
      .where('kind', '<>', 'storage')
      .$if(status !== undefined, (query) => query.where('status', '=', status ?? ''))
      .$if(name !== undefined, (query) => query.where('function', '=', name ?? ''))
      .orderBy('started_at', 'desc')
      .orderBy('sequence', 'desc')
      .limit(limit - page.length)
      .execute()
    page.push(...rows.map((row) => recordOf(row as unknown as CanonicalFields)))
    if (page.length >= limit) break
  }
  return page
}

/** The lines of a range in the order of the tenant's chain, a page at a time. Ends with what was there at the start. */
export async function* ledgerLines(
  database: Kysely<Tables>,
  tenant: TenantId,
  range: TimeRange,
): AsyncGenerator<LedgerLine, void, undefined> {
  let { after, last } = await boundsOf(database, tenant, range)
  while (after < last) {
    const rows = await exportPage(database, tenant, after, last)
    for (const { sequence, hash, previousHash, ...fields } of rows) {
      if (fields.startedAt < range.from || fields.startedAt >= range.to) continue
      yield { sequence, canonical: canonicalText(fields), hash, previousHash: previousHash ?? GENESIS_HASH }
    }
    after = rows.at(-1)?.sequence ?? last
    await nextTurn()
  }
}

/** Where the page starts: below the run, and never above the range. */
async function positionOf(
  database: Kysely<Tables>,
  tenant: TenantId,
  run: RunId,
  { to }: TimeRange,
): Promise<Position> {
  const position = await database
    .selectFrom('ledger')
    .select(['started_at as startedAt', 'sequence'])
    .where('run', '=', run)
    .where('tenant', '=', tenant)
    .executeTakeFirst()
  if (position === undefined) throw new CloisterError('NOT_FOUND', `before: there is no run ${run}`)
  return position.startedAt < to ? position : { startedAt: to, sequence: 0 }
}

/** Runs that overlap are posted in another order than they started in, so a range of time is not one of sequences. */
async function boundsOf(
  database: Kysely<Tables>,
  tenant: TenantId,
  range: TimeRange,
): Promise<{ after: number; last: number }> {
  let first = Infinity
  let last = 0
  for await (const step of ledgerSteps(database, tenant, range)) {
    const bounds = await database
      .selectFrom('ledger')
      .select(({ fn }) => [fn.min('sequence').as('first'), fn.max('sequence').as('last')])
      .where('tenant', '=', tenant)
      .where(isWithin(step))
      .executeTakeFirst()
    first = Math.min(first, Number(bounds?.first ?? Infinity))
    last = Math.max(last, Number(bounds?.last ?? 0))
  }
  return { after: first - 1, last }
}

type ExportRow = CanonicalFields & { sequence: number; hash: string; previousHash: string | null }

async function exportPage(
  database: Kysely<Tables>,
  tenant: TenantId,
  after: number,
  last: number,
): Promise<readonly ExportRow[]> {
  const rows = await database
    .selectFrom('ledger')
    .leftJoin('ledger as previous', (join) =>
      join
        .onRef('previous.tenant', '=', 'ledger.tenant')
        .on('previous.sequence', '=', sql<number>`ledger.sequence - 1`),
    )
    .select(FIELDS)
    .select(['ledger.sequence', 'ledger.hash', 'previous.hash as previousHash'])
    .where('ledger.tenant', '=', tenant)
    .where('ledger.sequence', '>', after)
    .where('ledger.sequence', '<=', last)
    .orderBy('ledger.sequence')
    .limit(EXPORT_RECORDS)
    .execute()
  return rows as unknown as readonly ExportRow[]
}
