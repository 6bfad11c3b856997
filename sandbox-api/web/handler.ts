import type { Call } from '../calls.ts'
import { Body, toBytes } from './body.ts'
import { Client } from './client.ts'
import { HeaderList } from './header-list.ts'
import { toHeaderName, toHeaderValue } from './header-rules.ts'
import { getHost } from './host.ts'
import { type Request, createRequest } from './request.ts'
import { parseUrl } from './request-url.ts'
import { checkHead } from './response-head.ts'
import { type ResponseState, isResponse, responseStateOf } from './response.ts'

/** An HTTP request as the host describes it. A body is text, bytes as base64, or comes in pieces. */
interface RequestDescription {
  readonly method: string
  readonly url: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body?: string
  readonly bodyBase64?: string
  readonly bodyStreams?: boolean
}

/** The head of the guest's response, as the host gets it. */
interface HeadDescription {
  readonly status: number
  readonly statusText: string
  readonly headers: readonly (readonly [name: string, value: string])[]
}

/** A whole response. */
interface ResponseDescription extends HeadDescription {
  readonly bodyBase64: string
}

/** How a run that answers an HTTP request does so. */
export interface Answering {
  /** Longest body of a response that is sent whole. */
  readonly outputBytes: number
  /** Calls the host. Undefined if there is nobody to stream to: the response is then always whole. */
  readonly call: Call | undefined
  /** Whether promises given to `waitUntil` have not settled yet. */
  isHeld(): boolean
}

let current: Client | undefined

/** The client of the run in progress has gone. */
export function leave(): void {
  current?.leave()
}

/**
 * Calls a guest's handler with a request. Describes its response if that is whole; one that is a stream, or that work given
 * to `waitUntil` would hold up, is sent on its way, and there is nothing left to describe. A response that is too long ends the run.
 */
export async function handleFetch(
  handle: (request: Request) => unknown,
  input: unknown,
  answering: Answering,
): Promise<ResponseDescription | undefined> {
  const client = answering.call === undefined ? undefined : new Client(answering.call)
  current = client
  const description = input as RequestDescription
  const response = await handle(toRequest(description, client))
  if (!isResponse(response)) throw new TypeError('the fetch handler must return a Response, or a promise of one')
  const state = responseStateOf(response)
  if (state.type === 'error') throw new TypeError('the fetch handler returned Response.error(), which cannot be sent')
  const { status, statusText } = state
  const head: HeadDescription = { status, statusText, headers: state.headers.sorted() }
  if (client !== undefined) {
    checkHead(head.headers)
    if (isStream(state) && description.method === 'HEAD') return await withoutBody(head, state)
    if (isStream(state) || answering.isHeld()) {
      await sendResponse(client, head, state, answering)
      return undefined
    }
  }
  const content = await writeBody(state.body, answering.outputBytes)
  return content === undefined ? undefined : { ...head, bodyBase64: content }
}

async function sendResponse(
  client: Client,
  head: HeadDescription,
  { body }: ResponseState,
  { outputBytes, isHeld }: Answering,
): Promise<void> {
  if (body?.isUnusable === true) throw new TypeError('the body has been read already, or is being read')
  const content = body === null || body.source === undefined ? undefined : await body.read(outputBytes)
  if (body !== null && body.source !== undefined && content === undefined) return getHost().exceed()
  await client.respond(head)
  const isWhole = content !== undefined || body === null
  const sending = isWhole ? client.send(toBytes(content ?? ''), 'last') : client.sendStream(body.stream)
  if ((await sending) === undefined) return getHost().exceedStream()
  if (!isWhole && isHeld()) await client.end()
}

function isStream({ body }: ResponseState): boolean {
  return body !== null && body.source === undefined
}

/** The answer to HEAD: the body is let go before anybody has read of it. */
async function withoutBody(head: HeadDescription, { body }: ResponseState): Promise<ResponseDescription> {
  if (body?.isUnusable === false) await body.stream.cancel('the request was HEAD')
  return { ...head, bodyBase64: '' }
}

function toRequest(description: RequestDescription, client: Client | undefined): Request {
  const { method, url } = description
  const headers = new HeaderList()
  for (let index = 0; index < description.headers.length; index += 1) {
    const [name, value] = description.headers[index] ?? ['', '']
    headers.append(toHeaderName(name), toHeaderValue(value))
  }
  const signals = client === undefined ? [] : () => [client.signal()]
  return createRequest({
    method,
    url: parseUrl(url),
    headers,
    guard: 'immutable',
    body: readBody(description, client),
    signals,
  })
}

/** The body of a request, out of its description. */
function readBody({ body, bodyBase64, bodyStreams }: RequestDescription, client: Client | undefined): Body | null {
  if (bodyStreams === true && client !== undefined) return new Body(undefined, () => client.openBody())
  if (bodyBase64 !== undefined) return new Body(Uint8Array.fromBase64(bodyBase64))
  return body === undefined ? null : new Body(body)
}

/** The body of a response as base64; undefined if it is longer than the run's output may be, which ends the run. */
async function writeBody(body: Body | null, bytesMax: number): Promise<string | undefined> {
  if (body === null) return ''
  const content = await body.read(bytesMax)
  if (content === undefined) {
    getHost().exceed()
    return undefined
  }
  return toBytes(content).toBase64()
}
