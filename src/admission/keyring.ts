import { timingSafeEqual } from 'node:crypto'
import { CloisterError } from '../core/errors.ts'
import type { KeyId, TenantId } from '../core/ids.ts'
import type { KeyRecord } from '../core/stores.ts'
import { type KeyHash, hashKey, readKeyId } from './keys.ts'
import type { Principal } from './principal.ts'

interface Entry {
  readonly record: KeyRecord
  readonly hash: KeyHash
  readonly principal: Principal
}

const ADMIN: Principal = Object.freeze({ kind: 'admin' })
const BEARER = /^bearer +([^ ]+) *$/i
// Compared when there is no such key, so that an unknown id takes as long as a wrong secret. No text has this digest.
const NOBODY: KeyHash = Buffer.alloc(32)

/**
 * Every key of the host, in memory. Keys are found by their public id and compared by digest, in constant time.
 *
 * Invariant: it never holds the text of a key.
 */
export class Keyring {
  readonly #admin: KeyHash
  readonly #keys = new Map<KeyId, Entry>()

  constructor(adminKey: string, records: readonly KeyRecord[]) {
    this.#admin = hashKey(adminKey)
    for (const record of records) this.add(record)
  }

  /** Reads the value of an Authorization header. Throws UNAUTHENTICATED, which never says what was wrong with a key. */
  authenticate(header: string | undefined): Principal {
    if (header === undefined) throw refuse('send the header "Authorization: Bearer KEY"')
    const text = BEARER.exec(header)?.[1]
    if (text === undefined) throw refuse('the Authorization header is not of the form "Bearer KEY"')
    const hash = hashKey(text)
    const id = readKeyId(text)
    const entry = id === undefined ? undefined : this.#keys.get(id)
    // Both comparisons always take place: the time taken tells nothing about which kind of key came close.
    const isAdmin = timingSafeEqual(hash, this.#admin)
    const isTenant = timingSafeEqual(hash, entry?.hash ?? NOBODY)
    if (isAdmin) return ADMIN
    if (isTenant && entry !== undefined) return entry.principal
    throw refuse('the key is unknown or revoked')
  }

  add(record: KeyRecord): void {
    const principal: Principal = Object.freeze({ kind: 'tenant', tenant: record.tenant })
    this.#keys.set(record.id, { record, hash: Buffer.from(record.hash, 'hex'), principal })
  }

  remove(id: KeyId): void {
    this.#keys.delete(id)
  }

  /** The keys of one tenant, oldest first. */
  list(tenant: TenantId): readonly KeyRecord[] {
    const records = [...this.#keys.values()].map(({ record }) => record)
    return records.filter((record) => record.tenant === tenant).toSorted((a, b) => a.createdAt - b.createdAt)
  }
}

function refuse(message: string): CloisterError {
  return new CloisterError('UNAUTHENTICATED', message)
}
