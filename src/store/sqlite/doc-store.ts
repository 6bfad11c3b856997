import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../core/clock.ts'
import type { DocCollection, DocFault, DocPosition, DocQuery, DocStore, StoredDocument } from '../../core/documents.ts'
import { CloisterError } from '../../core/errors.ts'
import type { TenantId } from '../../core/ids.ts'
import { epochMillis } from '../../core/quantity.ts'
import { type Notices, telling } from '../notices.ts'
import { reading } from '../reading.ts'
import { DocSearch, type IndexCondition, SEARCH_BOUNDS, type SearchBounds, matches } from './doc-find.ts'
import type { Fields, IndexRow } from './doc-indexes.ts'
import { DocScanner } from './doc-scan.ts'
import type { WriteQueue } from './write-queue.ts'

interface Parts {
  readonly queue: WriteQueue
  /** A connection that is only read from. */
  readonly database: DatabaseSync
  readonly clock: Clock
  readonly bounds?: SearchBounds
  readonly notices: Notices
}

interface CollectionRow {
  readonly number: number
  readonly name: string
  readonly documents: number
  readonly bytes: number
}

interface DocRow {
  readonly id: string
  readonly version: number
  readonly created_at: number
  readonly updated_at: number
  readonly fields: string
  readonly body: string
}

const TENANT = '(SELECT number FROM tenants WHERE id = ?)'

/** Documents over the database. Writes are commands of the writer; reads are bounded steps on a connection of their own. */
export function createDocStore({ queue, database, clock, bounds = SEARCH_BOUNDS, notices }: Parts): DocStore {
  const view = new DocView(database, bounds)
  const drain = async (): Promise<void> => {
    while (await queue.write('kv.purge', {}));
  }
  return {
    get: (tenant, collection, id) => reading(() => view.get(tenant, collection, id)),
    find: (tenant, collection, query) => reading(() => view.find(tenant, collection, query)),
    write: async (tenant, writes, quota, cause) => {
      for (const { collection, id } of writes) wellFormed(collection, id)
      const write = { tenant, now: clock.now(), quota: quotaOf(quota), writes, depth: cause?.depth ?? 0 }
      return telling(notices, { tenant }, queue.write('doc.write', write))
    },
    collections: (tenant) => reading(() => view.collections(tenant)),
    collection: (tenant, name) => reading(() => view.collection(tenant, name)),
    async declare(tenant, collection, { paths, mode }, quota) {
      wellFormed(collection, ...paths)
      const input = { tenant, collection, paths, mode, quota: quotaOf(quota) }
      const refused = await queue.write('doc.declare', input)
      if (refused !== null) return refused
      // In steps, so that other writes get in between. What a crash leaves half done, the next declaration ends.
      for (;;) {
        const step = await queue.write('doc.build', { tenant, collection })
        if (step.refused !== undefined) return step.refused
        if (!step.more) break
      }
      if (mode === 'exactly') await drain()
      return undefined
    },
    async drop(tenant, collection) {
      const isDropped = await queue.write('doc.drop', { tenant, collection })
      if (isDropped) await drain()
      return isDropped
    },
  }
}

/** What is read of documents. */
class DocView {
  readonly #scanner: DocScanner
  readonly #bounds: SearchBounds
  readonly #one
  readonly #all
  readonly #indexes
  readonly #get
  readonly #find

