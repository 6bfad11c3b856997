import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Exchange, PIECE_BYTES_MAX } from '../../core/exchange.ts'
import type { RunId } from '../../core/ids.ts'
import { bytes } from '../../core/quantity.ts'
import type { Report, Traffic } from '../../core/run.ts'
import { connectionSignal } from '../connection-signal.ts'
import { type ResponseHead, isBodyless, readHead } from './head.ts'

/** Bytes of a response that may wait in the host for the client's socket, before the guest is kept waiting. */
const UNSENT_MAX = PIECE_BYTES_MAX

/** A response that came as one piece, with the result of the run. */
export interface WholeResponse extends ResponseHead {
  readonly body: Buffer
}

interface Parts {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Bytes of the request's body that the run is given with its input. */
  readonly received: number
  /** Sends the head of a response whose body follows in pieces. */
  readonly sendHead: (run: RunId, head: ResponseHead) => void
}

/**
 * One HTTP request and its client, as a run reads and writes it. Closed by the door that made it, after the run is in the ledger.
 */
export class HttpExchange implements Exchange, Disposable {
  readonly #parts: Parts
  readonly #client: AbortSignal
  readonly #leaving = new AbortController()
  #ingress: number
  #egress = 0
  #hasEnded = false
  /** What has come of the request's body and is not read yet: a piece, and what came with the end of it. */
  #chunks: Buffer[] = []
  #gathered = 0
  #isReading = false
  #whole: WholeResponse | string | undefined
  /** Wakes those who wait for the client to send, or to read: two at most. */
  readonly #waiting = new Set<() => void>()

  constructor(parts: Parts) {
    this.#parts = parts
    this.#ingress = parts.received
    this.#client = connectionSignal(parts.request)
    if (this.#client.aborted) this.#leaving.abort()
    else this.#client.addEventListener('abort', this.#onLeave, { once: true })
  }

  /** Aborts when the client leaves before the response is whole. */
  get signal(): AbortSignal {
    return this.#leaving.signal
  }

  get traffic(): Traffic {
    return { egress: bytes(this.#egress), ingress: bytes(this.#ingress) }
  }

  /** The response that came whole, the fault of one that cannot be sent; undefined if there is none. */
  get whole(): WholeResponse | string | undefined {
    return this.#whole
  }

  async read(): Promise<Uint8Array | 'end' | 'gone'> {
    const { request } = this.#parts
    if (!this.#isReading) {
      this.#isReading = true
      // Goes on while the guest is busy with the piece before: see #gather.
      request.on('readable', () => this.#gather())
    }
    for (;;) {
      this.#gather()
      if (this.#gathered > 0) return this.#take()
      if (request.readableEnded) return 'end'
      if (request.destroyed || this.#client.aborted) return 'gone'
      await this.#something(request, ['readable', 'end', 'error', 'close'])
    }
  }

  /** Takes what has come of the request's body, up to one piece. The rest waits in the client's own buffers. */
  #gather(): void {
    const { request } = this.#parts
    while (this.#gathered < PIECE_BYTES_MAX) {
      const chunk = request.read() as Buffer | null
      if (chunk === null) return
      this.#chunks.push(chunk)
      this.#gathered += chunk.length
    }
  }

  #take(): Buffer {
    const all = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks)
    const piece = all.subarray(0, PIECE_BYTES_MAX)
    const rest = all.subarray(piece.length)
    this.#chunks = rest.length === 0 ? [] : [rest]
    this.#gathered = rest.length
    this.#ingress += piece.length
    this.#gather()
    return piece
  }

  respond(run: RunId, given: unknown): string | undefined {
    const head = readHead(given)
    if (typeof head === 'string') return head
    this.#parts.sendHead(run, head)
    return undefined
  }

  async write(piece: Uint8Array): Promise<'written' | 'gone'> {
    const { response } = this.#parts
    if (this.#client.aborted || response.destroyed) return 'gone'
    this.#egress += piece.length
    if (piece.length === 0) return 'written'
    response.write(piece)
    // Not only when all is gone: the client is to have something to read while the guest makes more.
    if (response.writableLength <= UNSENT_MAX) return 'written'
    await this.#something(response, ['drain', 'error', 'close'])
    return this.#client.aborted || response.destroyed ? 'gone' : 'written'
  }

  end(): void {
    this.#hasEnded = true
  }

  conclude({ status, result }: Report): void {
    if (this.#parts.response.headersSent || status !== 'ok' || result === undefined) return
    const whole = readWhole(result)
    this.#whole = whole
    if (typeof whole !== 'string' && this.#parts.request.method !== 'HEAD') this.#egress += whole.body.length
  }

  /** Listens to the client no more. Whoever still waits for it is told that it is gone. */
  [Symbol.dispose](): void {
    this.#client.removeEventListener('abort', this.#onLeave)
    this.#hasEnded = true
    for (const wake of this.#waiting) wake()
  }

  readonly #onLeave = (): void => {
    if (!this.#hasEnded) this.#leaving.abort()
    for (const wake of this.#waiting) wake()
  }

  #something(source: IncomingMessage | ServerResponse, events: readonly string[]): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        for (const event of events) source.off(event, done)
        this.#waiting.delete(done)
        resolve()
      }
      for (const event of events) source.on(event, done)
      this.#waiting.add(done)
    })
  }
}

/** Never throws, whatever the cell has sent: a run that has taken place is charged. */
function readWhole(result: Uint8Array): WholeResponse | string {
  let given: unknown
  try {
    given = JSON.parse(Buffer.from(result.buffer, result.byteOffset, result.byteLength).toString('utf8'))
  } catch {
    return 'the description of the response is not JSON'
  }
  const head = readHead(given)
  if (typeof head === 'string') return head
  const { bodyBase64 } = given as { readonly bodyBase64?: unknown }
  if (typeof bodyBase64 !== 'string') return 'the body of the response is no text'
  return { ...head, body: isBodyless(head.status) ? Buffer.alloc(0) : Buffer.from(bodyBase64, 'base64') }
}
