import type { DatabaseSync, StatementSync } from 'node:sqlite'

/** Rows removed at a time, so that one command never holds the writer for long. */
const PURGE_STEP = 500

interface Kind {
  readonly find: StatementSync
  readonly purges: readonly StatementSync[]
  readonly forget: StatementSync
}

/** Removes what deleted tenants and queues left of blobs and messages, a bounded step at a time. */
export class OrphanWriter {
  readonly #kinds: readonly Kind[]

  constructor(database: DatabaseSync) {
    const kind = (orphans: string, owner: string, tables: readonly (readonly [name: string, key: string])[]): Kind => ({
      find: database.prepare(`SELECT ${owner} AS owner FROM ${orphans} LIMIT 1`),
      purges: tables.map(([table, key]) =>
        database.prepare(
          `DELETE FROM ${table} WHERE ${owner} = ?1 AND ${key} IN
            (SELECT ${key} FROM ${table} WHERE ${owner} = ?1 LIMIT ${PURGE_STEP})`,
        ),
      ),
      forget: database.prepare(`DELETE FROM ${orphans} WHERE ${owner} = ?`),
    })
    this.#kinds = [
      kind('blob_orphans', 'tenant', [['blobs', 'key']]),
      kind('event_orphans', 'tenant', [
        ['invocations', 'number'],
        ['dead_letters', 'number'],
        ['idempotency', 'number'],
      ]),
      kind('queue_orphans', 'queue', [
        ['messages', 'sequence'],
        ['deduplications', 'id'],
      ]),
    ]
  }

  /** Removes some; true if there may be more. */
  purge(): boolean {
    for (const { find, purges, forget } of this.#kinds) {
      const orphan = find.get() as { owner: number } | undefined
      if (orphan === undefined) continue
      const changes = purges.reduce((sum, purge) => sum + Number(purge.run(orphan.owner).changes), 0)
      if (changes === 0) forget.run(orphan.owner)
      return true
    }
    return false
  }
}
