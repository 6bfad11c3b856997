import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { DocOutcome, DocQuota, DocRefusal, DocWrite, DocWritten } from '../../core/documents.ts'
import { CloisterError } from '../../core/errors.ts'
import { mergePatch } from '../merge-patch.ts'
import type { CommandInput } from './commands.ts'
import { type DocIndexes, type Fields, IndexFault } from './doc-indexes.ts'
import type { Outbox } from './outbox.ts'
import { Savepoint } from './savepoint.ts'

interface Collection {
  readonly number: number
}

interface DocRow {
  readonly number: number
  readonly version: number
  readonly fields: string
  readonly body: string
  readonly created_at: number
}

interface Totals {
  readonly documents: number
  readonly bytes: number
  readonly collections: number
}

/** What one change is made with. */
interface Setting {
  readonly tenant: number
  readonly now: number
  readonly quota: DocQuota
  /** How many events lead to those that it causes. */
  readonly depth: number
}

/** Ends a transaction; its place is added where it is caught. */
class Refused extends Error {
  readonly code: DocRefusal['code']

  constructor(code: DocRefusal['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** Changes documents inside the writer's transaction: one command at a time, so each is atomic. */
export class DocWriter {
  readonly #indexes: DocIndexes
  readonly #outbox: Outbox
  readonly #savepoint: Savepoint
  readonly #findTenant: StatementSync
  readonly #findCollection: StatementSync
  readonly #addCollection: StatementSync
  readonly #totals: StatementSync
  readonly #find: StatementSync
  readonly #insert: StatementSync
  readonly #update: StatementSync
  readonly #delete: StatementSync
  readonly #count: StatementSync

  constructor(database: DatabaseSync, indexes: DocIndexes, outbox: Outbox) {
    this.#indexes = indexes
    this.#outbox = outbox
    this.#savepoint = new Savepoint(database)
    this.#findTenant = database.prepare('SELECT number FROM tenants WHERE id = ?')
    this.#findCollection = database.prepare('SELECT number FROM doc_collections WHERE tenant = ? AND name = ?')
    this.#addCollection = database.prepare('INSERT INTO doc_collections (tenant, name) VALUES (?, ?)')
    this.#totals = database.prepare(
      `SELECT ifnull(sum(documents), 0) AS documents, ifnull(sum(bytes), 0) AS bytes, count(*) AS collections
      FROM doc_collections WHERE tenant = ?`,
    )
    this.#find = database.prepare(
      'SELECT number, version, fields, body, created_at FROM docs WHERE collection = ? AND id = ?',
    )
    this.#insert = database.prepare(
      `INSERT INTO docs (collection, id, version, created_at, updated_at, fields, body) VALUES (?1, ?2, 1, ?3, ?3, ?4, ?5)`,
    )
    this.#update = database.prepare(
      'UPDATE docs SET version = version + 1, updated_at = ?, fields = ?, body = ? WHERE number = ?',
    )
    this.#delete = database.prepare('DELETE FROM docs WHERE number = ?')
    this.#count = database.prepare(
      'UPDATE doc_collections SET documents = documents + ?, bytes = bytes + ? WHERE number = ?',
    )
  }

  /** Throws NOT_FOUND if there is no such tenant. */
  write({ tenant, now, quota, writes, depth }: CommandInput<'doc.write'>): DocOutcome {
    const setting = { tenant: this.tenantOf(tenant), now, quota, depth }
    return this.#savepoint.run(
      () => this.#writeAll(setting, writes),
      (outcome) => 'written' in outcome,
    )
  }

  /** Throws NOT_FOUND. */
  tenantOf(id: string): number {
    const found = this.#findTenant.get(id) as { number: number } | undefined
    if (found === undefined) throw new CloisterError('NOT_FOUND', `there is no tenant ${id}`)
    return found.number
  }

  findCollection(tenant: number, name: string): Collection | undefined {
    return this.#findCollection.get(tenant, name) as Collection | undefined
  }

  /** Finds a collection or makes it; undefined if the tenant may have no more of them. */
  takeCollection(tenant: number, name: string, { collections }: DocQuota): Collection | undefined {
    const known = this.findCollection(tenant, name)
    if (known !== undefined) return known
    if (this.#totalsOf(tenant).collections >= collections) return undefined
    return { number: Number(this.#addCollection.run(tenant, name).lastInsertRowid) }
  }

  #totalsOf(tenant: number): Totals {
    return this.#totals.get(tenant) as unknown as Totals
  }

  #writeAll(setting: Setting, writes: readonly DocWrite[]): DocOutcome {
    const written: DocWritten[] = []
    for (const [place, write] of writes.entries()) {
      try {
        const done = this.#writeOne(setting, write)
        written.push(done)
        this.#announce(setting, write, done)
      } catch (thrown) {
        if (thrown instanceof Refused) return { refused: { place, code: thrown.code, message: thrown.message } }
        if (!(thrown instanceof IndexFault)) throw thrown
        return { refused: { place, code: 'INVALID_ARGUMENT', message: thrown.message } }
      }
    }
    return { written }
  }

  #announce({ tenant, depth }: Setting, { op, collection, id }: DocWrite, { version, existed }: DocWritten): void {
    if (op === 'check' || (op === 'delete' && !existed)) return
    const type = op === 'delete' ? 'deleted' : existed ? 'updated' : 'created'
    this.#outbox.doc(tenant, { type, collection, id, version }, depth)
  }

  #writeOne(setting: Setting, write: DocWrite): DocWritten {
    const collection = this.findCollection(setting.tenant, write.collection)
    const found =
      collection === undefined ? undefined : (this.#find.get(collection.number, write.id) as DocRow | undefined)
    checkPresence(write, found)
    const { id } = write
    const existed = found !== undefined
    if (write.op === 'check') return { id, version: found?.version ?? 0, existed }
    if (write.op === 'delete') {
      if (collection !== undefined && found !== undefined) this.#remove(collection, id, found)
      return { id, version: 0, existed }
    }
    const body = write.op === 'patch' ? patched(found?.body ?? '{}', write.data) : write.data
    checkSize(body, setting.quota)
    this.#checkTotals(setting, id, body, found)
    const target = collection ?? this.takeCollection(setting.tenant, write.collection, setting.quota)
    if (target === undefined) {
      throw new Refused('QUOTA_EXCEEDED', `a tenant may have ${setting.quota.collections} collections in docs`)
    }
    this.#put(target, id, body, found, setting.now)
    return { id, version: (found?.version ?? 0) + 1, existed }
  }

  #put(collection: Collection, id: string, body: string, found: DocRow | undefined, now: number): void {
    const after = this.#indexes.fieldsOf(this.#indexes.of(collection.number), JSON.parse(body))
    const before = found === undefined ? {} : (JSON.parse(found.fields) as Fields)
    if (found === undefined) this.#insert.run(collection.number, id, now, JSON.stringify(after), body)
    else this.#update.run(now, JSON.stringify(after), body, found.number)
    this.#indexes.move(id, before, after)
    const added = sizeOf(id, body) - (found === undefined ? 0 : sizeOf(id, found.body))
    this.#count.run(found === undefined ? 1 : 0, added, collection.number)
  }

  #remove(collection: Collection, id: string, found: DocRow): void {
    this.#delete.run(found.number)
    this.#indexes.move(id, JSON.parse(found.fields) as Fields, {})
    this.#count.run(-1, -sizeOf(id, found.body), collection.number)
  }

  /** A write may pass a quota that was lowered below what is stored only if it does not add to it. */
  #checkTotals({ tenant, quota }: Setting, id: string, body: string, found: DocRow | undefined): void {
    const totals = this.#totalsOf(tenant)
    const added = sizeOf(id, body) - (found === undefined ? 0 : sizeOf(id, found.body))
    const isOver =
      (found === undefined && totals.documents + 1 > quota.documents) ||
      (added > 0 && totals.bytes + added > quota.storedBytes)
    if (!isOver) return
    throw new Refused(
      'QUOTA_EXCEEDED',
      `a tenant may keep ${quota.documents} documents and ${quota.storedBytes} bytes in docs`,
    )
  }
}

function sizeOf(id: string, body: string): number {
  return Buffer.byteLength(id) + Buffer.byteLength(body)
}

function checkPresence(write: DocWrite, found: DocRow | undefined): void {
  const { op, ifVersion, collection, id } = write
  const version = found?.version ?? 0
  if (ifVersion !== undefined && ifVersion !== version) {
    const actual = version === 0 ? 'there is no such document' : `it has version ${version}`
    throw new Refused('CONFLICT', `${collection}/${id} was to have version ${ifVersion}, and ${actual}`)
  }
  if (op === 'insert' && found !== undefined) {
    throw new Refused('CONFLICT', `there is a document ${collection}/${id} already`)
  }
  if ((op === 'replace' || op === 'patch') && found === undefined) {
    throw new Refused('NOT_FOUND', `there is no document ${collection}/${id}`)
  }
}

function patched(body: string, patch: string): string {
  return JSON.stringify(mergePatch(JSON.parse(body), JSON.parse(patch)))
}

function checkSize(body: string, { documentBytes }: DocQuota): void {
  const size = Buffer.byteLength(body)
  if (size <= documentBytes) return
  throw new Refused('INVALID_ARGUMENT', `the document has ${size} bytes as JSON; at most ${documentBytes} are allowed`)
}
