import { randomBytes } from 'node:crypto'
import type { BlobBackend, BlobRecord, BlobSpan, BlobStore, OpenBlob } from '../../core/blobs.ts'
import type { Clock } from '../../core/clock.ts'
import { CloisterError } from '../../core/errors.ts'
import type { TenantId } from '../../core/ids.ts'
import { bytes } from '../../core/quantity.ts'
import { reading } from '../reading.ts'
import type { BlobIndex } from './blob-index.ts'
import { UploadRoom } from './upload-room.ts'
import { Upload } from './upload.ts'

interface Parts {
  readonly index: BlobIndex
  readonly backend: BlobBackend
  readonly clock: Clock
  /** Told of objects that could not be removed. They stay written down, and the next sweep tries again. */
  readonly onFault: (error: unknown) => void
}

/** A blob store that has to be swept now and then, and closed. */
export interface OwnedBlobStore extends BlobStore, AsyncDisposable {
  /** Removes objects that no blob has any more. */
  sweep(): Promise<void>
}

/** Objects removed in one step of a sweep. */
const SWEEP_STEP = 100
/** Times that a reader looks again because the blob was replaced between the look-up and the opening. */
const TRIES = 3

/**
 * Opens the blobs of every tenant. What an earlier process was uploading when it ended is given up.
 *
 * Invariant: a blob's object is whole before the index names it, and no longer named when it is removed.
 */
export async function openBlobStore({ index, backend, clock, onFault }: Parts): Promise<OwnedBlobStore> {
  await index.discard('all')
  const room = new UploadRoom(backend.uploadsMax)
  const remove = async (objects: readonly string[]): Promise<void> => {
    const removed: string[] = []
    for (const object of objects) {
      try {
        await backend.remove(object)
        removed.push(object)
      } catch (error) {
        onFault(error)
      }
    }
    if (removed.length > 0) await index.forget(removed)
  }
  let sweeping: Promise<void> | undefined
  /** One at a time; what is asked for while one is on is done by the next. */
  const sweep = async (): Promise<void> => {
    sweeping ??= sweepOnce(index, remove).finally(() => (sweeping = undefined))
    await sweeping
  }
  const sweepSoon = (): void => void sweep().catch(onFault)
  const store: OwnedBlobStore = {
    place: backend.place,
    head: async (tenant, key) => (await index.find(tenant, key))?.record,
    open: (tenant, key, choose) => openContent({ index, backend }, tenant, key, choose),
    async begin(tenant, quota, cause) {
      const place = room.enter(tenant, quota)
      try {
        const object = randomBytes(16).toString('hex')
        await index.begin(tenant, object)
        return new Upload({
          tenant,
          quota,
          object,
          cause,
          index,
          sink: backend.create(object),
          clock,
          place,
          onGarbage: sweepSoon,
        })
      } catch (error) {
        place[Symbol.dispose]()
        throw error
      }
    },
    async delete(tenant, keys, cause) {
      const count = await index.delete(tenant, keys, cause)
      if (count > 0) sweepSoon()
      return count
    },
    list: (tenant, listing) => index.page(tenant, listing),
    async stored(tenant) {
      const totals = await index.totals(tenant)
      return { blobs: totals.blobs, bytes: bytes(totals.bytes) }
    },
    generation: (tenant) => index.generation(tenant),
    async presign(tenant, key, expiresInSeconds) {
      const found = await index.find(tenant, key)
      return found && backend.presign(found.object, found.record, expiresInSeconds)
    },
    sweep,
    async [Symbol.asyncDispose]() {
      await sweeping?.catch(onFault)
      await backend[Symbol.asyncDispose]()
    },
  }
  return store
}

async function sweepOnce(index: BlobIndex, remove: (objects: readonly string[]) => Promise<void>): Promise<void> {
  for (let before = ''; ;) {
    const objects = await index.garbage(SWEEP_STEP)
    const all = objects.join()
    // The same again means that none of them could be removed.
    if (objects.length === 0 || all === before) return
    before = all
    await remove(objects)
  }
}

async function openContent(
  { index, backend }: Pick<Parts, 'index' | 'backend'>,
  tenant: TenantId,
  key: string,
  choose: (record: BlobRecord) => BlobSpan | undefined,
): Promise<OpenBlob | BlobRecord | undefined> {
  for (let tries = 1; ; tries += 1) {
    const found = await index.find(tenant, key)
    if (found === undefined) return undefined
    const { record, object } = found
    const span = choose(record)
    if (span === undefined) return record
    const body = await reading(() => backend.open(object, span))
    if (body !== undefined) return { record, span, body }
    if (tries === TRIES) throw new CloisterError('INTERNAL', `the content of a blob, object ${object}, is missing`)
  }
}
