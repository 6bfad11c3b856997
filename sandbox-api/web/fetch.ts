import { Body } from './body.ts'
import { readDataUrl } from './data-url.ts'
import { HeaderList } from './header-list.ts'
import { serializeMimeType } from './mime-type.ts'
import { send } from './outbound.ts'
import { Request, followed, requestStateOf } from './request.ts'
import { withoutFragment } from './request-url.ts'
import { type Response, createResponse } from './response.ts'
import { needArguments } from './webidl.ts'

const LOCAL = /^data:/

/** Fetch, "fetch". A `data:` URL has its answer in itself. */
export const { fetch } = {
  async fetch(input: unknown, init: unknown = undefined): Promise<Response> {
    needArguments(arguments.length, 1, 'fetch')
    const request = new Request(input, init)
    const state = requestStateOf(request)
    for (const signal of followed(state)) signal.throwIfAborted()
    return LOCAL.test(state.url) ? answerData(request) : await send(request)
  },
}

function answerData(request: Request): Response {
  const { method, url: href } = requestStateOf(request)
  const url = withoutFragment(href)
  const data = readDataUrl(url)
  if (data === undefined) throw new TypeError('fetch failed: the data: URL holds no data')
  const headers = new HeaderList()
  headers.set('content-type', serializeMimeType(data.type))
  const body = method === 'HEAD' ? null : new Body(data.bytes)
  return createResponse({ type: 'basic', url, status: 200, statusText: 'OK', headers, guard: 'immutable', body })
}
