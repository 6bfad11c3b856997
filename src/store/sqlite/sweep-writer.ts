import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { CommandInput, Swept } from './commands.ts'

/** Rows of each kind that one sweep removes at most: a few milliseconds, during which posts wait. */
const SWEEP_STEP = 1_000
/** What became of an event whose run has another id than the event can be looked up for a week. */
const ENDED_KEPT_MS = 7 * 86_400_000

/** Removes what is past its time inside the writer's transaction, a bounded step at a time. */
export class SweepWriter {
  readonly #details: StatementSync
  readonly #entries: StatementSync
  readonly #messages: StatementSync
  readonly #deduplications: StatementSync
  readonly #events: readonly StatementSync[]
  readonly #purgeOrphans: () => boolean
  readonly #endSessions: (now: number) => boolean

  constructor(database: DatabaseSync, purgeOrphans: () => boolean, endSessions: (now: number) => boolean) {
    this.#endSessions = endSessions
    this.#purgeOrphans = purgeOrphans
    this.#details = database.prepare(
      `DELETE FROM run_details WHERE run IN
        (SELECT run FROM run_details WHERE started_at < ? ORDER BY started_at LIMIT ${SWEEP_STEP})`,
    )
    this.#entries = database.prepare(
      `DELETE FROM kv WHERE (tenant, key) IN
        (SELECT tenant, key FROM kv WHERE expires_at <= ? ORDER BY expires_at LIMIT ${SWEEP_STEP})`,
    )
    this.#messages = database.prepare(
      `DELETE FROM messages WHERE sequence IN
        (SELECT sequence FROM messages WHERE expires_at <= ? ORDER BY expires_at LIMIT ${SWEEP_STEP})`,
    )
    this.#deduplications = database.prepare(
      `DELETE FROM deduplications WHERE (queue, id) IN
        (SELECT queue, id FROM deduplications WHERE expires_at <= ? ORDER BY expires_at LIMIT ${SWEEP_STEP})`,
    )
    this.#events = [
      ['invocations', `ended_at <= ? - ${ENDED_KEPT_MS}`],
      ['dead_letters', 'expires_at <= ?'],
      ['idempotency', 'expires_at <= ?'],
    ].map(([table, isOver]) =>
      database.prepare(
        `DELETE FROM ${table} WHERE number IN (SELECT number FROM ${table} WHERE ${isOver} LIMIT ${SWEEP_STEP})`,
      ),
    )
  }

  #sweepEvents(now: number): number[] {
    return this.#events.map((expired) => Number(expired.run(now).changes))
  }

  sweep({ now, detailsBefore }: CommandInput<'sweep'>): Swept {
    const details = Number(this.#details.run(detailsBefore).changes)
    const entries = Number(this.#entries.run(now).changes)
    const messages = Number(this.#messages.run(now).changes)
    const deduplications = Number(this.#deduplications.run(now).changes)
    const events = this.#sweepEvents(now)
    const hasSessions = this.#endSessions(now)
    const hasOrphans = this.#purgeOrphans()
    const isBehind = [details, entries, messages, deduplications, ...events].some((count) => count >= SWEEP_STEP)
    return { details, entries, complete: !isBehind && !hasSessions && !hasOrphans }
  }
}
