import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { CloisterError } from '../../core/errors.ts'
import type { CommandInput, CommandOutput } from './commands.ts'

interface Others {
  readonly number: number
  readonly count: number
  readonly size: number
}

/** Changes secrets inside the writer's transaction. */
export class SecretWriter {
  readonly #others: StatementSync
  readonly #put: StatementSync
  readonly #delete: StatementSync

  constructor(database: DatabaseSync) {
    this.#others = database.prepare(
      `SELECT number, (SELECT count(*) FROM secrets WHERE tenant = number AND name <> ?1) AS count,
        (SELECT coalesce(sum(size), 0) FROM secrets WHERE tenant = number AND name <> ?1) AS size
      FROM tenants WHERE id = ?2`,
    )
    this.#put = database.prepare(
      `INSERT INTO secrets (tenant, name, sealed, size, hosts, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (tenant, name) DO UPDATE SET sealed = excluded.sealed, size = excluded.size, hosts = excluded.hosts,
        updated_at = excluded.updated_at`,
    )
    this.#delete = database.prepare(
      'DELETE FROM secrets WHERE tenant = (SELECT number FROM tenants WHERE id = ?) AND name = ?',
    )
  }

  /** Throws NOT_FOUND if there is no such tenant. */
  put(input: CommandInput<'secret.put'>): CommandOutput<'secret.put'> {
    const { tenant, name, sealed, size, hosts, createdAt, updatedAt, quota } = input
    const others = this.#others.get(name, tenant) as Others | undefined
    if (others === undefined) throw new CloisterError('NOT_FOUND', `there is no tenant ${tenant}`)
    if (others.count >= quota.secrets) return 'secrets'
    if (others.size + size > quota.storedBytes) return 'storedBytes'
    this.#put.run(others.number, name, sealed, size, JSON.stringify(hosts), createdAt, updatedAt)
    return 'done'
  }

  delete({ tenant, name }: CommandInput<'secret.delete'>): boolean {
    return this.#delete.run(tenant, name).changes !== 0
  }
}
