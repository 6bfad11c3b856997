import type { FetchGrant } from '../../core/policy.ts'
import { CapabilityError, type RunScope } from '../capability.ts'
import { type ByteSource, limited } from './byte-source.ts'
import { decoded } from './decode.ts'
import { Exchange, type ResponseHead } from './exchange.ts'
import { headerOf, withDefaults } from './headers.ts'
import type { Connections } from './pools.ts'
import { type Hop, redirectOf } from './redirect.ts'
import type { GuestRequest } from './request.ts'
import { targetOf } from './rules.ts'
import { Upload } from './upload.ts'

interface Parts {
  readonly connections: Connections
  readonly scope: RunScope
  readonly grant: FetchGrant
  readonly request: GuestRequest
  /** Counts one request of the run; throws when there may be no more. */
  readonly count: () => void
}

/** The response that a request has come to. */
export interface FetchedResponse {
  readonly head: ResponseHead
  readonly url: string
  readonly redirected: boolean
  readonly body: ByteSource
}

/** One fetch of a guest, through all its redirects, from its request to the end of its response. */
export class Fetching implements Disposable {
  readonly upload: Upload | undefined
  readonly #parts: Parts
  #exchange: Exchange | undefined
  #isOver = false

  constructor(parts: Parts) {
    this.#parts = parts
    if (parts.request.body === 'stream') this.upload = new Upload(parts.grant.requestBytes)
  }

  /** Sends it, and follows where it is sent on. Every hop is checked as if it were the first. */
  async send(): Promise<FetchedResponse> {
    const { grant, request } = this.#parts
    let hop: Hop = { ...request, url: targetOf(request.url, request.method, grant) }
    for (let redirects = 0; ; redirects += 1) {
      const exchange = this.#start(hop)
      const head = await exchange.head
      const next = request.redirect === 'manual' ? undefined : redirectOf(hop, head)
      if (next === undefined) {
        return { head, url: hop.url.href, redirected: redirects > 0, body: this.#bodyOf(exchange, head) }
      }
      await exchange.discard()
      if (request.redirect === 'error') throw new CapabilityError('REDIRECT_REFUSED', 'the response is a redirect')
      if (redirects >= grant.redirects) {
        throw new CapabilityError(
          'REDIRECT_REFUSED',
          `the request was redirected more than ${grant.redirects} times (capabilities.fetch.redirects)`,
        )
      }
      hop = { ...next, url: targetOf(next.location, next.method, grant) }
    }
  }

  /** Gives it up: its socket is closed, whatever it was about. */
  [Symbol.dispose](): void {
    this.#isOver = true
    this.#exchange?.cancel()
    this.upload?.[Symbol.dispose]()
  }

  #start(hop: Hop): Exchange {
    const { connections, scope, grant, count } = this.#parts
    if (this.#isOver || scope.signal.aborted) throw new CapabilityError('RUN_OVER', 'the request was given up')
    count()
    const mine = connections.of(scope.tenant, grant)
    const { url, method, body } = hop
    const exchange = new Exchange({
      pool: mine.to(url.origin),
      place: mine.enter(),
      meter: (traffic) => scope.meter(traffic),
      waitMs: () => Math.min(grant.timeoutMs, scope.remaining()),
      outgoing: {
        method,
        path: url.pathname + url.search,
        host: url.host,
        headers: withDefaults(hop.headers),
        body: body === 'stream' ? (this.upload?.stream ?? null) : body,
      },
    })
    this.#exchange = exchange
    return exchange
  }

  #bodyOf(exchange: Exchange, { headers }: ResponseHead): ByteSource {
    const { responseBytes } = this.#parts.grant
    return limited(decoded(exchange, headerOf(headers, 'content-encoding')), responseBytes, () => {
      return new CapabilityError(
        'RESPONSE_TOO_LARGE',
        `the body of a response may have ${responseBytes} bytes (capabilities.fetch.responseBytes)`,
      )
    })
  }
}
