import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { CommandInput, Swept } from './commands.ts'
import type { FunctionWriter } from './function-writer.ts'
import type { KvWriter } from './kv-writer.ts'

/** Rows of each kind that one sweep removes at most: a few milliseconds, during which posts wait. */
const SWEEP_STEP = 1_000

/** Removes what is past its time inside the writer's transaction, a bounded step at a time. */
export class SweepWriter {
  readonly #details: StatementSync
  readonly #entries: StatementSync
  readonly #kv: KvWriter
  readonly #functions: FunctionWriter

  constructor(database: DatabaseSync, { kv, functions }: { kv: KvWriter; functions: FunctionWriter }) {
    this.#kv = kv
    this.#functions = functions
    this.#details = database.prepare(
      `DELETE FROM run_details WHERE run IN
        (SELECT run FROM run_details WHERE started_at < ? ORDER BY started_at LIMIT ${SWEEP_STEP})`,
    )
    this.#entries = database.prepare(
      `DELETE FROM kv WHERE (tenant, key) IN
        (SELECT tenant, key FROM kv WHERE expires_at <= ? ORDER BY expires_at LIMIT ${SWEEP_STEP})`,
    )
  }

  sweep({ now, detailsBefore }: CommandInput<'sweep'>): Swept {
    const details = Number(this.#details.run(detailsBefore).changes)
    const entries = Number(this.#entries.run(now).changes)
    const hasOrphans = this.#kv.purgeOrphans()
    const hasCode = this.#functions.purgeArtifacts()
    const complete = details < SWEEP_STEP && entries < SWEEP_STEP && !hasOrphans && !hasCode
    return { details, entries, complete }
  }
}
