import type { DatabaseSync, StatementSync } from 'node:sqlite'

/** Makes several statements of one command stand or fall together, inside the writer's transaction. */
export class Savepoint {
  readonly #database: DatabaseSync
  readonly #begin: StatementSync
  readonly #release: StatementSync
  readonly #rollback: StatementSync

  constructor(database: DatabaseSync) {
    this.#database = database
    this.#begin = database.prepare('SAVEPOINT command')
    this.#release = database.prepare('RELEASE command')
    this.#rollback = database.prepare('ROLLBACK TO command')
  }

  /** Runs the action; what it changed stays unless it throws or its answer is not to be kept. */
  run<Value>(action: () => Value, isKept: (value: Value) => boolean): Value {
    this.#begin.run()
    let keep = false
    try {
      const value = action()
      keep = isKept(value)
      return value
    } finally {
      // A full disk may have rolled back the whole transaction, and the savepoint with it.
      if (this.#database.isTransaction) {
        if (!keep) this.#rollback.run()
        this.#release.run()
      }
    }
  }
}
