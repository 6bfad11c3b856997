import type { BlobBackend, BlobSource, BlobSpan } from '../../../core/blobs.ts'
import type { Clock } from '../../../core/clock.ts'
import { S3Client, S3Fault, type S3Response, type S3Settings, elementsOf, reasonOf } from './client.ts'
import { S3Sink } from './sink.ts'

/** Open uploads hold a part of 8 MiB each. */
const UPLOADS_MAX = 64
/** For the head of an answer, and between two pieces of its body. */
const TIMEOUT_MS = 60_000

/** S3-compatible storage that can say whether it is there. */
export interface S3Backend extends BlobBackend {
  /** Asks for an object that is not there. Rejects with what is wrong: no connection, no such bucket, no right. */
  check(): Promise<void>
}

interface Options {
  readonly clock: Clock
  /** `storage`: signed URLs lead to the bucket. `host`: they lead to the host, which clients reach when the bucket is hidden. */
  readonly urls: 'storage' | 'host'
  readonly timeoutMs?: number
}

/** Contents as objects of a bucket. Nothing is asked of it until it is used. */
export function openS3Backend(settings: S3Settings, { clock, urls, timeoutMs = TIMEOUT_MS }: Options): S3Backend {
  const client = new S3Client(settings, clock, timeoutMs)
  const backend: S3Backend = {
    place: 'remote',
    uploadsMax: UPLOADS_MAX,
    create: (object) => new S3Sink(client, object),
    open: (object, span) => openObject(client, object, span).catch(absent),
    async remove(object) {
      // First the uploads: one that completed after its object was removed would bring it back.
      for (const uploadId of await uploadsOf(client, settings.prefix + object)) {
        const query = { uploadId }
        await client.text({ method: 'DELETE', object, query, again: 'whatever' }).catch(absent)
      }
      await client.text({ method: 'DELETE', object, again: 'whatever' }).catch(absent)
    },
    presign: (object, { contentType }, expiresInSeconds) =>
      urls === 'host' ? undefined : client.presign(object, { 'response-content-type': contentType }, expiresInSeconds),
    async check() {
      await using _ = await backend.open('0'.repeat(32), { offset: 0, length: 1 })
    },
    [Symbol.asyncDispose]: () => client.close(),
  }
  return backend
}

async function openObject(client: S3Client, object: string, { offset, length }: BlobSpan): Promise<BlobSource> {
  // No range is empty.
  if (length === 0) {
    const { body } = await client.send({ method: 'HEAD', object, again: 'whatever' })
    return new S3Source(body, 0)
  }
  const headers = { range: `bytes=${offset}-${offset + length - 1}` }
  const { body, statusCode } = await client.send({ method: 'GET', object, headers, again: 'whatever' })
  if (statusCode !== 206 && offset !== 0) {
    body.destroy()
    throw new S3Fault('GET', statusCode, 'no ranges')
  }
  return new S3Source(body, length)
}

/** Ids of unfinished uploads of one object: a host that died leaves them. */
async function uploadsOf(client: S3Client, key: string): Promise<readonly string[]> {
  const page = await client.text({ method: 'GET', query: { uploads: '', prefix: key }, again: 'whatever' })
  const [keys, ids] = [elementsOf(page, 'Key'), elementsOf(page, 'UploadId')]
  return ids.filter((_, n) => keys[n] === key)
}

class S3Source implements BlobSource {
  readonly #body: S3Response['body']
  readonly #chunks: AsyncIterator<Buffer>
  #chunk: Buffer = Buffer.alloc(0)
  #left: number

  constructor(body: S3Response['body'], length: number) {
    // A body that fails when nobody waits for it tells the next read.
    body.on('error', () => undefined)
    this.#body = body
    this.#chunks = (body as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
    this.#left = length
  }

  async read(lengthMax: number): Promise<Buffer | undefined> {
    if (this.#left === 0) return undefined
    while (this.#chunk.length === 0) {
      const next = await this.#chunks.next().catch((error: unknown) => {
        throw new S3Fault('GET', undefined, reasonOf(error))
      })
      if (next.done === true) throw new S3Fault('GET', undefined, 'the content is shorter than its record says')
      this.#chunk = next.value
    }
    const bytes = this.#chunk.subarray(0, Math.min(lengthMax, this.#left))
    this.#chunk = this.#chunk.subarray(bytes.length)
    this.#left -= bytes.length
    return bytes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#body.destroy()
  }
}

function absent(error: unknown): undefined {
  if (error instanceof S3Fault && error.status === 404 && error.reason !== 'NoSuchBucket') return undefined
  throw error
}
