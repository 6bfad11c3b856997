import type { BlobSink } from '../../../core/blobs.ts'
import { CloisterError } from '../../../core/errors.ts'
import { type S3Client, S3Fault, elementsOf } from './client.ts'

/** What an upload holds at most, and the length of all parts but the last. */
const PART_BYTES = 8 << 20
const FIRST_ROOM = 64 << 10
/** The most that S3 takes. */
const PARTS_MAX = 10_000

/**
 * One object on its way in: by one request if it is short, else part by part. A writer waits while a part is sent, so that
 * one part is all that is held.
 */
export class S3Sink implements BlobSink {
  readonly #client: S3Client
  readonly #object: string
  readonly #giveUp = new AbortController()
  #room = Buffer.alloc(0)
  #length = 0
  #upload: Promise<string> | undefined
  readonly #etags: string[] = []
  /** There may be an object. */
  #isPut = false

  constructor(client: S3Client, object: string) {
    this.#client = client
    this.#object = object
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#requireOpen()
    for (let at = 0; at < bytes.length;) {
      // Only when more comes: what fits one part exactly is short.
      if (this.#length === PART_BYTES) await this.#sendPart()
      const taken = bytes.subarray(at, at + PART_BYTES - this.#length)
      this.#makeRoom(this.#length + taken.length)
      this.#room.set(taken, this.#length)
      this.#length += taken.length
      at += taken.length
    }
  }

  async finish(): Promise<void> {
    this.#requireOpen()
    const upload = this.#upload
    if (upload !== undefined) {
      await this.#sendPart()
      await this.#complete(await upload)
    } else {
      this.#isPut = true
      const body = this.#room.subarray(0, this.#length)
      await this.#client.text({ method: 'PUT', ...this.#common(), body, again: 'whatever' })
    }
    this.#room = Buffer.alloc(0)
  }

  async abort(): Promise<void> {
    this.#giveUp.abort()
    this.#room = Buffer.alloc(0)
    const object = this.#object
    const uploadId = await this.#upload?.catch(() => undefined)
    // What fails here is found by the sweep: the object is listed as garbage.
    if (uploadId !== undefined) {
      const request = { method: 'DELETE', object, query: { uploadId }, again: 'whatever' } as const
      await this.#client.text(request).catch(() => undefined)
    }
    if (this.#isPut) await this.#client.text({ method: 'DELETE', object, again: 'whatever' }).catch(() => undefined)
  }

  async #sendPart(): Promise<void> {
    if (this.#etags.length === PARTS_MAX) throw new CloisterError('TOO_LARGE', `a blob has at most ${PARTS_MAX} parts`)
    this.#upload ??= this.#begin()
    const query = { partNumber: String(this.#etags.length + 1), uploadId: await this.#upload }
    this.#requireOpen()
    const body = this.#room.subarray(0, this.#length)
    const answer = await this.#client.send({ method: 'PUT', ...this.#common(), query, body, again: 'whatever' })
    await answer.body.dump()
    const { etag } = answer.headers
    if (typeof etag !== 'string') throw new S3Fault('PUT', answer.statusCode, 'a part without ETag')
    this.#etags.push(etag)
    this.#length = 0
  }

  async #begin(): Promise<string> {
    const begun = await this.#client.text({
      method: 'POST',
      object: this.#object,
      query: { uploads: '' },
      // Twice would leave an upload that nobody knows of.
      again: 'refused',
    })
    const [uploadId] = elementsOf(begun, 'UploadId')
    if (uploadId === undefined) throw new S3Fault('POST', 200, 'an upload without UploadId')
    return uploadId
  }

  async #complete(uploadId: string): Promise<void> {
    this.#isPut = true
    const parts = this.#etags.map(
      (etag, n) =>
        `<Part><PartNumber>${n + 1}</PartNumber><ETag>${etag.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</ETag></Part>`,
    )
    const body = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`)
    const common = this.#common()
    try {
      const said = await this.#client.text({ method: 'POST', ...common, query: { uploadId }, body, again: 'whatever' })
      // A server that fails after it has begun to answer says so in an answer of 200.
      const [reason] = elementsOf(said, 'Code')
      if (reason !== undefined) throw new S3Fault('POST', 200, reason.slice(0, 64))
    } catch (error) {
      if (!(error instanceof S3Fault && error.reason === 'NoSuchUpload')) throw error
      // An attempt before this one may have succeeded without its answer having come.
      await this.#client.text({ method: 'HEAD', ...common, again: 'whatever' })
    }
  }

  #common(): { readonly object: string; readonly signal: AbortSignal } {
    return { object: this.#object, signal: this.#giveUp.signal }
  }

  #makeRoom(length: number): void {
    if (length <= this.#room.length) return
    const room = Buffer.allocUnsafe(Math.min(PART_BYTES, Math.max(FIRST_ROOM, this.#room.length * 2, length)))
    room.set(this.#room.subarray(0, this.#length))
    this.#room = room
  }

  #requireOpen(): void {
    if (this.#giveUp.signal.aborted) throw new Error('the upload was given up')
  }
}
