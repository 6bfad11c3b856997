import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { CloisterError } from '../../core/errors.ts'
import type { CommandInput, TenantPut } from './commands.ts'

/** Changes tenants and their keys inside the writer's transaction. Each command is one statement, so each is atomic. */
export class AccountWriter {
  readonly #putTenant: StatementSync
  readonly #deleteTenant: StatementSync
  readonly #findTenant: StatementSync
  readonly #putKey: StatementSync
  readonly #deleteKey: StatementSync

  constructor(database: DatabaseSync) {
    this.#putTenant = database.prepare(
      `INSERT INTO tenants (id, policy, budget, env, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET policy = excluded.policy, budget = excluded.budget, env = excluded.env,
        created_at = excluded.created_at, updated_at = excluded.updated_at`,
    )
    this.#deleteTenant = database.prepare('DELETE FROM tenants WHERE id = ?')
    this.#findTenant = database.prepare('SELECT number FROM tenants WHERE id = ?')
    this.#putKey = database.prepare(
      `INSERT INTO keys (id, tenant, hash, created_at) VALUES (?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET hash = excluded.hash, created_at = excluded.created_at
      WHERE keys.tenant = excluded.tenant`,
    )
    this.#deleteKey = database.prepare(
      'DELETE FROM keys WHERE id = ? AND tenant = (SELECT number FROM tenants WHERE id = ?)',
    )
  }

  putTenant({ id, policy, budget, env, createdAt, updatedAt }: TenantPut): void {
    this.#putTenant.run(id, policy, budget, env, createdAt, updatedAt)
  }

  /** Deletes the tenant and, through the foreign key, its keys. What it stored becomes an orphan, to be purged. */
  deleteTenant({ id }: CommandInput<'tenant.delete'>): boolean {
    return this.#deleteTenant.run(id).changes !== 0
  }

  /** Throws NOT_FOUND if there is no such tenant and CONFLICT if another tenant has a key of this id. */
  putKey({ id, tenant, hash, createdAt }: CommandInput<'key.put'>): void {
    const found = this.#findTenant.get(tenant) as { number: number } | undefined
    if (found === undefined) throw new CloisterError('NOT_FOUND', `there is no tenant ${tenant}`)
    const { changes } = this.#putKey.run(id, found.number, hash, createdAt)
    if (changes === 0) throw new CloisterError('CONFLICT', `the key ${id} belongs to another tenant`)
  }

  deleteKey({ tenant, id }: CommandInput<'key.delete'>): boolean {
    return this.#deleteKey.run(id, tenant).changes !== 0
  }
}
