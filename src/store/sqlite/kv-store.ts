import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../core/clock.ts'
import { CloisterError } from '../../core/errors.ts'
import type { TenantId } from '../../core/ids.ts'
import { epochMillis } from '../../core/quantity.ts'
import type { KvEntry, KvQuota, KvStore } from '../../core/stores.ts'
import { prefixEnd } from '../prefix.ts'
import { reading } from '../reading.ts'
import type { KvPut } from './commands.ts'
import type { WriteQueue } from './write-queue.ts'

interface Parts {
  readonly queue: WriteQueue
  /** A connection that is only read from. */
  readonly database: DatabaseSync
  readonly clock: Clock
}

interface Row {
  readonly key: string
  readonly value: string
  readonly expires_at: number | null
}

const COLUMNS = 'SELECT key, value, expires_at FROM kv WHERE tenant = (SELECT number FROM tenants WHERE id = ?)'
const VISIBLE = '(expires_at IS NULL OR expires_at > ?)'

/**
 * Key-value data. Writes for a tenant that does not exist reject with NOT_FOUND, so nothing is left behind for one that
 * takes the name later; keys and values that are not well-formed Unicode reject with INVALID_REQUEST.
 */
export function createKvStore({ queue, database, clock }: Parts): KvStore {
  const get = database.prepare(`${COLUMNS} AND key = ? AND ${VISIBLE}`)
  // SQLite compares text byte by byte in UTF-8, which is the order of code points.
  const page = database.prepare(`${COLUMNS} AND key >= ? AND key > ? AND ${VISIBLE} ORDER BY key LIMIT ?`)
  const pageBelow = database.prepare(
    `${COLUMNS} AND key >= ? AND key > ? AND ${VISIBLE} AND key < ? ORDER BY key LIMIT ?`,
  )
  const putOf = (tenant: TenantId, { key, value, expiresAt }: KvEntry, quota: KvQuota): KvPut => ({
    tenant,
    key: wellFormed(key, 'key'),
    value: wellFormed(value, 'value'),
    expiresAt: expiresAt === undefined ? null : Math.ceil(expiresAt),
    now: clock.now(),
    ...bounds(quota),
  })
  return {
    get: (tenant, key) =>
      reading(() => entryOf(get.get(tenant, wellFormed(key, 'key'), clock.now()) as Row | undefined)),
    put: async (tenant, entry, quota) => queue.write('kv.put', putOf(tenant, entry, quota)),
    delete: async (tenant, key) => queue.write('kv.delete', { tenant, key: wellFormed(key, 'key'), now: clock.now() }),
    list: (tenant, { prefix, cursor = '', limit }) =>
      reading(() => {
        const end = prefixEnd(wellFormed(prefix, 'prefix'))
        const start = [tenant, prefix, wellFormed(cursor, 'cursor'), clock.now()] as const
        const rows = end === undefined ? page.all(...start, limit) : pageBelow.all(...start, end, limit)
        return rows.flatMap((row) => entryOf(row as unknown as Row) ?? [])
      }),
    increment: async (tenant, key, by, quota) => {
      if (!Number.isFinite(by)) return { outcome: 'not-a-number', value: undefined }
      const target = { tenant, key: wellFormed(key, 'key'), now: clock.now(), ...bounds(quota) }
      const { outcome, value } = await queue.write('kv.increment', { ...target, by })
      return { outcome, value }
    },
    compareAndSet: async (tenant, entry, expected, quota) =>
      queue.write('kv.compare', { ...putOf(tenant, entry, quota), expected: expected ?? null }),
  }
}

function bounds({ keys, storedBytes }: KvQuota): { keysMax: number; bytesMax: number } {
  return { keysMax: keys, bytesMax: storedBytes }
}

function entryOf(row: Row | undefined): KvEntry | undefined {
  if (row === undefined) return undefined
  const { key, value, expires_at: expiresAt } = row
  return expiresAt === null ? { key, value } : { key, value, expiresAt: epochMillis(expiresAt) }
}

/** A lone surrogate has no UTF-8 form: storage would replace it, and two different keys would become one. */
function wellFormed(text: string, field: 'key' | 'value' | 'prefix' | 'cursor'): string {
  if (text.isWellFormed()) return text
  throw new CloisterError('INVALID_REQUEST', `${field} must be well-formed Unicode, without lone surrogates`)
}
