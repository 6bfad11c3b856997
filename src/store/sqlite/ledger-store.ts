import type { DatabaseSync } from 'node:sqlite'
import type { Kysely } from 'kysely'
import type { TenantId } from '../../core/ids.ts'
import type { LedgerLine, LedgerStore, RollupFault, RunDetails } from '../../core/stores.ts'
import { encodeRecord } from '../canonical.ts'
import { findRun, ledgerLines, pageOfRuns } from '../ledger-queries.ts'
import { readFault, reading } from '../reading.ts'
import { auditRollups } from '../rollup-queries.ts'
import type { Tables } from '../schema.ts'
import { sumUsage } from '../usage-sums.ts'
import { postLine } from './commands.ts'
import { kyselyOver } from './dialect.ts'
import type { WriteQueue } from './write-queue.ts'

interface Parts {
  readonly queue: WriteQueue
  readonly database: Kysely<Tables>
  /** Opens another connection to the same database, to be closed by whoever asks. */
  readonly openReader: () => DatabaseSync
}

/** The ledger: written through the queue, read on a connection of its own. */
export function createLedgerStore({ queue, database, openReader }: Parts): LedgerStore {
  return {
    post: (record, details) => {
      try {
        return queue.enqueue(postLine(encodeRecord(record), detailsText(details))) as Promise<void>
      } catch (thrown) {
        return Promise.reject(thrown)
      }
    },
    sum: (tenant, range, groupBy) => reading(() => sumUsage(database, tenant, range, groupBy)),
    find: (tenant, run) => reading(() => findRun(database, tenant, run)),
    page: (tenant, filter) => reading(() => pageOfRuns(database, tenant, filter)),
    records: (tenant, range) => guarded(ledgerLines(database, tenant, range)),
    auditRollups: (tenant) => reading(() => audit(openReader, tenant)),
  }
}

/** On a connection of its own, in one transaction: what is posted meanwhile must not look like a difference. */
async function audit(openReader: Parts['openReader'], tenant: TenantId): Promise<RollupFault | undefined> {
  using reader = openReader()
  reader.exec('BEGIN')
  return await auditRollups(kyselyOver(reader), tenant)
}

/** Details are stored only when there is something to store. */
function detailsText({ error, logs, killReason, overdue }: RunDetails): string | undefined {
  if ((error ?? killReason ?? overdue) === undefined && logs.length === 0) return undefined
  return JSON.stringify({ ...(error && { error }), logs, killReason, overdue })
}

async function* guarded(lines: AsyncIterable<LedgerLine>): AsyncGenerator<LedgerLine, void, undefined> {
  try {
    yield* lines
  } catch (thrown) {
    throw readFault(thrown)
  }
}
