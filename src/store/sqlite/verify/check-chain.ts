import { hash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import type { TenantId } from '../../../core/ids.ts'
import { GENESIS_HASH } from '../../chain.ts'
import { CANONICAL_SQL } from './canonical-sql.ts'

/** Records of one query: under a megabyte of text. */
const PAGE_RECORDS = 2_000
const NEW_LINE = 10
const HASH_LENGTH = 64

/** A stretch of a tenant's chain: the records after `after`, up to and with `last`. */
export interface Stretch {
  readonly tenant: TenantId
  readonly after: number
  readonly last: number
}

interface Page {
  readonly count: number
  readonly text: Uint8Array | null
}

/**
 * Whether every record of a stretch is there and fits its hash, and each is chained to the one before. Says nothing of
 * what is wrong: `verifyLedger` does.
 *
 * A page comes as one text, `record LF hash record LF hash …`: with the hash before the page in front of it, what lies
 * between two line feeds is exactly what the next hash covers, and nothing is taken apart or copied.
 */
export function isChainWhole(database: DatabaseSync, { tenant, after, last }: Stretch): boolean {
  const page = database.prepare(
    `SELECT count(*) AS count, CAST(group_concat(concat(${CANONICAL_SQL}, char(${NEW_LINE}), hash), '') AS BLOB) AS text
    FROM (SELECT * FROM ledger WHERE tenant = ? AND sequence > ? AND sequence <= ? ORDER BY sequence)`,
  )
  let head = hashOf(database, tenant, after)
  for (let from = after; from < last && head !== undefined; from += PAGE_RECORDS) {
    const to = Math.min(from + PAGE_RECORDS, last)
    const { count, text } = page.get(tenant, from, to) as unknown as Page
    // As many numbers as records, and no number twice: none is missing.
    if (count !== to - from || text === null) return false
    head = headAfter(head, Buffer.from(text.buffer, text.byteOffset, text.byteLength), count)
  }
  return head !== undefined
}

function hashOf(database: DatabaseSync, tenant: TenantId, sequence: number): string | undefined {
  if (sequence === 0) return GENESIS_HASH
  const row = database.prepare('SELECT hash FROM ledger WHERE tenant = ? AND sequence = ?').get(tenant, sequence)
  const found = row?.['hash']
  return typeof found === 'string' && found.length === HASH_LENGTH ? found : undefined
}

/** The last hash of a page if all of its hashes are right and it has `count` of them. */
function headAfter(head: string, page: Buffer, count: number): string | undefined {
  const text = Buffer.concat([Buffer.from(head, 'latin1'), page])
  let start = 0
  for (let index = 0; index < count; index += 1) {
    const end = text.indexOf(NEW_LINE, start)
    if (end === -1) return undefined
    const hashed = hash('sha256', text.subarray(start, end), 'hex')
    if (hashed !== text.toString('latin1', end + 1, end + 1 + HASH_LENGTH)) return undefined
    start = end + 1
  }
  // A line feed within a record would have made two of it.
  return text.length === start + HASH_LENGTH ? text.toString('latin1', start) : undefined
}
