import { afterAll, beforeAll, expect, test } from 'vitest'
import { bytes } from '../../../src/core/quantity.ts'
import { type Guest, openGuest } from '../guest.ts'

let guest: Guest
beforeAll(async () => {
  guest = await openGuest()
})
afterAll(() => guest[Symbol.asyncDispose]())

const request = { method: 'GET', url: 'https://a.example/x?y=1', headers: [] as [string, string][] }
const bytesLimit = (most: number) => ({ limits: { output: bytes(most) } })

interface Answer {
  readonly status: number
  readonly statusText: string
  readonly headers: readonly [string, string][]
  readonly bodyBase64: string
}

/** What the handler of a module answers to a request. */
async function answer(code: string, input: object = {}): Promise<Answer & { text: string }> {
  const given = (await guest.value(code, { trigger: 'http', input: { ...request, ...input } })) as Answer
  return { ...given, text: Buffer.from(given.bodyBase64, 'base64').toString() }
}

test('the fetch handler of a module gets the request, and its response is the result of the run', async () => {
  const code = `export default {
    greeting: 'hi',
    async fetch(request, context) {
      const url = new URL(request.url)
      const body = [this.greeting, request instanceof Request, request.method, url.searchParams.get('y'), request.headers.get('cookie'), await request.text(), typeof context.waitUntil]
      return new Response(body.join(), { status: 201, statusText: 'Made', headers: [['set-cookie', 'a=1'], ['set-cookie', 'b=2'], ['x', 'y']] })
    },
  }`
  const input = { method: 'POST', headers: [['Cookie', 'c=d'], ['Host', 'a.example']], bodyBase64: btoa('sent') } // prettier-ignore
  expect(await answer(code, input)).toMatchObject({
    status: 201,
    statusText: 'Made',
    headers: [
      ['content-type', 'text/plain;charset=UTF-8'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['x', 'y'],
    ],
    text: 'hi,true,POST,1,c=d,sent,function',
  })
})

test('bodies may be bytes, streams, and what was sent', async () => {
  const echo = `export default { fetch: (request) => new Response(request.body, { headers: { 'x-length': request.headers.get('x') } }) }`
  expect((await answer(echo, { method: 'PUT', headers: [['x', '3']], body: 'äöü' })).text).toBe('äöü')
  const streamed = `export default { async fetch() {
    const { readable, writable } = new TransformStream()
    const writer = writable.getWriter()
    setTimeout(async () => { await writer.write(new Uint8Array([104, 105])); await writer.close() }, 5)
    return new Response(readable)
  } }`
  expect((await answer(streamed)).text).toBe('hi')
  expect((await answer(`export default { fetch: () => new Response(null, { status: 204 }) }`)).text).toBe('')
})

test('what came in cannot be changed, but copied and changed', async () => {
  const code = `export default { async fetch(request) {
    let fault
    try { request.headers.set('a', 'b') } catch (error) { fault = error.name }
    const copy = new Request(request, { headers: { ...Object.fromEntries(request.headers), a: 'b' } })
    return Response.json([fault, copy.headers.get('a'), copy.headers.get('cookie'), await copy.json()])
  } }`
  const input = { method: 'POST', headers: [['cookie', 'c=d']], body: '[1]' }
  expect(JSON.parse((await answer(code, input)).text)).toEqual(['TypeError', 'b', 'c=d', [1]])
})

test('a module says what it lacks', async () => {
  const message = async (code: string, trigger: 'http' | 'execute'): Promise<string | undefined> =>
    (await guest.run(code, { trigger, input: request })).error?.message
  for (const code of ['export default 1', 'export default {}', 'export const a = 1', 'export default function () {}']) {
    expect(await message(code, 'http')).toMatch(/write `export default \{ async fetch\(request, context\)/)
  }
  expect(await message('export default { fetch() {} }', 'execute')).toMatch(/write `export default async function/)
})

test('a handler that gives no response is told so', async () => {
  const fault = async (body: string): Promise<string> => {
    const { status, error } = await guest.run(`export default { async fetch(request) { ${body} } }`, {
      trigger: 'http',
      input: request,
    })
    return `${status} ${error?.name}: ${error?.message}`
  }
  const none = 'error TypeError: the fetch handler must return a Response, or a promise of one'
  for (const value of [
    '',
    'return 1',
    'return null',
    'return {}',
    'return Object.create(Response.prototype)',
    'return request',
  ]) {
    expect(await fault(value)).toBe(none)
  }
  const getter = `export default { get fetch() { throw new RangeError('mine') } }`
  expect((await guest.run(getter, { trigger: 'http', input: request })).error?.message).toBe('mine')
  expect(await fault('return Response.error()')).toMatch(/^error TypeError: .*Response.error\(\)/)
  expect(await fault(`throw new RangeError('mine')`)).toBe('error RangeError: mine')
  expect(await fault(`const response = new Response('x'); await response.text(); return response`)).toMatch(
    /^error TypeError: the body has been read/,
  )
})

test('a response that is longer than the output may be ends the run, and its stream is not read on', async () => {
  const run = async (code: string, most: number): Promise<string> =>
    (await guest.run(code, { trigger: 'http', input: request, ...bytesLimit(most) })).status
  expect(await run(`export default { fetch: () => new Response('x'.repeat(1_000)) }`, 2_000)).toBe('ok')
  expect(await run(`export default { fetch: () => new Response('x'.repeat(1_600)) }`, 2_000)).toBe('output-exceeded')
  expect(await run(`export default { fetch: () => new Response('x'.repeat(1_000_000)) }`, 2_000)).toBe(
    'output-exceeded',
  )
  const endless = `export default { fetch: () => new Response(new ReadableStream({ pull(controller) { controller.enqueue(new Uint8Array(500)) } })) }`
  expect(await run(endless, 2_000)).toBe('output-exceeded')
  const headers = `export default { fetch: () => new Response('', { headers: { x: 'y'.repeat(3_000) } }) }`
  expect(await run(headers, 2_000)).toBe('output-exceeded')
})
