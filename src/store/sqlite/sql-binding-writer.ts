import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { CloisterError } from '../../core/errors.ts'
import type { CommandInput, CommandOutput } from './commands.ts'

/** Changes bindings of databases inside the writer's transaction. */
export class SqlBindingWriter {
  readonly #find: StatementSync
  readonly #put: StatementSync
  readonly #delete: StatementSync

  constructor(database: DatabaseSync) {
    this.#find = database.prepare(
      `SELECT number, (SELECT count(*) FROM sql_bindings WHERE tenant = number AND name <> ?) AS others
      FROM tenants WHERE id = ?`,
    )
    this.#put = database.prepare(
      `INSERT INTO sql_bindings (tenant, name, sealed, bound_by, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (tenant, name) DO UPDATE SET sealed = excluded.sealed, bound_by = excluded.bound_by,
        updated_at = excluded.updated_at`,
    )
    this.#delete = database.prepare(
      'DELETE FROM sql_bindings WHERE tenant = (SELECT number FROM tenants WHERE id = ?) AND name = ?',
    )
  }

  /** Throws NOT_FOUND if there is no such tenant. */
  put(input: CommandInput<'sql-binding.put'>): CommandOutput<'sql-binding.put'> {
    const { tenant, name, sealed, boundBy, createdAt, updatedAt, max } = input
    const found = this.#find.get(name, tenant) as { number: number; others: number } | undefined
    if (found === undefined) throw new CloisterError('NOT_FOUND', `there is no tenant ${tenant}`)
    if (found.others >= max) return 'too-many'
    this.#put.run(found.number, name, sealed, boundBy, createdAt, updatedAt)
    return 'done'
  }

  delete({ tenant, name }: CommandInput<'sql-binding.delete'>): boolean {
    return this.#delete.run(tenant, name).changes !== 0
  }
}
