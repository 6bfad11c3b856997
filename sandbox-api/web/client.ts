import { WINDOW_BYTES, WINDOW_PIECES } from '../../src/core/exchange.ts'
import type { Call } from '../calls.ts'
import type { AbortSignal } from './abort-signal.ts'
import type { ByteStream } from './body-stream.ts'

/** Longest piece that is sent to the host; the host takes no longer ones. A multiple of 3, so that base64 pads the last only. */
const PIECE_BYTES = 192 << 10

/** The client that waits for a run's response: where its request's body comes from, and where the response's goes to. */
export class Client {
  readonly #call: Call
  readonly #leaving: ((reason: unknown) => void)[] = []
  #signal: AbortSignal | undefined
  #reason: unknown
  /** What is on its way to the client. */
  #bytesOut = 0
  #piecesOut = 0
  #wake = (): void => {}
  #failure: { readonly error: unknown } | undefined
  #isTooLong = false
  #onFailure: (reason: unknown) => void = () => {}

  constructor(call: Call) {
    this.#call = call
  }

  /** Aborts when the client leaves. Made when somebody asks for it. */
  signal(): AbortSignal {
    if (this.#signal === undefined) {
      const { AbortSignal, createAbortSignal } = require('./abort-signal.ts') as typeof import('./abort-signal.ts')
      this.#signal = this.#reason === undefined ? createAbortSignal() : AbortSignal.abort(this.#reason)
    }
    return this.#signal
  }

  /** The client has gone. Tells the guest's listeners, and ends the streams that it had its hands on. */
  leave(): void {
    if (this.#reason !== undefined) return
    const { DOMException } = require('./dom-exception.ts') as typeof import('./dom-exception.ts')
    const reason = new DOMException('the client is gone', 'AbortError')
    this.#reason = reason
    for (const leave of this.#leaving.splice(0)) leave(reason)
    if (this.#signal === undefined) return
    const { signalAbort } = require('./abort-signal.ts') as typeof import('./abort-signal.ts')
    signalAbort(this.#signal, reason)
  }

  /** The body of the request. A piece is asked for when somebody reads. */
  openBody(): ByteStream {
    const { ReadableStream } = require('./streams.ts') as typeof import('./streams.ts')
    const read = async (): Promise<string | undefined> => (await this.#call('http.read', [])) as string | undefined
    const leaving = this.#leaving
    return new ReadableStream({
      type: 'bytes',
      start(controller) {
        leaving.push((reason) => controller.error(reason))
      },
      async pull(controller) {
        const piece = await read()
        if (piece !== undefined) return controller.enqueue(Uint8Array.fromBase64(piece))
        controller.close()
        controller.byobRequest?.respond(0)
      },
    })
  }

  /** Sends the head of a response whose body follows by {@link send}. */
  async respond(head: object): Promise<void> {
    await this.#call('http.respond', [head])
  }

  /**
   * Sends bytes, piece by piece. Resolves when more may follow; undefined if it is more than the run may send.
   * `last`: nothing comes after them, and the run goes on without the client from there.
   */
  async send(bytes: Uint8Array, place: 'middle' | 'last' = 'middle'): Promise<'sent' | undefined> {
    if (bytes.length === 0 && place === 'last') await this.end()
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const piece = bytes.subarray(at, at + PIECE_BYTES)
      this.#write(piece, place === 'last' && at + PIECE_BYTES >= bytes.length ? 'last' : 'middle')
      await this.#whenFewer(WINDOW_BYTES - PIECE_BYTES, WINDOW_PIECES - 1)
    }
    return this.#isTooLong ? undefined : 'sent'
  }

  /**
   * Sends a stream to its end, chunks being made while those before are on their way. Undefined if it is more than the run
   * may send. The stream is cancelled when the client leaves.
   */
  async sendStream(stream: ByteStream): Promise<'sent' | undefined> {
    const { readerOf } = require('./body-stream.ts') as typeof import('./body-stream.ts')
    const reader = readerOf(stream)
    const cancel = (reason: unknown): void => void reader.cancel(reason).catch(() => {})
    this.#leaving.push(cancel)
    // What fails on its way is heard of at once, though the stream may take long to make its next chunk.
    this.#onFailure = cancel
    try {
      for (;;) {
        const { done, value } = await reader.read()
        if (done || this.#hasFailed) break
        if (!(value instanceof Uint8Array)) throw new TypeError('a chunk of the body is no Uint8Array')
        await this.send(value)
      }
      await this.#whenFewer(0, 0)
    } catch (error) {
      cancel(error)
      throw error
    }
    return this.#isTooLong ? undefined : 'sent'
  }

  #write(piece: Uint8Array, place: 'middle' | 'last'): void {
    const text = piece.toBase64()
    const { length } = piece
    this.#bytesOut += length
    this.#piecesOut += 1
    const settle = (): void => {
      this.#bytesOut -= length
      this.#piecesOut -= 1
      this.#wake()
    }
    this.#call('http.write', place === 'last' ? [text, place] : [text]).then(settle, (error: unknown) => {
      if ((error as { code?: unknown }).code === 'QUOTA_EXCEEDED') this.#isTooLong = true
      else this.#failure ??= { error }
      settle()
      this.#onFailure(this.#isTooLong ? new RangeError('the body is longer than it may be') : error)
    })
  }

  /** Waits until no more than so many bytes and pieces are on their way. Throws what one of them has failed with. */
  async #whenFewer(bytes: number, pieces: number): Promise<void> {
    while (!this.#hasFailed && (this.#bytesOut > bytes || this.#piecesOut > pieces)) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      await promise
    }
    if (this.#failure !== undefined) throw this.#failure.error
  }

  get #hasFailed(): boolean {
    return this.#isTooLong || this.#failure !== undefined
  }

  /** Says that the response is whole: the run goes on without the client from here. */
  async end(): Promise<void> {
    await this.#call('http.end', [])
  }
}
