import { setTimeout as pause } from 'node:timers/promises'
import { Agent, type Dispatcher } from 'undici'
import type { Clock } from '../../../core/clock.ts'
import { CloisterError } from '../../../core/errors.ts'
import { type Credentials, encodeQuery, sha256, signHeaders, signQuery } from './signature.ts'

/** A bucket, how it is reached, and whose requests they are. */
export interface S3Settings extends Credentials {
  /** Without a path that is the bucket's. */
  readonly endpoint: string
  readonly bucket: string
  /** Before the name of each object; may be empty. */
  readonly prefix: string
  /** Where the bucket stands: in the path, or in front of the host name. */
  readonly style: 'path' | 'virtual-host'
}

export interface S3Request {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE' | 'HEAD'
  /** Undefined: the bucket itself. */
  readonly object?: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  readonly signal?: AbortSignal
  /** `whatever`: the request may be made twice. `refused`: only if the server said that it has not begun. */
  readonly again: 'whatever' | 'refused'
}

export type S3Response = Dispatcher.ResponseData

/** What the server said instead of what was asked for. Nothing of the request but its method is in the message. */
export class S3Fault extends CloisterError {
  readonly status: number | undefined
  /** The server's own, such as `NoSuchKey`; empty if it gave none. */
  readonly reason: string

  constructor(method: string, status: number | undefined, reason: string) {
    const said = [status === undefined ? 'no answer' : `HTTP ${status}`, reason].filter((part) => part !== '')
    super('INTERNAL', `the storage of blobs failed: ${method}, ${said.join(', ')}`)
    this.status = status
    this.reason = reason
  }
}

const ATTEMPTS = 4
/** The pause after the first failure; it doubles after each. */
const BACK_OFF_MS = 100
/** The longest text of a server that is read: a page of uploads. */
const TEXT_MAX = 1 << 20
const REFUSED = new Set([429, 503])
const PASSING = new Set([429, 500, 502, 503, 504])

/** Signed requests to one bucket. All of it rejects with S3Fault. */
export class S3Client {
  readonly #settings: S3Settings
  readonly #clock: Clock
  readonly #base: URL
  readonly #agent: Agent

  constructor(settings: S3Settings, clock: Clock, timeoutMs: number) {
    this.#settings = settings
    this.#clock = clock
    this.#base = new URL(settings.endpoint)
    if (settings.style === 'virtual-host') this.#base.host = `${settings.bucket}.${this.#base.host}`
    this.#agent = new Agent({
      connections: 128,
      connect: { timeout: Math.min(timeoutMs, 10_000) },
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    })
  }

  /** The answer, if its status is below 300. Its body is to be read to its end, or destroyed. */
  async send(request: S3Request): Promise<S3Response> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#attempt(request)
      } catch (error) {
        if (attempt === ATTEMPTS || request.signal?.aborted === true || !mayPass(error, request)) throw error
      }
      // Spread, so that uploads which failed together do not come back together.
      await pause(BACK_OFF_MS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2))
    }
  }

  /** The same, for an answer that is short text. */
  async text(request: S3Request): Promise<string> {
    const { body } = await this.send(request)
    return textOf(body).catch((error: unknown) => {
      throw new S3Fault(request.method, undefined, reasonOf(error))
    })
  }

  /** A URL from which anybody can get an object. */
  presign(object: string, query: Readonly<Record<string, string>>, expiresInSeconds: number): string {
    const path = this.#pathOf(object)
    const request = { method: 'GET', path, query, headers: { host: this.#base.host }, at: this.#clock.now() }
    return `${this.#base.origin}${path}?${signQuery(request, expiresInSeconds, this.#settings)}`
  }

  close(): Promise<void> {
    return this.#agent.destroy()
  }

  async #attempt({ method, object, query = {}, headers, body, signal }: S3Request): Promise<S3Response> {
    const path = this.#pathOf(object)
    const content = body ?? new Uint8Array()
    const signed = signHeaders(
      { method, path, query, headers: { ...headers, host: this.#base.host }, at: this.#clock.now() },
      sha256(content),
      this.#settings,
    )
    const search = encodeQuery(query)
    const answer = await this.#agent
      .request({
        origin: this.#base.origin,
        path: search === '' ? path : `${path}?${search}`,
        method,
        headers: signed,
        ...((method === 'PUT' || method === 'POST') && { body: content }),
        ...(signal && { signal }),
      })
      .catch((error: unknown) => {
        throw new S3Fault(method, undefined, reasonOf(error))
      })
    if (answer.statusCode < 300) return answer
    const text = await textOf(answer.body).catch(() => '')
    throw new S3Fault(method, answer.statusCode, elementsOf(text, 'Code')[0]?.match(/^\w{1,64}$/)?.[0] ?? '')
  }

  #pathOf(object: string | undefined): string {
    const { bucket, prefix, style } = this.#settings
    const parts = [style === 'path' ? [bucket] : [], object === undefined ? [] : [prefix + object]].flat()
    return `${this.#base.pathname.replace(/\/+$/, '')}/${parts.join('/')}`
  }
}

/** The texts of the elements of a name, in their order. The servers' answers have no attributes where it matters. */
export function elementsOf(xml: string, name: string): readonly string[] {
  const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }
  return [...xml.matchAll(new RegExp(`<${name}>([^<]{0,2000})</${name}>`, 'g'))].map(([, text = '']) =>
    text.replaceAll(/&(\w+);/g, (whole, entity: string) => entities[entity] ?? whole),
  )
}

function mayPass(error: unknown, { again }: S3Request): boolean {
  if (!(error instanceof S3Fault)) return false
  if (again === 'refused') return error.status !== undefined && REFUSED.has(error.status)
  return error.status === undefined || PASSING.has(error.status) || error.reason === 'RequestTimeout'
}

async function textOf(body: S3Response['body']): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > TEXT_MAX) throw new Error('the answer is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** The code of what went wrong: messages of a network's errors may tell addresses. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return error instanceof Error ? error.name : 'unknown'
}
