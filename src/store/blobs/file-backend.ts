import { type FileHandle, constants, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobBackend, BlobSink, BlobSource, BlobSpan } from '../../core/blobs.ts'

/** Open uploads hold a descriptor each. */
const UPLOADS_MAX = 256
const INCOMING = 'incoming'

/**
 * Contents as files: written under `incoming/`, flushed, then moved to where they are read. Names are the host's own; modes
 * are for this user alone. Opening it removes what earlier processes left half written.
 */
export async function openFileBackend(directory: string): Promise<BlobBackend> {
  const incoming = join(directory, INCOMING)
  await mkdir(incoming, { recursive: true, mode: 0o700 })
  for (const name of await readdir(incoming)) await rm(join(incoming, name), { force: true })
  const known = new Set<string>()
  const folderOf = (object: string): string => join(directory, object.slice(0, 2))
  const pathOf = (object: string): string => join(folderOf(object), object)
  return {
    place: 'here',
    uploadsMax: UPLOADS_MAX,
    create: (object) =>
      new FileSink(join(incoming, object), async (from) => {
        const folder = folderOf(object)
        if (!known.has(folder)) {
          await mkdir(folder, { recursive: true, mode: 0o700 })
          await flushFolder(directory)
          known.add(folder)
        }
        await rename(from, pathOf(object))
        await flushFolder(folder)
      }),
    async open(object, span) {
      const file = await open(pathOf(object), constants.O_RDONLY | constants.O_NOFOLLOW).catch(absent)
      return file && new FileSource(file, span)
    },
    remove: async (object) => {
      await rm(join(incoming, object), { force: true })
      await rm(pathOf(object), { force: true })
    },
    presign: () => undefined,
    async [Symbol.asyncDispose]() {},
  }
}

class FileSink implements BlobSink {
  readonly #path: string
  readonly #publish: (path: string) => Promise<void>
  /** A promise, so that an abort in the middle of the opening knows that there is something to close. */
  #file: Promise<FileHandle> | undefined
  #isAborted = false

  constructor(path: string, publish: (path: string) => Promise<void>) {
    this.#path = path
    this.#publish = publish
  }

  async write(bytes: Uint8Array): Promise<void> {
    const file = await this.#open()
    for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at)).bytesWritten
  }

  async finish(): Promise<void> {
    const file = await this.#open()
    await file.datasync()
    this.#file = undefined
    await file.close()
    await this.#publish(this.#path)
  }

  async abort(): Promise<void> {
    this.#isAborted = true
    const file = await this.#file?.catch(() => undefined)
    await file?.close().catch(() => undefined)
    await rm(this.#path, { force: true }).catch(() => undefined)
  }

  #open(): Promise<FileHandle> {
    if (this.#isAborted) throw new Error('the upload was given up')
    this.#file ??= open(this.#path, 'wx', 0o600)
    return this.#file
  }
}

class FileSource implements BlobSource {
  readonly #file: FileHandle
  #at: number
  #left: number

  constructor(file: FileHandle, { offset, length }: BlobSpan) {
    this.#file = file
    this.#at = offset
    this.#left = length
  }

  async read(lengthMax: number): Promise<Buffer | undefined> {
    const wanted = Math.min(lengthMax, this.#left)
    if (wanted === 0) return undefined
    const { bytesRead, buffer } = await this.#file.read(Buffer.allocUnsafe(wanted), 0, wanted, this.#at)
    if (bytesRead === 0) throw new Error('the content of a blob is shorter than its record says')
    this.#at += bytesRead
    this.#left -= bytesRead
    return buffer.subarray(0, bytesRead)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close().catch(() => undefined)
  }
}

/** A rename counts after a loss of power only once its folder is flushed. */
async function flushFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function absent(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
  throw error
}
