import type { BlobSource, BlobUpload } from '../core/blobs.ts'
import { invalid } from './arguments.ts'
import { CapabilityError } from './capability.ts'

/** Bodies of one run that may be open at once: a descriptor and a buffer each. */
const OPEN_MAX = 32

interface Open<Body> {
  readonly body: Body
  isBusy: boolean
}

/**
 * Bodies that a run is sending or receiving piece by piece, by the number that the guest knows them by. Made for one run:
 * its end gives up the uploads and closes the downloads.
 */
export class OpenBodies implements Disposable {
  readonly #uploads = new Map<number, Open<BlobUpload>>()
  readonly #downloads = new Map<number, Open<BlobSource>>()
  #last = 0
  #opening = 0
  #isOver = false

  /** Opens an upload. Throws QUOTA_EXCEEDED if too many bodies are open. */
  async upload(open: () => Promise<BlobUpload>): Promise<number> {
    const upload = await this.#enter(open)
    if (!this.#isOver) return this.#add(this.#uploads, upload)
    await upload.abort()
    throw new CapabilityError('RUN_OVER', 'the run is over')
  }

  /** Keeps a download for further reading. */
  async download(source: BlobSource): Promise<number> {
    if (!this.#isOver && this.#hasRoom()) return this.#add(this.#downloads, source)
    await source[Symbol.asyncDispose]()
    if (this.#isOver) throw new CapabilityError('RUN_OVER', 'the run is over')
    throw tooMany()
  }

  /** Does something with an upload while nobody else does. `last`: it is closed then, however that ends. */
  withUpload<Value>(
    handle: unknown,
    turn: 'next' | 'last',
    action: (upload: BlobUpload) => Promise<Value>,
  ): Promise<Value> {
    return withOpen(this.#uploads, handle, turn, action)
  }

  withDownload<Value>(handle: unknown, action: (source: BlobSource) => Promise<Value>): Promise<Value> {
    return withOpen(this.#downloads, handle, 'next', async (source) => {
      try {
        return await action(source)
      } catch (error) {
        // Nobody can ask for more of it: it must not be left open.
        await source[Symbol.asyncDispose]()
        throw error
      }
    })
  }

  /** Closes a body; what is not open is closed already. */
  async close(handle: unknown): Promise<void> {
    if (typeof handle !== 'number') throw invalid('handle must be a number')
    const upload = this.#uploads.get(handle)
    const download = this.#downloads.get(handle)
    this.#uploads.delete(handle)
    this.#downloads.delete(handle)
    await upload?.body.abort()
    await download?.body[Symbol.asyncDispose]()
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    for (const { body } of this.#uploads.values()) void body.abort()
    for (const { body } of this.#downloads.values()) void body[Symbol.asyncDispose]()
    this.#uploads.clear()
    this.#downloads.clear()
  }

  async #enter<Value>(open: () => Promise<Value>): Promise<Value> {
    if (!this.#hasRoom()) throw tooMany()
    this.#opening += 1
    try {
      return await open()
    } finally {
      this.#opening -= 1
    }
  }

  #hasRoom(): boolean {
    return this.#uploads.size + this.#downloads.size + this.#opening < OPEN_MAX
  }

  #add<Body>(table: Map<number, Open<Body>>, body: Body): number {
    this.#last += 1
    table.set(this.#last, { body, isBusy: false })
    return this.#last
  }
}

async function withOpen<Body, Value>(
  table: Map<number, Open<Body>>,
  handle: unknown,
  turn: 'next' | 'last',
  action: (body: Body) => Promise<Value>,
): Promise<Value> {
  if (typeof handle !== 'number') throw invalid('handle must be a number')
  const found = table.get(handle)
  if (found === undefined) throw invalid('handle is not that of an open body')
  if (found.isBusy) throw invalid('handle is in use: await the answer to the call before')
  found.isBusy = true
  if (turn === 'last') table.delete(handle)
  try {
    return await action(found.body)
  } catch (error) {
    table.delete(handle)
    throw error
  } finally {
    found.isBusy = false
  }
}

function tooMany(): CapabilityError {
  return new CapabilityError(
    'QUOTA_EXCEEDED',
    `a run may have ${OPEN_MAX} bodies of blobs open; read or cancel one first`,
  )
}
