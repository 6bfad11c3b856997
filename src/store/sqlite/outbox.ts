import { randomBytes } from 'node:crypto'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { CloisterError } from '../../core/errors.ts'
import type { BlobTrigger, DocTrigger } from '../../core/event-config.ts'

/** Events of one tenant that wait; past it, what would cause more of them is refused. */
const QUEUED_MAX = 1_000_000

/** A change of a blob. */
export interface BlobChange {
  readonly type: BlobTrigger['blob']
  readonly key: string
  readonly size: number
  readonly etag: string
  readonly contentType: string
}

/** A change of a document. */
export interface DocChange {
  readonly type: 'created' | 'updated' | 'deleted'
  readonly collection: string
  readonly id: string
  readonly version: number
}

interface Trigger {
  readonly function: string
  readonly config: string
}

/**
 * Queues the events of changes inside the writer's transaction, with the changes themselves: there is an event if and only if
 * there is the change. Throws QUOTA_EXCEEDED, which takes the change back.
 */
export class Outbox {
  readonly #triggers: StatementSync
  readonly #queued: StatementSync
  readonly #insert: StatementSync
  readonly #clock: StatementSync

  constructor(database: DatabaseSync) {
    this.#triggers = database.prepare(
      `SELECT functions.name AS function, config FROM function_triggers JOIN functions ON functions.number = function_triggers.function
      WHERE function_triggers.tenant = ? AND kind = ? AND subject = ?`,
    )
    this.#queued = database.prepare('SELECT queued FROM event_totals WHERE tenant = ?')
    this.#insert = database.prepare(
      `INSERT INTO invocations (tenant, id, function, target, "trigger", input, depth, created_at, planned_at, due_at)
      VALUES (?1, ?2, ?3, '{}', ?4, ?5, ?6, ?7, ?7, ?7)`,
    )
    this.#clock = database.prepare(`SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS now`)
  }

  blob(tenant: number, change: BlobChange, depth: number): void {
    const triggers = this.#triggersOf(tenant, 'blob', change.type)
    for (const { function: name, config } of triggers) {
      const { prefix = '', suffix = '' } = JSON.parse(config) as BlobTrigger
      if (change.key.startsWith(prefix) && change.key.endsWith(suffix)) this.#add(tenant, name, 'blob', change, depth)
    }
  }

  doc(tenant: number, change: DocChange, depth: number): void {
    const triggers = this.#triggersOf(tenant, 'doc', change.collection)
    for (const { function: name, config } of triggers) {
      const { on } = JSON.parse(config) as DocTrigger
      if (on === undefined || on.includes(change.type)) this.#add(tenant, name, 'doc', change, depth)
    }
  }

  #triggersOf(tenant: number, kind: string, subject: string): readonly Trigger[] {
    return this.#triggers.all(tenant, kind, subject) as unknown as readonly Trigger[]
  }

  #add(tenant: number, name: string, trigger: string, change: object, depth: number): void {
    const { queued } = (this.#queued.get(tenant) ?? { queued: 0 }) as { queued: number }
    if (queued >= QUEUED_MAX) {
      throw new CloisterError(
        'QUOTA_EXCEEDED',
        `${QUEUED_MAX} events wait for functions: nothing that causes more is taken`,
      )
    }
    const { now } = this.#clock.get() as { now: number }
    const input = JSON.stringify({ ...change, time: new Date(now).toISOString() })
    this.#insert.run(tenant, createEventId(), name, trigger, input, depth, now)
  }
}

/** The id of a run: 26 of the digits that those have. */
function createEventId(): string {
  return `run_${randomBytes(13).toString('hex')}`
}
