import type { Readable } from 'node:stream'
import type { Dispatcher, Pool } from 'undici'
import { bytes } from '../../core/quantity.ts'
import { CapabilityError, type RunScope } from '../capability.ts'
import type { ByteSource } from './byte-source.ts'
import { failureOf } from './failure.ts'
import { type Header, headSize, readRawHeaders } from './headers.ts'

/** One request as it is put on the wire. */
export interface Outgoing {
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly host: string
  readonly headers: readonly Header[]
  readonly body: Buffer | Readable | null
}

export interface ResponseHead {
  readonly status: number
  readonly statusText: string
  readonly headers: readonly Header[]
}

interface Parts {
  readonly pool: Pool
  readonly outgoing: Outgoing
  /** The place among the tenant's requests; given back at the end. */
  readonly place: Disposable
  readonly meter: RunScope['meter']
  /** The longest wait for the head, and for each piece of the body. */
  readonly waitMs: () => number
}

/** Bytes of a response that wait to be read; past it the socket is not read either. */
const QUEUE_BYTES_MAX = 256 << 10

/** What is read of the body of a redirect, and for how long. */
const DISCARD_BYTES_MAX = 64 << 10
const DISCARD_MS = 200

/**
 * One request and its response. The response's body is kept back until it is read; whatever ends the exchange before the
 * body does closes its socket. Bytes are counted as they go out and come in: heads, and bodies as they are encoded.
 */
export class Exchange implements ByteSource {
  readonly head: Promise<ResponseHead>
  readonly #parts: Parts
  readonly #head = Promise.withResolvers<ResponseHead>()
  readonly #queue: Buffer[] = []
  #queued = 0
  #controller: Dispatcher.DispatchController | undefined
  #wake: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  #ended = false
  #failure: CapabilityError | undefined

  constructor(parts: Parts) {
    this.#parts = parts
    this.head = this.#head.promise
    // Whoever asked for it may have gone.
    this.head.catch(() => undefined)
    this.#startTimer('the response did not begin in time')
    const { method, path, headers, body } = parts.outgoing
    try {
      parts.pool.dispatch(
        { method, path, headers: headers.flat(), body } as Dispatcher.DispatchOptions,
        this.#handler(),
      )
    } catch (error) {
      this.fail(failureOf(error))
    }
  }

  async read(): Promise<Buffer | undefined> {
    if (this.#queued === 0 && !this.#ended && this.#failure === undefined) {
      this.#startTimer('the server stopped in the middle of the response')
      await new Promise<void>((resolve) => (this.#wake = resolve))
      this.#stopTimer()
    }
    if (this.#queued > 0) return this.#take()
    if (this.#failure !== undefined) throw this.#failure
    return undefined
  }

  /** Lets a short body pass that nobody reads, so that the connection can be used again; what is longer closes it. */
  async discard(): Promise<void> {
    const timer = setTimeout(() => this.cancel(), DISCARD_MS)
    try {
      let size = 0
      for (;;) {
        const piece = await this.read()
        if (piece === undefined) return
        size += piece.length
        if (size > DISCARD_BYTES_MAX) return this.cancel()
      }
    } catch {
      // It has failed, and nobody wants it.
    } finally {
      clearTimeout(timer)
    }
  }

  cancel(): void {
    this.fail(new CapabilityError('CONNECTION_LOST', 'the request was given up'))
  }

  /** Ends it with an error, and closes its socket, unless it has ended. */
  fail(failure: CapabilityError): void {
    if (this.#ended || this.#failure !== undefined) return
    this.#failure = failure
    this.#queue.length = 0
    this.#queued = 0
    this.#controller?.abort(failure)
    const { body } = this.#parts.outgoing
    if (body !== null && !Buffer.isBuffer(body)) body.destroy()
    this.#leave()
    this.#head.reject(failure)
  }

  #handler(): Dispatcher.DispatchHandler & { onBodySent(chunk: Uint8Array): void } {
    const { outgoing, meter } = this.#parts
    return {
      onRequestStart: (controller) => {
        if (this.#failure !== undefined) return controller.abort(this.#failure)
        this.#controller = controller
        meter({ egress: bytes(headSize(`${outgoing.method} ${outgoing.path} HTTP/1.1`, outgoing)) })
      },
      onBodySent: (chunk) => meter({ egress: bytes(Buffer.byteLength(chunk)) }),
      onResponseStart: (controller, status, _headers, statusText = '') => {
        const headers = readRawHeaders(controller.rawHeaders)
        meter({ ingress: bytes(headSize(`HTTP/1.1 ${status} ${statusText}`, { headers })) })
        if (status < 200) return
        this.#stopTimer()
        this.#head.resolve({ status, statusText, headers })
      },
      onResponseData: (controller, chunk) => {
        meter({ ingress: bytes(chunk.length) })
        if (this.#failure !== undefined) return
        // Copied: the parser's memory is used again.
        this.#queue.push(Buffer.from(chunk))
        this.#queued += chunk.length
        if (this.#queued >= QUEUE_BYTES_MAX) controller.pause()
        this.#wake?.()
      },
      onResponseEnd: () => {
        this.#ended = true
        this.#leave()
      },
      onResponseError: (_controller, error) => this.fail(failureOf(error)),
    }
  }

  #take(): Buffer {
    const piece = this.#queue.length === 1 ? this.#queue[0] : Buffer.concat(this.#queue)
    this.#queue.length = 0
    this.#queued = 0
    this.#controller?.resume()
    return piece ?? Buffer.alloc(0)
  }

  /** Nothing more goes in or out. */
  #leave(): void {
    this.#stopTimer()
    this.#parts.place[Symbol.dispose]()
    this.#wake?.()
  }

  #startTimer(message: string): void {
    this.#stopTimer()
    this.#timer = setTimeout(
      () => this.fail(new CapabilityError('TIMEOUT', message)),
      Math.max(1, this.#parts.waitMs()),
    )
  }

  #stopTimer(): void {
    clearTimeout(this.#timer)
  }
}
