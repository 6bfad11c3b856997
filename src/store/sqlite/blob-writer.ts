import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { meetsCondition } from '../../core/blobs.ts'
import { CloisterError } from '../../core/errors.ts'
import type { BlobCommands, BlobCommit, BlobCommitted } from './blob-commands.ts'
import type { Outbox } from './outbox.ts'
import { Savepoint } from './savepoint.ts'

type Input<Kind extends keyof BlobCommands> = BlobCommands[Kind]['input']

interface Present {
  readonly etag: string
  readonly size: number
  readonly content_type: string
}

/**
 * Changes what blobs there are, inside the writer's transaction.
 *
 * Invariant: every object of the backend is the content of one blob, or is in `blob_objects`.
 */
export class BlobWriter {
  readonly #savepoint: Savepoint
  readonly #outbox: Outbox
  readonly #tenant: StatementSync
  readonly #begin: StatementSync
  readonly #take: StatementSync
  readonly #present: StatementSync
  readonly #upsert: StatementSync
  readonly #totals: StatementSync
  readonly #delete: StatementSync
  readonly #discard: StatementSync
  readonly #discardAll: StatementSync
  readonly #forget: StatementSync

  constructor(database: DatabaseSync, outbox: Outbox) {
    this.#outbox = outbox
    this.#savepoint = new Savepoint(database)
    this.#tenant = database.prepare('SELECT number FROM tenants WHERE id = ?')
    this.#begin = database.prepare(`INSERT INTO blob_objects VALUES (?, 'upload')`)
    this.#take = database.prepare(`DELETE FROM blob_objects WHERE object = ? AND state = 'upload'`)
    this.#present = database.prepare('SELECT etag, size, content_type FROM blobs WHERE tenant = ? AND key = ?')
    this.#upsert = database.prepare(
      `INSERT INTO blobs (tenant, key, object, size, etag, content_type, metadata, uploaded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (tenant, key) DO UPDATE SET object = excluded.object, size = excluded.size, etag = excluded.etag,
        content_type = excluded.content_type, metadata = excluded.metadata, uploaded_at = excluded.uploaded_at`,
    )
    this.#totals = database.prepare('SELECT blobs, bytes FROM blob_totals WHERE tenant = ?')
    this.#delete = database.prepare('DELETE FROM blobs WHERE tenant = ? AND key = ?')
    this.#discard = database.prepare(`UPDATE blob_objects SET state = 'garbage' WHERE object = ?`)
    this.#discardAll = database.prepare(`UPDATE blob_objects SET state = 'garbage' WHERE state = 'upload'`)
    this.#forget = database.prepare(`DELETE FROM blob_objects WHERE object = ? AND state = 'garbage'`)
  }

  begin({ tenant, object }: Input<'blob.begin'>): void {
    this.#tenantOf(tenant)
    this.#begin.run(object)
  }

  /** A write that is not `done` leaves its object to be discarded. */
  commit(input: BlobCommit): BlobCommitted {
    const tenant = this.#tenantOf(input.tenant)
    return this.#savepoint.run(
      () => this.#commit(tenant, input),
      (outcome) => outcome === 'done',
    )
  }

  delete({ tenant, keys, depth }: Input<'blob.delete'>): number {
    const owner = this.#tenantOf(tenant)
    return this.#savepoint.run(
      () => keys.reduce((count, key) => count + this.#remove(owner, key, depth), 0),
      () => true,
    )
  }

  #remove(tenant: number, key: string, depth: number): number {
    const present = this.#present.get(tenant, key) as Present | undefined
    if (present === undefined) return 0
    const { etag, size, content_type: contentType } = present
    this.#delete.run(tenant, key)
    this.#outbox.blob(tenant, { type: 'deleted', key, size, etag, contentType }, depth)
    return 1
  }

  discard({ objects }: Input<'blob.discard'>): void {
    if (objects === null) this.#discardAll.run()
    else for (const object of objects) this.#discard.run(object)
  }

  forget({ objects }: Input<'blob.forget'>): void {
    for (const object of objects) this.#forget.run(object)
  }

  #commit(tenant: number, input: BlobCommit): BlobCommitted {
    const { key, object, size, etag, contentType, metadata, uploadedAt, ifMatch, ifNoneMatch } = input
    const present = this.#present.get(tenant, key) as Present | undefined
    const condition = { ...(ifMatch && { ifMatch }), ...(ifNoneMatch && { ifNoneMatch }) }
    if (!meetsCondition(present?.etag, condition)) return 'condition-failed'
    if (this.#take.run(object).changes === 0) return 'object-lost'
    this.#upsert.run(tenant, key, object, size, etag, contentType, metadata, uploadedAt)
    const { blobs, bytes } = this.#totals.get(tenant) as { blobs: number; bytes: number }
    // A write may pass a quota that was lowered below what is stored only if it does not add to it.
    if (present === undefined && blobs > input.blobsMax) return 'blobs-exceeded'
    if (size > (present?.size ?? 0) && bytes > input.bytesMax) return 'bytes-exceeded'
    this.#outbox.blob(tenant, { type: 'created', key, size, etag, contentType }, input.depth)
    return 'done'
  }

  #tenantOf(id: string): number {
    const found = this.#tenant.get(id) as { number: number } | undefined
    if (found === undefined) throw new CloisterError('NOT_FOUND', `there is no tenant ${id}`)
    return found.number
  }
}
