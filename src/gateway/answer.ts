import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** What a route answers. */
export interface Answer {
  readonly status: number
  /** Media type; absent if there is no body. */
  readonly type?: string
  /** Text and bytes go out in one write; parts as they come, as fast as the client reads. */
  readonly body?: Buffer | string | AsyncIterable<string> | ByteBody
  /** How text becomes bytes; UTF-8 if absent. `latin1`: the text is bytes already, one a character. */
  readonly encoding?: 'latin1'
  /** More headers, names and values by turns. */
  readonly headers?: readonly string[]
}

/** Bytes that go out as they come, as fast as the client reads; their length stands in the headers if it is known. */
export interface ByteBody {
  bytes(): AsyncIterable<Uint8Array>
  /** Lets go of where they come from, also if none of them was taken. */
  close(): Promise<void>
}

/** What goes out with every answer, whatever the route. */
export interface Envelope {
  readonly requestId: string
  /** `close`: the host is about to stop, and no other request should come this way. */
  readonly connection: 'keep' | 'close'
}

export const JSON_TYPE = 'application/json; charset=utf-8'
export const CSV_TYPE = 'text/csv; charset=utf-8'
const HTML_TYPE = 'text/html; charset=utf-8'
export const NDJSON_TYPE = 'application/x-ndjson; charset=utf-8'

export function json(value: unknown, status = 200): Answer {
  return { status, type: JSON_TYPE, body: JSON.stringify(value) }
}

export function csv(text: string): Answer {
  return { status: 200, type: CSV_TYPE, body: text }
}

/** A page for people. Whatever is in it, a browser runs no script and loads nothing. */
export function html(text: string): Answer {
  const headers = ['content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"]
  return { status: 200, type: HTML_TYPE, body: text, headers }
}

/** Nothing to say but that it was done. */
export const DONE: Answer = Object.freeze({ status: 204 })

/** Sends an answer. Resolves when it has been handed over or the client has gone; rejects when its parts fail. */
export function send(response: ServerResponse, answer: Answer, envelope: Envelope): Promise<void> | void {
  const { status, body, encoding = 'utf8' } = answer
  const headers = headersOf(answer, envelope)
  if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) {
    if (body !== undefined) headers.push('content-length', String(Buffer.byteLength(body, encoding)))
    response.writeHead(status, headers).end(body, encoding)
    return
  }
  return 'bytes' in body
    ? sendStream(response, { status, headers }, body.bytes()).finally(() => body.close())
    : sendStream(response, { status, headers }, inChunks(body))
}

async function sendStream(
  response: ServerResponse,
  { status, headers }: { readonly status: number; readonly headers: string[] },
  parts: AsyncIterable<string | Uint8Array>,
): Promise<void> {
  response.writeHead(status, headers)
  try {
    await pipeline(Readable.from(parts), response)
  } catch (error) {
    const isClientGone = error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE'
    if (!isClientGone) throw error
  }
}

function headersOf({ type, headers }: Answer, { requestId, connection }: Envelope): string[] {
  const all = ['x-request-id', requestId, 'cache-control', 'no-store', 'x-content-type-options', 'nosniff']
  if (type !== undefined) all.push('content-type', type)
  if (headers !== undefined) all.push(...headers)
  if (connection === 'close') all.push('connection', 'close')
  return all
}

// A write a line would cost a system call and a chunk header each.
const CHUNK_LENGTH = 16 << 10

async function* inChunks(parts: AsyncIterable<string>): AsyncGenerator<string, void, void> {
  let chunk = ''
  for await (const part of parts) {
    chunk += part
    if (chunk.length < CHUNK_LENGTH) continue
    yield chunk
    chunk = ''
  }
  if (chunk !== '') yield chunk
}
