import type { DatabaseSync } from 'node:sqlite'
import type { BlobListing, BlobPage, BlobRecord } from '../../core/blobs.ts'
import { CloisterError } from '../../core/errors.ts'
import type { TenantId } from '../../core/ids.ts'
import { bytes, epochMillis } from '../../core/quantity.ts'
import type { BlobIndex } from '../blobs/blob-index.ts'
import { prefixEnd } from '../prefix.ts'
import { type Notices, telling } from '../notices.ts'
import { reading } from '../reading.ts'
import type { WriteQueue } from './write-queue.ts'

interface Parts {
  readonly queue: WriteQueue
  /** A connection that is only read from. */
  readonly database: DatabaseSync
  readonly notices: Notices
}

interface Row {
  readonly key: string
  readonly object: string
  readonly size: number
  readonly etag: string
  readonly content_type: string
  readonly metadata: string
  readonly uploaded_at: number
}

/** Comes after every key: keys are UTF-8, in which no byte is 0xFF. */
const BEHIND_ALL = new Uint8Array([0xff])

/** Which blobs there are, in the database. */
export function createBlobIndex({ queue, database, notices }: Parts): BlobIndex {
  const mine = 'SELECT * FROM blobs WHERE tenant = (SELECT number FROM tenants WHERE id = ?)'
  const one = database.prepare(`${mine} AND key = ?`)
  // SQLite compares text byte by byte in UTF-8, which is the order of code points.
  const from = database.prepare(`${mine} AND key >= ? AND key < ? ORDER BY key LIMIT ?`)
  const after = database.prepare(`${mine} AND key > ? AND key < ? ORDER BY key LIMIT ?`)
  const totals = database.prepare(
    'SELECT blobs, bytes FROM blob_totals WHERE tenant = (SELECT number FROM tenants WHERE id = ?)',
  )
  const number = database.prepare('SELECT number FROM tenants WHERE id = ?')
  const garbage = database.prepare(`SELECT object FROM blob_objects WHERE state = 'garbage' LIMIT ?`)
  const rows = (tenant: TenantId, start: Start, end: string | Uint8Array, limit: number): BlobRecord[] =>
    (start.how === 'from' ? from : after)
      .all(tenant, start.key, end, limit)
      .map((row) => recordOf(row as unknown as Row))
  return {
    find: (tenant, key) =>
      reading(() => {
        const row = one.get(tenant, key) as Row | undefined
        return row && { record: recordOf(row), object: row.object }
      }),
    page: (tenant, listing) => reading(() => pageOf((start, end, limit) => rows(tenant, start, end, limit), listing)),
    totals: (tenant) =>
      reading(() => (totals.get(tenant) ?? { blobs: 0, bytes: 0 }) as unknown as { blobs: number; bytes: number }),
    generation: (tenant) =>
      reading(() => {
        const row = number.get(tenant) as { number: number } | undefined
        if (row === undefined) throw new CloisterError('NOT_FOUND', `there is no tenant ${tenant}`)
        return row.number
      }),
    begin: async (tenant, object) => queue.write('blob.begin', { tenant, object }),
    commit: async (tenant, object, { metadata, ...blob }, { ifMatch = null, ifNoneMatch = null }, quota, cause) =>
      telling(
        notices,
        { tenant },
        queue.write('blob.commit', {
          tenant,
          object,
          ...blob,
          metadata: JSON.stringify(metadata),
          ifMatch,
          ifNoneMatch,
          blobsMax: quota.blobs,
          bytesMax: quota.storedBytes,
          depth: cause?.depth ?? 0,
        }),
      ),
    delete: async (tenant, keys, cause) =>
      telling(notices, { tenant }, queue.write('blob.delete', { tenant, keys, depth: cause?.depth ?? 0 })),
    discard: async (objects) => queue.write('blob.discard', { objects: objects === 'all' ? null : objects }),
    garbage: (limit) => reading(() => garbage.all(limit).map((row) => String(row['object']))),
    forget: async (objects) => queue.write('blob.forget', { objects }),
  }
}

interface Start {
  readonly how: 'from' | 'after'
  readonly key: string
}

type Rows = (start: Start, end: string | Uint8Array, limit: number) => readonly BlobRecord[]

/** A page, with keys that share a part up to the delimiter told as that part. */
function pageOf(rows: Rows, { prefix, delimiter, cursor, limit }: BlobListing): BlobPage {
  const end = prefixEnd(prefix) ?? BEHIND_ALL
  let start: Start | undefined = startOf(prefix, delimiter, cursor)
  if (delimiter === undefined) {
    // One more than asked for tells whether there is another page.
    const found = start === undefined ? [] : rows(start, end, limit + 1)
    const blobs = found.slice(0, limit)
    return { blobs, prefixes: [], ...(found.length > limit && { cursor: blobs.at(-1)?.key ?? '' }) }
  }
  const blobs: BlobRecord[] = []
  const prefixes: string[] = []
  let last = ''
  // One row a step: a step leaps over all keys that share a prefix, however many there are.
  while (start !== undefined) {
    const [record] = rows(start, end, 1)
    if (record === undefined) break
    if (blobs.length + prefixes.length === limit) return { blobs, prefixes, cursor: last }
    const shared = sharedPrefix(record.key, prefix, delimiter)
    last = shared ?? record.key
    if (shared === undefined) blobs.push(record)
    else prefixes.push(shared)
    start = shared === undefined ? { how: 'after', key: record.key } : behind(shared)
  }
  return { blobs, prefixes }
}

/** Where a page begins; undefined if nothing can come any more. */
function startOf(prefix: string, delimiter: string | undefined, cursor: string | undefined): Start | undefined {
  if (cursor === undefined || cursor < prefix) return { how: 'from', key: prefix }
  const shared = delimiter === undefined ? undefined : sharedPrefix(cursor, prefix, delimiter)
  return shared === undefined ? { how: 'after', key: cursor } : behind(shared)
}

function behind(prefix: string): Start | undefined {
  const end = prefixEnd(prefix)
  return end === undefined ? undefined : { how: 'from', key: end }
}

function sharedPrefix(key: string, prefix: string, delimiter: string): string | undefined {
  if (!key.startsWith(prefix)) return undefined
  const at = key.indexOf(delimiter, prefix.length)
  return at === -1 ? undefined : key.slice(0, at + delimiter.length)
}

function recordOf({ key, size, etag, content_type, metadata, uploaded_at }: Row): BlobRecord {
  return {
    key,
    size: bytes(size),
    etag,
    contentType: content_type,
    metadata: JSON.parse(metadata) as Record<string, string>,
    uploadedAt: epochMillis(uploaded_at),
  }
}
