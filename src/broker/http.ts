import { type Exchange, PIECE_BYTES_MAX, WINDOW_BYTES } from '../core/exchange.ts'
import type { Limits } from '../core/policy.ts'
import { bytes } from '../core/quantity.ts'
import { invalid } from './arguments.ts'
import { CapabilityError, type RunScope } from './capability.ts'

/** One operation on a run's exchange. Resolves with JSON text, `''` for undefined. */
type HttpOperation = (line: HttpLine, args: readonly unknown[]) => Promise<string>

/** A piece in base64, its quotes and brackets; the head of a response, each of whose bytes may be an escape of six. */
export const HTTP_ARGUMENTS_MAX = Math.max(4 * Math.ceil(PIECE_BYTES_MAX / 3) + 16, 512 << 10)

const KEY = {}

/**
 * Host half of the bodies that a run streams: `http.read`, `http.respond`, `http.write` and `http.end`. No policy grants
 * them and no price is asked: they are there in a run that answers an HTTP request, and in no other. A run that has called
 * one is never run again, since what it has read or sent cannot be taken back.
 */
export const HTTP_OPERATIONS: ReadonlyMap<string, HttpOperation> = new Map<string, HttpOperation>([
  ['http.read', (line) => line.read()],
  [
    'http.respond',
    async (line, [head]) => {
      line.respond(head)
      return ''
    },
  ],
  ['http.write', (line, [piece, place]) => line.write(piece, place)],
  [
    'http.end',
    async (line) => {
      line.end()
      return ''
    },
  ],
])

/** The line of a run to its client, kept for as long as the run takes. */
export function httpLineOf(scope: RunScope, exchange: Exchange): HttpLine {
  return scope.keep(KEY, () => new HttpLine(scope, exchange))
}

/** Keeps a guest to its limits: how many bytes each way, and how many at a time. */
export class HttpLine implements Disposable {
  readonly #scope: RunScope
  readonly #exchange: Exchange
  readonly #limits: Limits
  #isReading = false
  /** Bytes that the client's socket has no room for yet. */
  #unwritten = 0
  #state: 'waiting' | 'responding' | 'ended' = 'waiting'

  constructor(scope: RunScope, exchange: Exchange) {
    this.#scope = scope
    this.#exchange = exchange
    this.#limits = scope.ticket.policy.limits
  }

  async read(): Promise<string> {
    if (this.#isReading) throw invalid('the body of the request is being read already')
    this.#isReading = true
    const piece = await this.#exchange.read()
    this.#isReading = false
    if (piece === 'end') return ''
    if (piece === 'gone') throw clientGone()
    if (this.#exchange.traffic.ingress > this.#limits.streamIn) {
      throw new CapabilityError(
        'QUOTA_EXCEEDED',
        `the body of the request has more than ${this.#limits.streamIn} bytes (limits.streamInBytes of the policy)`,
      )
    }
    return `"${Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString('base64')}"`
  }

  respond(head: unknown): void {
    if (this.#state !== 'waiting') throw invalid('the response has begun already')
    const fault = this.#exchange.respond(this.#scope.ticket.run, head)
    if (fault !== undefined) throw invalid(fault)
    this.#state = 'responding'
  }

  /** `last` in `place`: nothing comes after it. */
  async write(given: unknown, place: unknown): Promise<string> {
    if (this.#state !== 'responding') throw invalid('the body of the response is not open')
    const piece = pieceOf(given)
    if (this.#unwritten + piece.length > WINDOW_BYTES) {
      throw invalid(`more than ${WINDOW_BYTES} bytes of the response are being written already`)
    }
    const { egress } = this.#exchange.traffic
    if (egress + piece.length > this.#limits.streamOut) {
      throw new CapabilityError(
        'QUOTA_EXCEEDED',
        `the body of the response has more than ${this.#limits.streamOut} bytes (limits.streamOutBytes of the policy)`,
      )
    }
    if (place === 'last') this.end()
    this.#unwritten += piece.length
    const written = await this.#exchange.write(piece)
    this.#unwritten -= piece.length
    if (written === 'gone') throw clientGone()
    return ''
  }

  end(): void {
    if (this.#state !== 'responding') throw invalid('the body of the response is not open')
    this.#state = 'ended'
    this.#exchange.end()
  }

  /** The door closes the exchange itself, after the run is paid for. */
  [Symbol.dispose](): void {
    this.#state = 'ended'
  }
}

function pieceOf(given: unknown): Buffer {
  if (typeof given !== 'string') throw invalid('a piece of a body must be text in base64')
  const piece = Buffer.from(given, 'base64')
  if (bytes(piece.length) > PIECE_BYTES_MAX) throw invalid(`a piece of a body has more than ${PIECE_BYTES_MAX} bytes`)
  return piece
}

function clientGone(): CapabilityError {
  return new CapabilityError('UNAVAILABLE', 'the client is gone')
}
