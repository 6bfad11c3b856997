import { Body, toBytes } from './body.ts'
import { HeaderList } from './header-list.ts'
import { toHeaderName, toHeaderValue } from './header-rules.ts'
import { getHost } from './host.ts'
import { type Request, createRequest } from './request.ts'
import { parseUrl } from './request-url.ts'
import { isResponse, responseStateOf } from './response.ts'

/** An HTTP request as the host describes it. A body is text, or bytes as base64. */
interface RequestDescription {
  readonly method: string
  readonly url: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body?: string
  readonly bodyBase64?: string
}

/** The guest's response, as the host gets it. */
interface ResponseDescription {
  readonly status: number
  readonly statusText: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly bodyBase64: string
}

/** Calls a guest's handler with a request, and describes its response. A response that is too long ends the run. */
export async function handleFetch(
  handle: (request: Request) => unknown,
  input: unknown,
  outputBytes: number,
): Promise<ResponseDescription | undefined> {
  const response = await handle(toRequest(input as RequestDescription))
  if (!isResponse(response)) throw new TypeError('the fetch handler must return a Response, or a promise of one')
  const { body, headers, status, statusText, type } = responseStateOf(response)
  if (type === 'error') throw new TypeError('the fetch handler returned Response.error(), which cannot be sent')
  const content = await writeBody(body, outputBytes)
  if (content === undefined) return undefined
  return { status, statusText, headers: headers.sorted(), bodyBase64: content }
}

function toRequest(description: RequestDescription): Request {
  const { method, url } = description
  const headers = new HeaderList()
  for (let index = 0; index < description.headers.length; index += 1) {
    const [name, value] = description.headers[index] ?? ['', '']
    headers.append(toHeaderName(name), toHeaderValue(value))
  }
  return createRequest({ method, url: parseUrl(url), headers, guard: 'immutable', body: readBody(description) })
}

/** The body of a request, out of its description. */
function readBody({ body, bodyBase64 }: RequestDescription): Body | null {
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
