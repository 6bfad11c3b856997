import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { Kysely, SqliteDialect } from 'kysely'
import { LRUCache } from 'lru-cache'
import type { Tables } from '../schema.ts'

/** Distinct query texts that stay prepared. */
const STATEMENTS_MAX = 200

/**
 * Kysely over a connection of `node:sqlite` that is only read from. Every query is prepared once. The connection stays
 * the caller's to close.
 */
export function kyselyOver(database: DatabaseSync): Kysely<Tables> {
  const statements = new LRUCache<string, PreparedQuery>({ max: STATEMENTS_MAX })
  const prepare = (text: string): PreparedQuery => {
    const known = statements.get(text)
    if (known !== undefined) return known
    const query = new PreparedQuery(database.prepare(text))
    statements.set(text, query)
    return query
  }
  return new Kysely({ dialect: new SqliteDialect({ database: { prepare, close: () => undefined } }) })
}

/** A statement in the form that Kysely asks for. */
class PreparedQuery {
  readonly reader = true
  readonly #statement: StatementSync

  constructor(statement: StatementSync) {
    this.#statement = statement
  }

  all(parameters: readonly unknown[]): unknown[] {
    return this.#statement.all(...(parameters as SQLInputValue[]))
  }

  run(): never {
    throw new Error('this connection is only read from')
  }

  iterate(): never {
    // A cursor that is left open would pin the write-ahead log; queries are paged instead.
    throw new Error('queries are read whole')
  }
}
