import { Body, toBytes } from './body.ts'
import { extractBody } from './body-init.ts'
import { defineBody } from './body-mixin.ts'
import type { ByteStream } from './body-stream.ts'
import { HeaderList } from './header-list.ts'
import type { CallHost } from './host.ts'
import { toDictionary } from './webidl.ts'

/** Longest piece of content in one call; what the host takes at most. */
const CHUNK_BYTES_MAX = 1 << 20

/** What the host tells of a blob. */
interface BlobInfo {
  readonly key: string
  readonly size: number
  readonly etag: string
  readonly contentType: string
  readonly metadata: Readonly<Record<string, string>>
  readonly uploadedAt: string
}

interface Found {
  readonly blob: BlobInfo
  /** Absent if the condition was not met; there is no content then. */
  readonly range?: { readonly offset: number; readonly length: number }
  /** The first piece, as base64. */
  readonly content?: string
  /** Under which the rest is to be had. */
  readonly handle?: number
}

interface State {
  readonly body: Body | null
  readonly headers: HeaderList
}

let stateOf: (blob: unknown) => State

/** A blob as `get` gives it: what there is to know of it, and its content, to be read once like that of a Response. */
class StoredBlob {
  readonly #state: State

  static {
    stateOf = (value) => {
      if (typeof value !== 'object' || value === null || !(#state in value))
        throw new TypeError('this is no stored blob')
      return value.#state
    }
  }

  constructor({ blob, range }: Found, body: Body | null) {
    const headers = new HeaderList()
    headers.set('content-type', blob.contentType)
    this.#state = { body, headers }
    Object.assign(this, blob, range && { range })
  }
}

defineBody(StoredBlob, stateOf)

/** Stores a blob: in one call if it is short and there already, in pieces otherwise. Resolves with what the host tells of it. */
export async function putBlob(call: CallHost, key: unknown, content: unknown, options: unknown): Promise<unknown> {
  const { body, type } = content === null || content === undefined ? EMPTY : extractBody(content)
  const { contentType = type ?? undefined, ...rest } = toDictionary(options, 'the options')
  const stated = contentType === undefined ? rest : { ...rest, contentType }
  if (body.source !== undefined) {
    const bytes = toBytes((await body.read()) ?? '')
    if (bytes.length <= CHUNK_BYTES_MAX) return await call('blobs.put', [key, bytes.toBase64(), stated])
    return await putPieces(call, [key, stated], piecesOf(bytes))
  }
  return await putPieces(call, [key, stated], gather(body.stream))
}

/** Gets a blob; null if there is none. */
export async function getBlob(call: CallHost, key: unknown, options: unknown): Promise<unknown> {
  const found = (await call('blobs.get', [key, options])) as Found | null
  if (found === null) return null
  if (found.content === undefined) return new StoredBlob(found, null)
  const first = Uint8Array.fromBase64(found.content)
  if (found.handle === undefined) return new StoredBlob(found, new Body(first))
  return new StoredBlob(found, new Body(undefined, streamOf(call, first, found.handle)))
}

const EMPTY = { body: new Body(''), type: null }

/** The host has each piece before the next is asked for. A source that fails leaves nothing behind. */
async function putPieces(
  call: CallHost,
  [key, options]: readonly [key: unknown, options: object],
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<unknown> {
  const handle = await call('blobs.begin', [])
  try {
    for await (const piece of pieces) await call('blobs.write', [handle, piece.toBase64()])
    return await call('blobs.commit', [handle, key, options])
  } catch (error) {
    await call('blobs.close', [handle]).catch(() => undefined)
    throw error
  }
}

function* piecesOf(bytes: Uint8Array): Generator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES_MAX) yield bytes.subarray(at, at + CHUNK_BYTES_MAX)
}

/** A stream's chunks as pieces that are worth a call: small ones are gathered, long ones are cut. */
async function* gather(stream: ByteStream): AsyncGenerator<Uint8Array, void> {
  const reader = stream.getReader()
  let waiting = new Uint8Array(CHUNK_BYTES_MAX)
  let length = 0
  let isDone = false
  try {
    for (;;) {
      const { done, value } = await reader.read()
      isDone = done
      if (done) break
      if (!(value instanceof Uint8Array)) throw new TypeError('a chunk of the content is no Uint8Array')
      for (let at = 0; at < value.length;) {
        const part = value.subarray(at, at + CHUNK_BYTES_MAX - length)
        waiting.set(part, length)
        length += part.length
        at += part.length
        if (length < CHUNK_BYTES_MAX) continue
        yield waiting
        length = 0
      }
    }
    if (length > 0) yield waiting.subarray(0, length)
  } finally {
    if (!isDone) await reader.cancel().catch(() => undefined)
  }
}

function streamOf(call: CallHost, first: Uint8Array, handle: number): ByteStream {
  const { ReadableStream } = require('./streams.ts') as typeof import('./streams.ts')
  let next: Uint8Array | undefined = first
  return new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      const answer = next === undefined ? ((await call('blobs.read', [handle])) as string | null) : ''
      const chunk = next ?? (answer === null ? undefined : Uint8Array.fromBase64(answer))
      next = undefined
      if (chunk !== undefined) {
        controller.enqueue(chunk as Uint8Array<ArrayBuffer>)
        return
      }
      await call('blobs.close', [handle])
      controller.close()
      controller.byobRequest?.respond(0)
    },
    async cancel() {
      await call('blobs.close', [handle])
    },
  })
}
