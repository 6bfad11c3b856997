import type { Kysely } from 'kysely'
import type { LedgerLine, LedgerStore, RunDetails } from '../../core/stores.ts'
import { encodeRecord } from '../canonical.ts'
import { findRun, ledgerLines, pageOfRuns } from '../ledger-queries.ts'
import { readFault, reading } from '../reading.ts'
import type { Tables } from '../schema.ts'
import { sumUsage } from '../usage-sums.ts'
import { postLine } from './commands.ts'
import type { LedgerVerifier } from './verify/verifier.ts'
import type { WriteQueue } from './write-queue.ts'

interface Parts {
  readonly queue: WriteQueue
  readonly database: Kysely<Tables>
  readonly verifier: LedgerVerifier
}

/** The ledger: written through the queue, read on a connection of its own. */
export function createLedgerStore({ queue, database, verifier }: Parts): LedgerStore {
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
    tryWrite: async () => {
      await queue.write('ledger.take-room', {})
      await queue.write('ledger.give-room', {})
    },
    verify: (tenant) => reading(() => verifier.verify(tenant)),
  }
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
