import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { CloisterError } from '../../core/errors.ts'
import type { CommandInput, CommandOutput } from './commands.ts'

/** Changes webhooks and their deliveries inside the writer's transaction. */
export class WebhookWriter {
  readonly #find: StatementSync
  readonly #put: StatementSync
  readonly #delete: StatementSync
  readonly #wanting: StatementSync
  readonly #enqueue: StatementSync
  readonly #trim: StatementSync
  readonly #settle: StatementSync

  constructor(database: DatabaseSync) {
    this.#find = database.prepare(
      `SELECT number, (SELECT count(*) FROM webhooks WHERE tenant = number AND name <> ?) AS others
      FROM tenants WHERE id = ?`,
    )
    this.#put = database.prepare(
      `INSERT INTO webhooks (tenant, name, url, events, sealed, reach, created_at, updated_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (tenant, name) DO UPDATE SET url = excluded.url, events = excluded.events, sealed = excluded.sealed,
        reach = excluded.reach, updated_at = excluded.updated_at`,
    )
    this.#delete = database.prepare(
      'DELETE FROM webhooks WHERE tenant = (SELECT number FROM tenants WHERE id = ?) AND name = ?',
    )
    this.#wanting = database.prepare(
      `SELECT tenant, name FROM webhooks WHERE tenant = (SELECT number FROM tenants WHERE id = ?)
        AND EXISTS (SELECT 1 FROM json_each(events) WHERE value = ?)`,
    )
    this.#enqueue = database.prepare(
      `INSERT INTO webhook_deliveries (tenant, webhook, id, type, body, created_at, at) VALUES (?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO NOTHING`,
    )
    this.#trim = database.prepare(
      `DELETE FROM webhook_deliveries WHERE row IN (
        SELECT row FROM webhook_deliveries WHERE tenant = ? AND webhook = ?
        ORDER BY state = 'waiting' DESC, row DESC LIMIT -1 OFFSET ?)`,
    )
    this.#settle = database.prepare(
      'UPDATE webhook_deliveries SET state = ?, attempts = ?, at = ?, error = ? WHERE row = ?',
    )
  }

  /** Throws NOT_FOUND if there is no such tenant. */
  put(input: CommandInput<'webhook.put'>): CommandOutput<'webhook.put'> {
    const { tenant, name, url, events, sealed, reach, createdAt, updatedAt, max } = input
    const found = this.#find.get(name, tenant) as { number: number; others: number } | undefined
    if (found === undefined) throw new CloisterError('NOT_FOUND', `there is no tenant "${tenant}"`)
    if (found.others >= max) return 'too-many'
    this.#put.run(found.number, name, url, events, sealed, reach, createdAt, updatedAt)
    return 'done'
  }

  delete({ tenant, name }: CommandInput<'webhook.delete'>): boolean {
    return this.#delete.run(tenant, name).changes !== 0
  }

  enqueue({ tenant, id, type, body, now, keep }: CommandInput<'webhook.enqueue'>): number {
    let count = 0
    for (const row of this.#wanting.all(tenant, type) as { tenant: number; name: string }[]) {
      const isNew = this.#enqueue.run(row.tenant, row.name, id, type, body, now, now).changes !== 0
      if (!isNew) continue
      count += 1
      this.#trim.run(row.tenant, row.name, keep)
    }
    return count
  }

  /** Changes nothing if the delivery is gone, with its webhook or to make room. */
  settle({ row, state, attempts, at, error }: CommandInput<'webhook.settle'>): void {
    this.#settle.run(state, attempts, at, error, row)
  }
}