  constructor(database: DatabaseSync, bounds: SearchBounds) {
    this.#bounds = bounds
    this.#scanner = new DocScanner(database)
    const columns = 'number, name, documents, bytes FROM doc_collections'
    this.#one = database.prepare(`SELECT ${columns} WHERE tenant = ${TENANT} AND name = ?`)
    this.#all = database.prepare(`SELECT ${columns} WHERE tenant = ${TENANT} ORDER BY name`)
    this.#indexes = database.prepare(
      'SELECT number, path, built_to FROM doc_indexes WHERE collection = ? ORDER BY path',
    )
    this.#find = database.prepare('SELECT * FROM docs WHERE collection = ? AND id = ?')
    this.#get = database.prepare(
      `SELECT * FROM docs WHERE id = ? AND
        collection = (SELECT number FROM doc_collections WHERE tenant = ${TENANT} AND name = ?)`,
    )
  }

  get(tenant: TenantId, collection: string, id: string): StoredDocument | undefined {
    const row = this.#get.get(id, tenant, collection) as DocRow | undefined
    return row && documentOf(row)
  }

  collections(tenant: TenantId): readonly DocCollection[] {
    return this.#all.all(tenant).map((row) => this.#viewOf(row as unknown as CollectionRow))
  }

  collection(tenant: TenantId, name: string): DocCollection | undefined {
    const row = this.#row(tenant, name)
    return row && this.#viewOf(row)
  }

  async find(tenant: TenantId, name: string, query: DocQuery): Promise<Awaited<ReturnType<DocStore['find']>>> {
    const row = this.#row(tenant, name)
    const indexes = new Map(row && this.#indexesOf(row.number).map((index) => [index.path, index]))
    const fault = faultOf(query, indexes)
    if (fault !== undefined) return fault
    if (row === undefined) return { documents: [] }
    const numberOf = (path: string): number => indexes.get(path)?.number ?? 0
    const conditions = query.conditions.map(({ path, ranges }) => ({ index: numberOf(path), ranges }))
    const sort = query.sort.map(({ path, direction }) => ({ index: numberOf(path), direction }))
    const { hits, stoppedAt } = await new DocSearch(this.#scanner, this.#bounds).run({
      collection: row.number,
      documents: row.documents,
      conditions,
      sort,
      after: query.after,
      // One more than asked for tells whether there is another page.
      want: query.limit + 1,
    })
    return this.#page(row.number, conditions, hits, stoppedAt, query)
  }

  #page(
    collection: number,
    conditions: readonly IndexCondition[],
    hits: readonly DocPosition[],
    stoppedAt: DocPosition | undefined,
    { limit, bytesMax }: DocQuery,
  ): { documents: StoredDocument[]; next?: DocPosition } {
    const documents = new Map<string, StoredDocument>()
    let left = bytesMax
    let last: DocPosition | undefined
    for (const hit of hits.slice(0, limit)) {
      const row = this.#find.get(collection, hit.id) as DocRow | undefined
      // It may have changed since the index was looked at.
      const isHit = row !== undefined && matches(JSON.parse(row.fields) as Fields, conditions)
      if (isHit) left -= Buffer.byteLength(row.body)
      if (left < 0 && documents.size > 0 && last !== undefined)
        return { documents: [...documents.values()], next: last }
      last = hit
      if (isHit) documents.set(hit.id, documentOf(row))
    }
    const next = hits.length > limit ? last : stoppedAt
    return { documents: [...documents.values()], ...(next && { next }) }
  }

  #row(tenant: TenantId, name: string): CollectionRow | undefined {
    return this.#one.get(tenant, name) as CollectionRow | undefined
  }

  #indexesOf(collection: number): readonly IndexRow[] {
    return this.#indexes.all(collection) as unknown as readonly IndexRow[]
  }

  #viewOf({ number, name, documents, bytes }: CollectionRow): DocCollection {
    const indexes = this.#indexesOf(number).map(({ path, built_to: to }) => ({
      path,
      state: to === null ? ('ready' as const) : ('being-built' as const),
    }))
    return { name, documents, storedBytes: bytes, indexes }
  }
}

function faultOf({ conditions, sort }: DocQuery, indexes: ReadonlyMap<string, IndexRow>): DocFault | undefined {
  for (const { path } of [...conditions, ...sort]) {
    const index = indexes.get(path)
    if (index === undefined) return { kind: 'not-indexed', path }
    if (index.built_to !== null) return { kind: 'being-built', path }
  }
  return undefined
}

function documentOf({ id, version, body, created_at: createdAt, updated_at: updatedAt }: DocRow): StoredDocument {
  return { id, version, data: body, createdAt: epochMillis(createdAt), updatedAt: epochMillis(updatedAt) }
}

/** A grant says more than the writer needs to know. */
function quotaOf({ documents, storedBytes, documentBytes, collections, indexes }: Parameters<DocStore['write']>[2]) {
  return { documents, storedBytes, documentBytes, collections, indexes }
}

/** A lone surrogate has no UTF-8 form: storage would replace it, and two different ids would become one. */
function wellFormed(...texts: readonly string[]): void {
  if (texts.every((text) => text.isWellFormed())) return
  throw new CloisterError('INVALID_REQUEST', 'names and ids must be well-formed Unicode, without lone surrogates')
}
