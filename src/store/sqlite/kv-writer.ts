import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { CloisterError } from '../../core/errors.ts'
import type { KvWrite } from '../../core/stores.ts'
import type { CommandInput, CommandOutput, KvPut } from './commands.ts'

/** Entries removed at a time, so that one command never holds the writer for long. */
const PURGE_STEP = 500

interface Totals {
  readonly keys: number
  readonly bytes: number
}

/** A tenant's totals and, if it exists, the entry that a command is about. */
interface Found extends Totals {
  readonly number: number
  readonly value: string | null
  readonly expires_at: number | null
  readonly metadata: string | null
  readonly size: number | null
}

/** Changes key-value data inside the writer's transaction: one command at a time, so each is atomic. */
export class KvWriter {
  readonly #database: DatabaseSync
  readonly #find: StatementSync
  readonly #upsert: StatementSync
  readonly #delete: StatementSync
  readonly #purgeExpired: StatementSync
  readonly #findOrphan: StatementSync
  readonly #purgeOrphan: StatementSync
  readonly #forgetOrphan: StatementSync

  constructor(database: DatabaseSync) {
    this.#database = database
    this.#find = database.prepare(
      `SELECT number, kv_keys AS keys, kv_bytes AS bytes, value, expires_at, metadata,
        octet_length(kv.key) + octet_length(kv.value) + coalesce(octet_length(kv.metadata), 0) AS size
      FROM tenants LEFT JOIN kv ON kv.tenant = tenants.number AND kv.key = ? WHERE tenants.id = ?`,
    )
    this.#upsert = database.prepare(
      `INSERT INTO kv (tenant, key, value, expires_at, metadata) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (tenant, key) DO UPDATE SET
        value = excluded.value, expires_at = excluded.expires_at, metadata = excluded.metadata`,
    )
    this.#delete = database.prepare('DELETE FROM kv WHERE tenant = ? AND key = ?')
    this.#purgeExpired = database.prepare(
      `DELETE FROM kv WHERE tenant = ?1 AND key IN
        (SELECT key FROM kv WHERE tenant = ?1 AND expires_at <= ?2 AND key <> ?3 LIMIT ${PURGE_STEP})`,
    )
    this.#findOrphan = database.prepare('SELECT tenant FROM kv_orphans LIMIT 1')
    this.#purgeOrphan = database.prepare(
      `DELETE FROM kv WHERE tenant = ?1 AND key IN (SELECT key FROM kv WHERE tenant = ?1 LIMIT ${PURGE_STEP})`,
    )
    this.#forgetOrphan = database.prepare('DELETE FROM kv_orphans WHERE tenant = ?')
  }

  /** Throws NOT_FOUND if there is no such tenant, as do all that follow. */
  put(input: KvPut): KvWrite {
    return this.#write(input, this.#target(input))
  }

  /** All or nothing. */
  putMany({ puts }: CommandInput<'kv.putMany'>): KvWrite {
    this.#database.exec('SAVEPOINT kv')
    try {
      let outcome: KvWrite = 'done'
      for (const put of puts) if (outcome === 'done') outcome = this.put(put)
      this.#database.exec(outcome === 'done' ? 'RELEASE kv' : 'ROLLBACK TO kv; RELEASE kv')
      return outcome
    } catch (thrown) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK TO kv; RELEASE kv')
      throw thrown
    }
  }

  /** How many of the keys were there. */
  deleteMany({ tenant, keys, now }: CommandInput<'kv.deleteMany'>): number {
    return keys.filter((key) => this.delete({ tenant, key, now })).length
  }

  /** True if there was an entry that could be seen. */
  delete({ tenant, key, now }: CommandInput<'kv.delete'>): boolean {
    const found = this.#find.get(key, tenant) as Found | undefined
    if (found === undefined || found.value === null) return false
    this.#delete.run(found.number, key)
    return isVisible(found, now)
  }

  increment(input: CommandInput<'kv.increment'>): CommandOutput<'kv.increment'> {
    const found = this.#target(input)
    const present = isVisible(found, input.now) ? found : undefined
    const value = sum(present?.value ?? '0', input.by)
    if (value === undefined) return { outcome: 'not-a-number' }
    const put = {
      ...input,
      value: JSON.stringify(value),
      expiresAt: present?.expires_at ?? null,
      metadata: present?.metadata ?? null,
    }
    const outcome = this.#write(put, found)
    return outcome === 'done' ? { outcome, value } : { outcome }
  }

  compareAndSet(input: CommandInput<'kv.compare'>): KvWrite {
    const found = this.#target(input)
    const present = isVisible(found, input.now) ? found.value : null
    return present === input.expected ? this.#write(input, found) : 'mismatch'
  }

  /** Removes some entries of a deleted tenant; true if there may be more. */
  purgeOrphans(): boolean {
    const orphan = this.#findOrphan.get() as { tenant: number } | undefined
    if (orphan === undefined) return false
    if (this.#purgeOrphan.run(orphan.tenant).changes === 0) this.#forgetOrphan.run(orphan.tenant)
    return true
  }

  #target({ tenant, key }: { tenant: string; key: string }): Found {
    const found = this.#find.get(key, tenant) as Found | undefined
    if (found === undefined) throw new CloisterError('NOT_FOUND', `there is no tenant ${tenant}`)
    return found
  }

  #write(put: KvPut, found: Found): KvWrite {
    let totals: Totals = found
    while (exceedsQuota(put, found, totals)) {
      // Expired entries still count in the totals. They make room before anything is refused.
      if (this.#purgeExpired.run(found.number, put.now, put.key).changes === 0) return 'quota-exceeded'
      totals = this.#target(put)
    }
    this.#upsert.run(found.number, put.key, put.value, put.expiresAt, put.metadata)
    return 'done'
  }
}

/** A write may pass a quota that was lowered below what is stored only if it does not add to it. */
function exceedsQuota(put: KvPut, found: Found, totals: Totals): boolean {
  const size = found.size ?? 0
  const isThere = isVisible(found, put.now)
  const keysLeft = totals.keys - (found.size === null ? 0 : 1)
  const bytesLeft = totals.bytes - size
  const putSize = Buffer.byteLength(put.key) + Buffer.byteLength(put.value) + Buffer.byteLength(put.metadata ?? '')
  const addsKey = !isThere
  const addsBytes = putSize > (isThere ? size : 0)
  return (addsKey && keysLeft + 1 > put.keysMax) || (addsBytes && bytesLeft + putSize > put.bytesMax)
}

function isVisible(found: Found, now: number): boolean {
  return found.value !== null && (found.expires_at === null || found.expires_at > now)
}

/** `present` plus `by`; undefined if `present` is not a number or the result is beyond what JSON numbers count exactly. */
function sum(present: string, by: number): number | undefined {
  // JSON text is a number if and only if it starts like one; nothing else needs to be parsed.
  if (!/^\s*[-\d]/.test(present)) return undefined
  const value = Number(present) + by
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? value : undefined
}
