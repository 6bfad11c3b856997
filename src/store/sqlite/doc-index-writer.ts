import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { DocRefusal } from '../../core/documents.ts'
import type { CommandInput, CommandOutput } from './commands.ts'
import { type DocIndexes, type Fields, IndexFault, type IndexRow } from './doc-indexes.ts'
import type { DocWriter } from './doc-writer.ts'

/** Documents that one step enters into an index, and their bytes: a few milliseconds, during which posts wait. */
const BUILD_STEP = 200
const BUILD_STEP_LENGTH = 1 << 20
/** Rows removed at a time. */
const PURGE_STEP = 500

interface DocRow {
  readonly number: number
  readonly id: string
  readonly fields: string
  readonly body: string
}

interface Orphan {
  readonly kind: 'collection' | 'index'
  readonly number: number
}

/** Makes and removes collections and indexes inside the writer's transaction, each in bounded steps. */
export class DocIndexWriter {
  readonly #indexes: DocIndexes
  readonly #writer: DocWriter
  readonly #addIndex: StatementSync
  readonly #removeIndex: StatementSync
  readonly #advance: StatementSync
  readonly #page: StatementSync
  readonly #setFields: StatementSync
  readonly #drop: StatementSync
  readonly #orphan: StatementSync
  readonly #purgeDocs: StatementSync
  readonly #purgeEntries: StatementSync
  readonly #forget: StatementSync

  constructor(database: DatabaseSync, indexes: DocIndexes, writer: DocWriter) {
    this.#indexes = indexes
    this.#writer = writer
    this.#addIndex = database.prepare("INSERT INTO doc_indexes (collection, path, built_to) VALUES (?, ?, '')")
    this.#removeIndex = database.prepare('DELETE FROM doc_indexes WHERE number = ?')
    this.#advance = database.prepare('UPDATE doc_indexes SET built_to = ? WHERE number = ?')
    this.#page = database.prepare(
      'SELECT number, id, fields, body FROM docs WHERE collection = ? AND id > ? ORDER BY id',
    )
    this.#setFields = database.prepare('UPDATE docs SET fields = ? WHERE number = ?')
    this.#drop = database.prepare('DELETE FROM doc_collections WHERE number = ?')
    this.#orphan = database.prepare('SELECT kind, number FROM doc_orphans LIMIT 1')
    this.#purgeDocs = database.prepare(
      `DELETE FROM docs WHERE number IN (SELECT number FROM docs WHERE collection = ? LIMIT ${PURGE_STEP})`,
    )
    this.#purgeEntries = database.prepare(
      `DELETE FROM doc_entries WHERE index_number = ?1 AND (value, id) IN
        (SELECT value, id FROM doc_entries WHERE index_number = ?1 LIMIT ${PURGE_STEP})`,
    )
    this.#forget = database.prepare('DELETE FROM doc_orphans WHERE kind = ? AND number = ?')
  }

  /** Throws NOT_FOUND if there is no such tenant. Nothing has changed if it is refused. */
  declare({ tenant, collection, paths, mode, quota }: CommandInput<'doc.declare'>): DocRefusal | null {
    const owner = this.#writer.tenantOf(tenant)
    const known = this.#writer.findCollection(owner, collection)
    const present = known === undefined ? [] : this.#indexes.of(known.number)
    const added = paths.filter((path) => !present.some((index) => index.path === path))
    const removed = mode === 'exactly' ? present.filter(({ path }) => !paths.includes(path)) : []
    if (added.length > 0 && present.length - removed.length + added.length > quota.indexes) {
      return refusal('QUOTA_EXCEEDED', `a collection may have ${quota.indexes} indexes`)
    }
    const target = this.#writer.takeCollection(owner, collection, quota)
    if (target === undefined) {
      return refusal('QUOTA_EXCEEDED', `a tenant may have ${quota.collections} collections in docs`)
    }
    for (const { number } of removed) this.#removeIndex.run(number)
    for (const path of added) this.#addIndex.run(target.number, path)
    return null
  }

  build({ tenant, collection }: CommandInput<'doc.build'>): CommandOutput<'doc.build'> {
    const target = this.#writer.findCollection(this.#writer.tenantOf(tenant), collection)
    const index = target && this.#indexes.of(target.number).find(({ built_to: to }) => to !== null)
    if (target === undefined || index === undefined) return { more: false }
    try {
      this.#enterSome(target.number, index)
      return { more: true }
    } catch (thrown) {
      if (!(thrown instanceof IndexFault)) throw thrown
      this.#removeIndex.run(index.number)
      return { more: true, refused: refusal('INVALID_ARGUMENT', thrown.message) }
    }
  }

  drop({ tenant, collection }: CommandInput<'doc.drop'>): boolean {
    const target = this.#writer.findCollection(this.#writer.tenantOf(tenant), collection)
    if (target !== undefined) this.#drop.run(target.number)
    return target !== undefined
  }

  /** Removes some of what dropped collections, indexes and tenants left; true if there may be more. */
  purge(): boolean {
    const orphan = this.#orphan.get() as Orphan | undefined
    if (orphan === undefined) return false
    const purge = orphan.kind === 'collection' ? this.#purgeDocs : this.#purgeEntries
    if (purge.run(orphan.number).changes === 0) this.#forget.run(orphan.kind, orphan.number)
    return true
  }

  #enterSome(collection: number, index: IndexRow): void {
    const docs = this.#take(collection, index.built_to ?? '')
    for (const { number, id, fields, body } of docs) {
      const before = JSON.parse(fields) as Fields
      const entry = this.#fieldsOf(index, id, body)
      this.#indexes.move(id, {}, entry)
      this.#setFields.run(JSON.stringify({ ...before, ...entry }), number)
    }
    this.#advance.run(docs.at(-1)?.id ?? null, index.number)
  }

  #fieldsOf(index: IndexRow, id: string, body: string): Fields {
    try {
      return this.#indexes.fieldsOf([index], JSON.parse(body))
    } catch (thrown) {
      throw thrown instanceof IndexFault ? new IndexFault(`of the document "${id}", ${thrown.message}`) : thrown
    }
  }

  #take(collection: number, after: string): readonly DocRow[] {
    const docs: DocRow[] = []
    let length = 0
    for (const row of this.#page.iterate(collection, after)) {
      const doc = row as unknown as DocRow
      docs.push(doc)
      length += doc.body.length
      if (docs.length === BUILD_STEP || length > BUILD_STEP_LENGTH) break
    }
    return docs
  }
}

function refusal(code: DocRefusal['code'], message: string): DocRefusal {
  return { place: 0, code, message }
}
