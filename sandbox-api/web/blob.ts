import { viewBytes } from './buffer-source.ts'
import { registerClone } from './clone-registry.ts'
import { encodeUtf8 } from './encoding/encode.ts'
import type { ReadableStream } from './streams.ts'
import { finishInterface, toClampedLongLong, toDOMString, toDictionary, toUSVString } from './webidl.ts'

/** Longest chunk of a blob's stream. */
const CHUNK_BYTES_MAX = 64 << 10

/** Ranges of bytes, one after the other, that nothing ever changes: blobs made of each other share them. */
type Content = readonly Uint8Array<ArrayBuffer>[]

/** Proves to the constructor that the parts are a blob's own content already. */
const MADE = Symbol('made')

let contentOf: (blob: Blob) => Content
let isBlobObject: (value: object) => boolean

/** File API, "Blob". Its content counts as memory of the isolate, once however many blobs share it. */
export class Blob {
  readonly #content: Content
  readonly #size: number
  readonly #type: string

  static {
    contentOf = (blob) => blob.#content
    isBlobObject = (value) => #content in value
  }

  constructor(blobParts: unknown = undefined, options: unknown = undefined, made: unknown = undefined) {
    if (made === MADE) {
      this.#content = blobParts as Content
      this.#type = options as string
    } else {
      const parts = blobParts === undefined ? [] : toParts(blobParts)
      const { endings, type } = toBag(options)
      this.#content = parts.flatMap((part) => toContent(part, endings)).filter(({ length }) => length > 0)
      this.#type = type
    }
    this.#size = this.#content.reduce((sum, { length }) => sum + length, 0)
  }

  get size(): number {
    return this.#size
  }
  get type(): string {
    return this.#type
  }

  slice(start: unknown = 0, end: unknown = undefined, contentType: unknown = undefined): Blob {
    const from = toOffset(toClampedLongLong(start), this.#size)
    const to = end === undefined ? this.#size : toOffset(toClampedLongLong(end), this.#size)
    const type = contentType === undefined ? '' : normalizeType(toDOMString(contentType))
    return createBlob(cut(this.#content, from, to), type)
  }

  stream(): ReadableStream {
    return streamOf(this.#content)
  }

  async text(): Promise<string> {
    const { TextDecoder } = require('./text-decoder.ts') as typeof import('./text-decoder.ts')
    return new TextDecoder().decode(joined(this.#content, this.#size))
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return joined(this.#content, this.#size).buffer
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return joined(this.#content, this.#size)
  }
}

finishInterface(Blob, 'Blob', 'size', 'type', 'slice', 'stream', 'text', 'arrayBuffer', 'bytes')
registerClone(Blob, (blob) => () => createBlob(contentOf(blob), blob.type))

export function isBlob(value: unknown): value is Blob {
  return typeof value === 'object' && value !== null && isBlobObject(value)
}

/** A blob of bytes that nobody else changes. */
export function createBlob(content: Content, type: string): Blob {
  return new Blob(content, type, MADE)
}

/** What the constructors of Blob and File take as parts: an iterable of buffers, views, blobs and texts. */
export function toParts(value: unknown): unknown[] {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function'
  if (!isObject || typeof (value as Partial<Iterable<unknown>>)[Symbol.iterator] !== 'function') {
    throw new TypeError('the parts of a blob must be a sequence')
  }
  const parts: unknown[] = []
  // Texts are taken as they come: the conversion of one may change what follows it.
  for (const part of value as Iterable<unknown>) {
    parts.push(isBlob(part) || isBuffer(part) ? part : toUSVString(part))
  }
  return parts
}

/** The options of Blob's constructor. */
export function toBag(value: unknown): { readonly endings: 'transparent' | 'native'; readonly type: string } {
  const bag = toDictionary(value, 'the options')
  const { endings } = bag
  const chosen = endings === undefined ? 'transparent' : toDOMString(endings)
  if (chosen !== 'transparent' && chosen !== 'native') throw new TypeError(`${chosen} is no way to end lines`)
  const { type } = bag
  return { endings: chosen, type: type === undefined ? '' : normalizeType(toDOMString(type)) }
}

function isBuffer(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  try {
    viewBytes(value, 'a part of a blob')
    return true
  } catch {
    return false
  }
}

function toContent(part: unknown, endings: 'transparent' | 'native'): Content {
  if (isBlob(part)) return contentOf(part)
  if (typeof part !== 'string') return [new Uint8Array(viewBytes(part, 'a part of a blob'))]
  return [encodeUtf8(endings === 'native' ? part.replaceAll(/\r\n?/g, '\n') : part)]
}

function normalizeType(type: string): string {
  return /^[\x20-\x7e]*$/.test(type) ? type.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()) : ''
}

function toOffset(relative: number, size: number): number {
  return relative < 0 ? Math.max(size + relative, 0) : Math.min(relative, size)
}

function cut(content: Content, from: number, to: number): Content {
  let at = 0
  return content.flatMap((range) => {
    const begin = Math.max(from - at, 0)
    const end = Math.min(to - at, range.length)
    at += range.length
    return begin < end ? [range.subarray(begin, end)] : []
  })
}

function joined(content: Content, size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size)
  let at = 0
  for (const range of content) {
    bytes.set(range, at)
    at += range.length
  }
  return bytes
}

function streamOf(content: Content): ReadableStream {
  const { ReadableStream } = require('./streams.ts') as typeof import('./streams.ts')
  let index = 0
  let from = 0
  return new ReadableStream({
    type: 'bytes',
    pull(controller) {
      const range = content[index]
      if (range === undefined) {
        controller.close()
        controller.byobRequest?.respond(0)
        return
      }
      // A copy, since whoever gets it may write to it.
      const chunk = range.slice(from, from + CHUNK_BYTES_MAX)
      from += chunk.length
      if (from >= range.length) {
        index += 1
        from = 0
      }
      controller.enqueue(chunk)
    },
  })
}
