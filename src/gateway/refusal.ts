import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { type CloisterError, ERRORS } from '../core/errors.ts'
import { type Answer, JSON_TYPE } from './answer.ts'

/** What a caller is told of a refusal or a host fault. */
export function refusalAnswer({ code, message, retryAfterMs }: CloisterError, headers: readonly string[] = []): Answer {
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs: Math.ceil(retryAfterMs) }
  const more = [...headers]
  if (retryAfterMs !== undefined) more.push('retry-after', String(Math.ceil(retryAfterMs / 1_000)))
  if (code === 'UNAUTHENTICATED') more.push('www-authenticate', 'Bearer')
  return {
    status: ERRORS[code].http,
    type: JSON_TYPE,
    body: JSON.stringify({ error: { code, message, ...wait } }),
    headers: more,
  }
}

const BAD_REQUESTS: Readonly<Record<string, { readonly status: number; readonly message: string }>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: 'the request did not arrive in time' },
  HPE_HEADER_OVERFLOW: { status: 431, message: 'the headers are longer than this host takes' },
}

const answering = new WeakSet<Duplex>()

/** From here on a response is on its way over a connection, piece by piece: nothing else may be written between the pieces. */
export function markAnswering(socket: Duplex): void {
  answering.add(socket)
}

/**
 * Answers what is not HTTP, or not in time, and ends the connection. There is no request to hang an answer on; a
 * connection in the middle of another answer is cut.
 */
export function refuseConnection(error: Error, socket: Duplex): void {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (code === 'ECONNRESET' || !socket.writable || answering.has(socket)) {
    socket.destroy()
    return
  }
  const { status, message } = BAD_REQUESTS[code] ?? { status: 400, message: 'the request is not HTTP/1.1' }
  const body = JSON.stringify({ error: { code: 'INVALID_REQUEST', message } })
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nconnection: close\r\ncontent-type: ${JSON_TYPE}\r\n`
  socket.end(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`, () => socket.destroy())
}
