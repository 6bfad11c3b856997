import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../core/clock.ts'
import { CloisterError } from '../../core/errors.ts'
import type { TenantId } from '../../core/ids.ts'
import { epochMillis } from '../../core/quantity.ts'
import type { KvEntry, KvKey, KvQuota, KvStore } from '../../core/stores.ts'
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

interface KeyRow {
  readonly key: string
  readonly expires_at: number | null
  readonly metadata: string | null
}

interface Row extends KeyRow {
  readonly value: string
}

const OF_TENANT = 'FROM kv WHERE tenant = (SELECT number FROM tenants WHERE id = ?)'
const KEYS = `SELECT key, expires_at, metadata ${OF_TENANT}`
const VISIBLE = '(expires_at IS NULL OR expires_at > ?)'

/**
 * Key-value data. Writes for a tenant that does not exist reject with NOT_FOUND, so nothing is left behind for one that
 * takes the name later; keys and values that are not well-formed Unicode reject with INVALID_REQUEST.
 */
export function createKvStore({ queue, database, clock }: Parts): KvStore {
  const get = database.prepare(`SELECT key, value, expires_at, metadata ${OF_TENANT} AND key = ? AND ${VISIBLE}`)
  // SQLite compares text byte by byte in UTF-8, which is the order of code points.
  const page = database.prepare(`${KEYS} AND key >= ? AND key > ? AND ${VISIBLE} ORDER BY key LIMIT ?`)
  const pageBelow = database.prepare(`${KEYS} AND key >= ? AND key > ? AND ${VISIBLE} AND key < ? ORDER BY key LIMIT ?`)
  const find = (tenant: TenantId, key: string): KvEntry | undefined =>
    entryOf(get.get(tenant, wellFormed(key, 'key'), clock.now()) as Row | undefined)
  const putOf = (tenant: TenantId, { key, value, expiresAt, metadata }: KvEntry, quota: KvQuota): KvPut => ({
    tenant,
    key: wellFormed(key, 'key'),
    value: wellFormed(value, 'value'),
    expiresAt: expiresAt === undefined ? null : Math.ceil(expiresAt),
    metadata: metadata === undefined ? null : wellFormed(metadata, 'metadata'),
    now: clock.now(),
    ...bounds(quota),
  })
  return {
    get: (tenant, key) => reading(() => find(tenant, key)),
    getMany: (tenant, keys, bytesMax) =>
      reading(() => atOneMoment(database, () => findAll(find, tenant, keys, bytesMax))),
    put: async (tenant, entry, quota) => queue.write('kv.put', putOf(tenant, entry, quota)),
    putMany: async (tenant, entries, quota) =>
      queue.write('kv.putMany', { puts: entries.map((entry) => putOf(tenant, entry, quota)) }),
    deleteMany: async (tenant, keys) =>
      queue.write('kv.deleteMany', { tenant, keys: keys.map((key) => wellFormed(key, 'key')), now: clock.now() }),
    delete: async (tenant, key) => queue.write('kv.delete', { tenant, key: wellFormed(key, 'key'), now: clock.now() }),
    list: (tenant, { prefix, cursor = '', limit }) =>
      reading(() => {
        const end = prefixEnd(wellFormed(prefix, 'prefix'))
        const start = [tenant, prefix, wellFormed(cursor, 'cursor'), clock.now()] as const
        const rows = end === undefined ? page.all(...start, limit) : pageBelow.all(...start, end, limit)
        return rows.map((row) => keyOf(row as unknown as KeyRow))
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

function keyOf({ key, expires_at: expiresAt, metadata }: KeyRow): KvKey {
  return {
    key,
    ...(expiresAt !== null && { expiresAt: epochMillis(expiresAt) }),
    ...(metadata !== null && { metadata }),
  }
}

function entryOf(row: Row | undefined): KvEntry | undefined {
  return row === undefined ? undefined : { ...keyOf(row), value: row.value }
}

/** Undefined once the values are too long together; nothing past that is read. */
function findAll(
  find: (tenant: TenantId, key: string) => KvEntry | undefined,
  tenant: TenantId,
  keys: readonly string[],
  bytesMax: number,
): readonly (KvEntry | undefined)[] | undefined {
  let left = bytesMax
  const entries: (KvEntry | undefined)[] = []
  for (const key of keys) {
    const entry = find(tenant, key)
    if (entry !== undefined) left -= Buffer.byteLength(entry.value)
    if (left < 0) return undefined
    entries.push(entry)
  }
  return entries
}

/** Without a transaction the writer could commit between two reads. */
function atOneMoment<Value>(database: DatabaseSync, read: () => Value): Value {
  database.exec('BEGIN')
  try {
    return read()
  } finally {
    database.exec('COMMIT')
  }
}

/** A lone surrogate has no UTF-8 form: storage would replace it, and two different keys would become one. */
function wellFormed(text: string, field: 'key' | 'value' | 'metadata' | 'prefix' | 'cursor'): string {
  if (text.isWellFormed()) return text
  throw new CloisterError('INVALID_REQUEST', `${field} must be well-formed Unicode, without lone surrogates`)
}
