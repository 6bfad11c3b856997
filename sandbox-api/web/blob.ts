import { encodeUtf8 } from './encoding/encode.ts'
import { ReadableStream } from './streams.ts'
let has: (value: object) => boolean
export class Blob {
  readonly #bytes: Uint8Array
  readonly type: string
  static {
    has = (value) => #bytes in value
  }
  constructor(parts: readonly (string | Uint8Array | Blob)[] = [], options: { type?: string } = {}) {
    const list = parts.map((part) =>
      typeof part === 'string' ? encodeUtf8(part) : part instanceof Blob ? part.#bytes : part,
    )
    this.#bytes = new Uint8Array(list.reduce((sum, part) => sum + part.length, 0))
    let at = 0
    for (const part of list) {
      this.#bytes.set(part, at)
      at += part.length
    }
    this.type = options.type?.toLowerCase() ?? ''
  }
  get size(): number {
    return this.#bytes.length
  }
  async arrayBuffer(): Promise<ArrayBuffer> {
    return this.#bytes.slice().buffer as ArrayBuffer
  }
  async text(): Promise<string> {
    return new TextDecoder().decode(this.#bytes)
  }
  stream(): ReadableStream<unknown> {
    const bytes = this.#bytes.slice() as Uint8Array<ArrayBuffer>
    return new ReadableStream({
      type: 'bytes',
      pull(c) {
        if (bytes.length) c.enqueue(bytes)
        c.close()
        c.byobRequest?.respond(0)
      },
    })
  }
}
export function isBlob(value: unknown): value is Blob {
  return typeof value === 'object' && value !== null && has(value)
}
