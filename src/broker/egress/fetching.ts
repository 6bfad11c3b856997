import type { FetchGrant } from '../../core/policy.ts'
import { CapabilityError, type RunScope } from '../capability.ts'
import { type ByteSource, limited } from './byte-source.ts'
import { decoded } from './decode.ts'
import { Exchange, type Outgoing, type ResponseHead } from './exchange.ts'
import { headerOf, withDefaults } from './headers.ts'
import { type Redaction, redacted, redactedText } from '../secrets/redact.ts'
import type { RunSecrets } from '../secrets/run-secrets.ts'
import { Substitution } from '../secrets/substitute.ts'
import type { Connections } from './pools.ts'
import { type Hop, redirectOf } from './redirect.ts'
import type { GuestRequest } from './request.ts'
import { targetOf } from './rules.ts'
import { Upload, requestTooLarge } from './upload.ts'

interface Parts {
  readonly connections: Connections
  readonly scope: RunScope
  readonly grant: FetchGrant
  readonly request: GuestRequest
  /** What placeholders stand for; undefined if the policy grants no secrets. */
  readonly secrets: RunSecrets | undefined
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
  /** What the response of the present hop is searched by. */
  #redaction: (Redaction & Disposable) | undefined
  #isOver = false

  constructor(parts: Parts) {
    this.#parts = parts
    if (parts.request.body === 'stream') this.upload = new Upload(parts.grant.requestBytes)
  }

  /** Sends it, and follows where it is sent on. Every hop is checked as if it were the first. */
  async send(): Promise<FetchedResponse> {
    const { grant, request } = this.#parts
    let hop: Hop = { ...request, url: targetOf(request.url, request.method, grant) }
    const urls: URL[] = []
    for (let redirects = 0; ; redirects += 1) {
      urls.push(hop.url)
      const outgoing = this.#outgoingOf(hop)
      const redaction = await this.#redactionFor(urls)
      const exchange = this.#start(hop.url, outgoing)
      const head = withoutSecrets(await exchange.head, redaction)
      const next = request.redirect === 'manual' ? undefined : redirectOf(hop, head)
      if (next === undefined) {
        return { head, url: hop.url.href, redirected: redirects > 0, body: this.#bodyOf(exchange, head, redaction) }
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
    this.#redaction?.[Symbol.dispose]()
  }

  /** Lent anew for each hop: there are more secrets with each, and only one response is read at a time. */
  async #redactionFor(urls: readonly URL[]): Promise<Redaction | undefined> {
    this.#redaction?.[Symbol.dispose]()
    this.#redaction = await this.#parts.secrets?.redactionFor(urls)
    // Given up meanwhile: nobody else would give it back.
    if (this.#isOver) this.#redaction?.[Symbol.dispose]()
    return this.#redaction
  }

  /** A hop as it goes out: with the secrets that may go there. */
  #outgoingOf({ url, method, headers, body }: Hop): Outgoing {
    const { secrets, grant } = this.#parts
    const own = { method, host: url.host }
    if (secrets === undefined) {
      const stream = body === 'stream' ? (this.upload?.stream ?? null) : body
      return { ...own, path: url.pathname + url.search, headers: withDefaults(headers), body: stream }
    }
    const substitution = new Substitution(secrets, url, headers)
    const whole = Buffer.isBuffer(body) ? substitution.body(body) : null
    if (whole !== null && whole.length > grant.requestBytes) throw requestTooLarge(grant.requestBytes)
    if (body === 'stream') this.upload?.through(substitution.stream())
    return {
      ...own,
      path: substitution.path(),
      headers: withDefaults(substitution.headers(headers)),
      body: body === 'stream' ? (this.upload?.stream ?? null) : whole,
    }
  }

  #start(url: URL, outgoing: Outgoing): Exchange {
    const { connections, scope, grant, count } = this.#parts
    if (scope.signal.aborted) throw new CapabilityError('RUN_OVER', 'the run is over')
    if (this.#isOver) throw new CapabilityError('CONNECTION_LOST', 'the request was given up')
    count()
    const mine = connections.of(scope.tenant, grant)
    const exchange = new Exchange({
      pool: mine.to(url.origin),
      place: mine.enter(),
      meter: (traffic) => scope.meter(traffic),
      waitMs: () => Math.min(grant.timeoutMs, scope.remaining()),
      outgoing,
    })
    this.#exchange = exchange
    return exchange
  }

  #bodyOf(exchange: Exchange, { headers }: ResponseHead, redaction: Redaction | undefined): ByteSource {
    const { responseBytes } = this.#parts.grant
    const plain = decoded(exchange, headerOf(headers, 'content-encoding'))
    return limited(redaction === undefined ? plain : redacted(plain, redaction), responseBytes, () => {
      return new CapabilityError(
        'RESPONSE_TOO_LARGE',
        `the body of a response may have ${responseBytes} bytes (capabilities.fetch.responseBytes)`,
      )
    })
  }
}

/** A server may give back in the head what it was sent: where it redirects to, above all. */
function withoutSecrets(head: ResponseHead, redaction: Redaction | undefined): ResponseHead {
  if (redaction === undefined) return head
  return {
    status: head.status,
    statusText: redactedText(head.statusText, redaction),
    headers: head.headers.map(([name, value]) => [name, redactedText(value, redaction)]),
  }
}
