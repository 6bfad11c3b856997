import { type Hash, createHash } from 'node:crypto'
import type {
  BlobAttributes,
  BlobCondition,
  BlobOutcome,
  BlobQuota,
  BlobRecord,
  BlobSink,
  BlobUpload,
} from '../../core/blobs.ts'
import type { Clock } from '../../core/clock.ts'
import { CloisterError } from '../../core/errors.ts'
import type { TenantId } from '../../core/ids.ts'
import type { Cause } from '../../core/invocations.ts'
import { bytes } from '../../core/quantity.ts'
import type { BlobIndex } from './blob-index.ts'
import type { UploadPlace } from './upload-room.ts'

interface Parts {
  readonly tenant: TenantId
  readonly quota: BlobQuota
  readonly object: string
  readonly cause?: Cause | undefined
  readonly index: BlobIndex
  readonly sink: BlobSink
  readonly clock: Clock
  readonly place: UploadPlace
  /** There is an object to be removed. */
  readonly onGarbage: () => void
}

/** One blob on its way in: object first, then the index. However it ends, its place is free and nothing is left over. */
export class Upload implements BlobUpload {
  readonly #parts: Parts
  readonly #hash: Hash = createHash('sha256')
  #size = 0
  #state: 'open' | 'committing' | 'over' = 'open'

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#requireOpen()
    const { quota, place, sink } = this.#parts
    try {
      if (this.#size + chunk.length > quota.blobBytes) {
        throw new CloisterError(
          'TOO_LARGE',
          `the blob is longer than ${quota.blobBytes} bytes, the most that the policy allows`,
        )
      }
      place.take(chunk.length)
      this.#size += chunk.length
      this.#hash.update(chunk)
      await sink.write(chunk)
    } catch (error) {
      await this.abort()
      throw faultOf(error)
    }
  }

  async commit({ key, contentType, metadata }: BlobAttributes, condition: BlobCondition): Promise<BlobOutcome> {
    this.#requireOpen()
    this.#state = 'committing'
    const { tenant, object, index, sink, clock, quota, cause, place, onGarbage } = this.#parts
    try {
      await sink.finish()
      const etag = this.#hash.digest('hex')
      const size = bytes(this.#size)
      const record: BlobRecord = { key, size, etag, contentType, metadata, uploadedAt: clock.now() }
      const outcome = await index.commit(tenant, object, record, condition, quota, cause)
      if (outcome === 'object-lost') throw new Error(`object ${object} was removed while it was being uploaded`)
      if (outcome !== 'done') {
        await this.#giveUp()
        return { outcome }
      }
      this.#state = 'over'
      place[Symbol.dispose]()
      // What it replaced is garbage now.
      onGarbage()
      return { outcome, record }
    } catch (error) {
      await this.#giveUp()
      throw faultOf(error)
    }
  }

  async abort(): Promise<void> {
    if (this.#state === 'open') await this.#giveUp()
  }

  async #giveUp(): Promise<void> {
    this.#state = 'over'
    const { sink, index, object, place, onGarbage } = this.#parts
    await sink.abort()
    place[Symbol.dispose]()
    // If this cannot be written down, the next start of the host gives every upload up.
    await index.discard([object]).then(onGarbage, () => undefined)
  }

  #requireOpen(): void {
    if (this.#state !== 'open') throw new CloisterError('CONFLICT', 'the upload is over')
  }
}

function faultOf(error: unknown): CloisterError {
  if (error instanceof CloisterError) return error
  return new CloisterError('INTERNAL', 'the blob could not be stored', { cause: error })
}
