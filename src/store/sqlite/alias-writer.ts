import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { AliasOutcome, Canary, RolledBack } from '../../core/function-store.ts'
import type { AliasSet, CanaryEnd, CommandInput, FunctionDeploy } from './commands.ts'

/** Aliases of one function. */
export const ALIASES_MAX = 20
/** Moves of an alias that can be taken back. */
const HISTORY_MAX = 10
/** Ended canaries of a function that are remembered. */
const ROLLBACKS_MAX = 20

interface AliasRow {
  readonly version: number
  readonly canary: string | null
  readonly history: string
}

/** Moves aliases inside the writer's transaction. */
export class AliasWriter {
  readonly #findFunction: StatementSync
  readonly #find: StatementSync
  readonly #count: StatementSync
  readonly #hasVersion: StatementSync
  readonly #put: StatementSync
  readonly #delete: StatementSync
  readonly #remember: StatementSync
  readonly #forget: StatementSync

  constructor(database: DatabaseSync) {
    this.#findFunction = database.prepare(
      `SELECT functions.number FROM functions JOIN tenants ON tenants.number = functions.tenant
      WHERE tenants.id = ? AND functions.name = ?`,
    )
    this.#find = database.prepare('SELECT version, canary, history FROM aliases WHERE function = ? AND name = ?')
    this.#count = database.prepare('SELECT count(*) AS count FROM aliases WHERE function = ?')
    this.#hasVersion = database.prepare('SELECT 1 FROM function_versions WHERE function = ? AND version = ?')
    this.#put = database.prepare(
      `INSERT INTO aliases (function, name, version, canary, history, updated_at) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (function, name) DO UPDATE SET version = excluded.version, canary = excluded.canary,
        history = excluded.history, updated_at = excluded.updated_at`,
    )
    this.#delete = database.prepare('DELETE FROM aliases WHERE function = ? AND name = ?')
    this.#remember = database.prepare(
      'INSERT INTO rollbacks (function, alias, version, canary, findings, at) VALUES (?, ?, ?, ?, ?, ?)',
    )
    this.#forget = database.prepare(
      `DELETE FROM rollbacks WHERE function = ?1 AND number NOT IN
        (SELECT number FROM rollbacks WHERE function = ?1 ORDER BY number DESC LIMIT ${ROLLBACKS_MAX})`,
    )
  }

  /** Has the alias of a deployment name a version. */
  publish(number: number, version: number, { publish, now }: FunctionDeploy): void {
    if (publish !== null) this.#move(number, publish, { version, canary: null, now })
  }

  set({ tenant, name, alias, version, canary, now }: AliasSet): AliasOutcome {
    const number = this.#numberOf(tenant, name)
    if (number === undefined) return 'no-function'
    const wanted = canary === null ? [version] : [version, (JSON.parse(canary) as Canary).version]
    if (wanted.some((each) => this.#hasVersion.get(number, each) === undefined)) return 'no-version'
    const isNew = this.#find.get(number, alias) === undefined
    if (isNew && (this.#count.get(number) as { count: number }).count >= ALIASES_MAX) return 'too-many'
    this.#move(number, alias, { version, canary, now })
    return 'done'
  }

  delete({ tenant, name, alias }: CommandInput<'alias.delete'>): boolean {
    const number = this.#numberOf(tenant, name)
    return number !== undefined && this.#delete.run(number, alias).changes !== 0
  }

  rollBack({ tenant, name, alias, now }: CommandInput<'alias.roll-back'>): RolledBack {
    const number = this.#numberOf(tenant, name)
    const found = number === undefined ? undefined : (this.#find.get(number, alias) as AliasRow | undefined)
    if (number === undefined || found === undefined) return { outcome: 'no-alias' }
    if (found.canary !== null) {
      this.#put.run(number, alias, found.version, null, found.history, now)
      return { outcome: 'done', version: found.version, from: (JSON.parse(found.canary) as Canary).version }
    }
    const history = JSON.parse(found.history) as number[]
    // Versions that were removed to make room cannot be gone back to.
    const at = history.findLastIndex((version) => this.#hasVersion.get(number, version) !== undefined)
    const version = history[at]
    if (version === undefined) return { outcome: 'no-history' }
    this.#put.run(number, alias, version, null, JSON.stringify(history.slice(0, at)), now)
    return { outcome: 'done', version, from: found.version }
  }

  endCanary({ tenant, name, alias, version, from, findings, now }: CanaryEnd): boolean {
    const number = this.#numberOf(tenant, name)
    const found = number === undefined ? undefined : (this.#find.get(number, alias) as AliasRow | undefined)
    if (number === undefined || found === undefined || found.canary === null) return false
    if (found.version !== version || (JSON.parse(found.canary) as Canary).version !== from) return false
    this.#put.run(number, alias, version, null, found.history, now)
    this.#remember.run(number, alias, version, from, findings, now)
    this.#forget.run(number)
    return true
  }

  #move(
    number: number,
    alias: string,
    { version, canary, now }: { version: number; canary: string | null; now: number },
  ): void {
    const found = this.#find.get(number, alias) as AliasRow | undefined
    const before = found === undefined ? [] : (JSON.parse(found.history) as number[])
    const isMove = found !== undefined && found.version !== version
    const history = isMove ? [...before, found.version].slice(-HISTORY_MAX) : before
    this.#put.run(number, alias, version, canary, JSON.stringify(history), now)
  }

  #numberOf(tenant: string, name: string): number | undefined {
    return (this.#findFunction.get(tenant, name) as { number: number } | undefined)?.number
  }
}
