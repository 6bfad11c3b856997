import { CloisterError } from '../core/errors.ts'
import type { Host, HostRequest } from './host.ts'
import { readRefusal } from './refusal.ts'
import { EXIT_HOST_FAULT, EXIT_USAGE, Stop } from './stop.ts'

export type Method = HostRequest['method']

export interface RequestOptions {
  /** JSON text. */
  readonly body?: string
  /** Media type of the answer; JSON if absent. */
  readonly accept?: string
  /** More headers, names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface Answer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A way to the HTTP API, over the network or within this process. A command cannot tell which. */
export interface Connection extends AsyncDisposable {
  /** A server that others share, or a data directory of one's own, which a server on this machine may have open. */
  readonly place: 'server' | 'data-directory'
  /**
   * Sends one request and waits for the whole answer, whatever its status.
   * Rejects with a Stop when no answer came.
   */
  request(method: Method, path: string, options?: RequestOptions): Promise<Answer>
  /**
   * Asks for an answer that has no end, and gives its text as it comes. Absent within this process, where nobody else runs
   * anything. Rejects with the refusal, as `ask` does, and with a Stop when no answer came or it broke off.
   */
  readonly stream?: (path: string) => Promise<AsyncIterable<string>>
}

interface Server {
  /** With or without a path that the API lives under. */
  readonly url: string
  readonly key: string | undefined
  readonly place: Connection['place']
}

/** Connects to a server. Throws a Stop when the address is not an http or https URL. */
export function connectOverNetwork({ url, key, place }: Server): Connection {
  const base = parseServerUrl(url)
  return {
    place,
    async request(method, path, options = {}) {
      const request = {
        method,
        headers: headersFor(key, options),
        ...(options.body !== undefined && { body: options.body }),
      }
      try {
        const response = await fetch(`${base}${path}`, request)
        return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() }
      } catch (error) {
        throw unreachableServer(base, place, error)
      }
    },
    async stream(path) {
      try {
        const response = await fetch(`${base}${path}`, { headers: headersFor(key, { accept: 'text/event-stream' }) })
        if (response.ok && response.body !== null) return textOf(response.body, base, place)
        throw readRefusal({ status: response.status, body: await response.text() })
      } catch (error) {
        throw error instanceof CloisterError || error instanceof Stop ? error : unreachableServer(base, place, error)
      }
    },
    async [Symbol.asyncDispose]() {},
  }
}

async function* textOf(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  base: string,
  place: Connection['place'],
): AsyncGenerator<string, void> {
  try {
    yield* body.pipeThrough(new TextDecoderStream())
  } catch (error) {
    throw unreachableServer(base, place, error)
  }
}

/** Connects to the platform in this process, as its administrator, and closes it at the end. */
export function connectInProcess(host: Host): Connection {
  return {
    place: 'data-directory',
    async request(method, path, options = {}) {
      const { statusCode, headers, body } = await host.inject({
        method,
        url: path,
        headers: headersFor(host.adminKey, options),
        ...(options.body !== undefined && { payload: options.body }),
      })
      const texts = Object.entries(headers).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, String(value)]],
      )
      return { status: statusCode, headers: Object.fromEntries(texts) as Record<string, string>, body }
    },
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  }
}

function headersFor(key: string | undefined, { body, accept, headers }: RequestOptions): Record<string, string> {
  return {
    ...headers,
    accept: accept ?? 'application/json',
    ...(key !== undefined && { authorization: `Bearer ${key}` }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  }
}

function parseServerUrl(text: string): string {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new Stop(`CLOISTER_URL is ${JSON.stringify(text)}, which is not an http or https URL`, {
      exit: EXIT_USAGE,
      next: 'export CLOISTER_URL=http://127.0.0.1:8787',
    })
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}

function unreachableServer(base: string, place: Connection['place'], error: unknown): Stop {
  const isNamed = place === 'server'
  return new Stop(`no answer from ${base}: ${describeCause(error)}`, {
    exit: EXIT_HOST_FAULT,
    next: isNamed
      ? 'start it with "cloister serve", or correct or unset CLOISTER_URL'
      : 'try again; it may just have ended',
  })
}

/** `fetch` says "fetch failed" and keeps the reason in a chain of causes; the last of them says most. */
function describeCause(error: unknown): string {
  let last = error
  while (last instanceof Error && last.cause instanceof Error) last = last.cause
  if (!(last instanceof Error)) return String(last)
  const code = 'code' in last && typeof last.code === 'string' ? last.code : undefined
  return last.message === '' ? (code ?? last.name) : last.message
}
