import { afterAll, beforeAll, expect, test } from 'vitest'
import { WINDOW_BYTES } from '../../../src/core/exchange.ts'
import { bytes } from '../../../src/core/quantity.ts'
import type { Report } from '../../../src/core/run.ts'
import { type Guest, openGuest } from '../guest.ts'
import { MemoryExchange } from './memory-exchange.ts'

let guest: Guest
beforeAll(async () => {
  guest = await openGuest()
})
afterAll(() => guest[Symbol.asyncDispose]())

const request = { method: 'POST', url: 'https://a.example/', headers: [] }

interface Options {
  readonly method?: string
  readonly body?: 'streams'
  readonly signal?: AbortSignal
  readonly limits?: { streamIn?: number; streamOut?: number; output?: number; pendingCalls?: number }
}

/** Runs the body of a fetch handler for a client. */
async function serve(body: string, client: MemoryExchange, options: Options = {}): Promise<Report> {
  const { streamIn = 1 << 20, streamOut = 1 << 20, output = 1_000, pendingCalls = 8 } = options.limits ?? {}
  return await guest.run(`export default { async fetch(request, context) { ${body} } }`, {
    trigger: 'http',
    input: { ...request, method: options.method ?? 'POST', ...(options.body && { bodyStreams: true }) },
    exchange: client,
    limits: { streamIn: bytes(streamIn), streamOut: bytes(streamOut), output: bytes(output), pendingCalls },
    ...(options.signal && { signal: options.signal }),
  })
}

const valueOf = (report: Report): any => JSON.parse(Buffer.from(report.result ?? 'null').toString())
const textOf = (report: Report): string => Buffer.from(valueOf(report).bodyBase64, 'base64').toString()

/** Code that answers with a stream of these chunks. */
const stream = (...chunks: readonly string[]): string => `new ReadableStream({ async start(controller) {
  for (const chunk of ${JSON.stringify(chunks)}) { await null; controller.enqueue(new TextEncoder().encode(chunk)) }
  controller.close()
} })`

test('a stream is sent head first, then chunk by chunk', async () => {
  const client = new MemoryExchange()
  const code = `return new Response(${stream('a', 'b')}, { status: 201, statusText: 'Made', headers: { x: 'y' } })`
  const report = await serve(code, client)
  expect(report).toMatchObject({ status: 'ok', result: Buffer.from('null') })
  expect(client.heads).toEqual([{ status: 201, statusText: 'Made', headers: [['x', 'y']] }])
  expect(client.written.map(String)).toEqual(['a', 'b'])
})

test('a whole response is the result of the run, and nothing is sent ahead of it', async () => {
  const client = new MemoryExchange()
  const report = await serve(`return new Response('x'.repeat(1_000))`, client)
  expect(valueOf(report)).toMatchObject({ status: 200, bodyBase64: btoa('x'.repeat(1_000)) })
  expect([client.heads, client.written]).toEqual([[], []])
})

test('the body of a request is read when the guest reads, and as far as it reads', async () => {
  const client = new MemoryExchange(['one', 'two', 'three'])
  const code = `
    const reader = request.body.getReader()
    const { value } = await reader.read()
    return new Response(new TextDecoder().decode(value))`
  expect(textOf(await serve(code, client, { body: 'streams' }))).toBe('one')
  expect(client.reads).toBe(1)
})

test.each([
  ['text()', `return new Response(await request.text())`, 'onetwo'],
  ['json()', `return Response.json(await request.json().catch((error) => error.name))`, '"SyntaxError"'],
  [
    'a loop',
    `let all = []; for await (const chunk of request.body) all.push(chunk.length); return Response.json(all)`,
    '[3,3]',
  ],
  [
    'a buffer of its own',
    `const reader = request.body.getReader({ mode: 'byob' })
    const first = await reader.read(new Uint8Array(2)); const second = await reader.read(new Uint8Array(8)); const third = await reader.read(new Uint8Array(8)); const last = await reader.read(new Uint8Array(1))
    return Response.json([first, second, third].map(({ value }) => new TextDecoder().decode(value)).concat(last.done))`,
    '["on","e","two",true]',
  ],
  [
    'a clone',
    `const copy = request.clone(); return Response.json([await request.text(), await copy.text()])`,
    '["onetwo","onetwo"]',
  ],
  ['another request', `return new Response(await new Request(request, { headers: { a: 'b' } }).text())`, 'onetwo'],
  [
    'a pipe',
    `return new Response(await new Response(request.body.pipeThrough(new TransformStream())).text())`,
    'onetwo',
  ],
  [
    'nobody',
    `return Response.json([request.body instanceof ReadableStream, request.bodyUsed, request.body === request.body])`,
    '[true,false,true]',
  ],
  [
    'twice',
    `await request.text(); return Response.json([request.bodyUsed, await request.text().catch((error) => error.name)])`,
    '[true,"TypeError"]',
  ],
])('the body of a request can be read by %s', async (_, code, expected) => {
  expect(textOf(await serve(code, new MemoryExchange(['one', 'two']), { body: 'streams' }))).toBe(expected)
})

test('a body passes through a guest as it comes', async () => {
  const client = new MemoryExchange(['one', 'two'])
  const order: string[] = []
  client.onRead = () => void order.push('read')
  client.onWrite = (text) => void order.push(text)
  expect((await serve(`return new Response(request.body)`, client, { body: 'streams' })).status).toBe('ok')
  expect(client.text).toBe('onetwo')
  expect(order.indexOf('one')).toBeLessThan(order.lastIndexOf('read'))
})

test('a long chunk goes out in pieces', async () => {
  const client = new MemoryExchange()
  const code = `return new Response(new ReadableStream({ start(c) { c.enqueue(new Uint8Array(500_000).fill(65)); c.close() } }))`
  expect((await serve(code, client)).status).toBe('ok')
  expect(client.written.map(({ length }) => length)).toEqual([196_608, 196_608, 106_784])
})

test('a stream that is longer than the run may send ends it, and is cancelled', async () => {
  const client = new MemoryExchange()
  const code = `return new Response(new ReadableStream({
    pull(controller) { controller.enqueue(new Uint8Array(400)) },
    cancel(reason) { context.kv.put('cancelled', reason.name) },
  }))`
  const report = await serve(code, client, { limits: { streamOut: 1_000 } })
  expect(report).toMatchObject({
    status: 'output-exceeded',
    error: { message: expect.stringContaining('limits.streamOutBytes') },
  })
  expect(client.traffic.egress).toBe(800)
  expect(await guest.value(`return await context.kv.get('cancelled')`)).toBe('RangeError')
})

test('a request whose body is longer than a run may read fails the reading', async () => {
  const client = new MemoryExchange(['one', 'two'])
  const code = `return new Response(await request.text().catch((error) => error.code + ': ' + error.message))`
  const report = await serve(code, client, { body: 'streams', limits: { streamIn: 5 } })
  expect(textOf(report)).toBe(
    'QUOTA_EXCEEDED: the body of the request has more than 5 bytes (limits.streamInBytes of the policy)',
  )
})

test('work given to waitUntil goes on after the response, which does not wait for it', async () => {
  const client = new MemoryExchange()
  const sent = Promise.withResolvers<void>()
  client.onWrite = () => sent.resolve()
  const code = `
    context.waitUntil((async () => { while (await context.kv.get('go') !== true) await new Promise((f) => setTimeout(f, 5)) })())
    return new Response('hi')`
  const running = serve(code, client)
  await sent.promise
  expect(client.text).toBe('hi')
  await guest.run(`await context.kv.put('go', true)`)
  expect(await running).toMatchObject({ status: 'ok', result: Buffer.from('null') })
  expect(client.ended).toBe(1)
})

test.each([
  ['after a chunk', `controller.error(new RangeError('mine'))`, 'RangeError', 'mine'],
  ['with a chunk of text', `controller.enqueue('text')`, 'TypeError', 'a chunk of the body is no Uint8Array'],
])('a stream that fails %s fails the run', async (_, next, name, message) => {
  const client = new MemoryExchange()
  const code = `return new Response(new ReadableStream({ start(controller) { controller.enqueue(new Uint8Array(1)) }, pull(controller) { ${next} } }))`
  expect(await serve(code, client)).toMatchObject({ status: 'error', error: { name, message } })
})

test('a HEAD request and a status without a body read nothing of a stream', async () => {
  const client = new MemoryExchange()
  const code = `let pulled = 0; const response = new Response(new ReadableStream({ pull() { pulled += 1 }, cancel(reason) { console.log(reason, pulled) } }, { highWaterMark: 0 }), { headers: { a: 'b' } })
    return response`
  const report = await serve(code, client, { method: 'HEAD' })
  expect(valueOf(report)).toEqual({ status: 200, statusText: '', headers: [['a', 'b']], bodyBase64: '' })
  expect(report.logs.map(({ message }) => message)).toEqual(['the request was HEAD 0'])
})

test('a client that leaves aborts the signal, cancels the response and fails the request’s body', async () => {
  const client = new MemoryExchange(['one'])
  const leaving = new AbortController()
  client.onRead = () => (client.reads > 1 ? new Promise(() => {}) : undefined)
  client.onWrite = () => leaving.abort()
  const code = `
    const note = (name, value) => void context.kv.put(name, value)
    request.signal.addEventListener('abort', () => note('signal', [request.signal.aborted, request.signal.reason.name]))
    const reader = request.body.getReader()
    await reader.read()
    reader.read().catch((error) => note('body', error.name))
    return new Response(new ReadableStream({
      start(controller) { controller.enqueue(new Uint8Array(1)) },
      pull() { return new Promise(() => {}) },
      cancel(reason) { note('stream', reason.name) },
    }))`
  const report = await serve(code, client, { body: 'streams', signal: leaving.signal })
  expect(report.status).toBe('cancelled')
  const noted = await guest.value(
    `return await Promise.all(['signal', 'body', 'stream'].map((name) => context.kv.get(name)))`,
  )
  expect(noted).toEqual([[true, 'AbortError'], 'AbortError', 'AbortError'])
})

test('a guest that does not let go when its client leaves is ended all the same', async () => {
  const client = new MemoryExchange()
  const leaving = new AbortController()
  client.onWrite = () => leaving.abort()
  const code = `
    request.signal.onabort = () => { for (;;); }
    return new Response(new ReadableStream({ start(controller) { controller.enqueue(new Uint8Array(1)) } }))`
  expect((await serve(code, client, { signal: leaving.signal })).status).toBe('cancelled')
  expect(await guest.value('return 1')).toBe(1)
})

test('the guest can call none of it itself', async () => {
  const code = `return [typeof http, Object.keys(context).filter((name) => /http|exchange|client/.test(name))]`
  expect(await guest.value(code)).toEqual(['undefined', []])
})

test('no more than a window of a response is on its way to a client that takes nothing', async () => {
  const client = new MemoryExchange()
  const room = Promise.withResolvers<void>()
  client.onWrite = () => room.promise
  const code = `let made = 0; return new Response(new ReadableStream({ pull(controller) {
    made += 1; console.log(made); controller.enqueue(new Uint8Array(65536)); if (made === 100) controller.close() } }))`
  const running = serve(code, client, { limits: { streamOut: 10 << 20 } })
  // A guest that has got this far does not get further by waiting.
  while (client.traffic.egress < WINDOW_BYTES - 3 * 65536) await new Promise((resolve) => setTimeout(resolve, 5))
  await guest.run('return 1')
  expect(client.traffic.egress).toBeLessThanOrEqual(WINDOW_BYTES)
  room.resolve()
  expect((await running).status).toBe('ok')
  expect(client.traffic.egress).toBe(100 * 65536)
})

test('calls of the guest’s that wait do not keep its response from being sent', async () => {
  const client = new MemoryExchange()
  const code = `for (let n = 0; n < 8; n += 1) context.waitUntil(context.kv.get('a')); return new Response('hi')`
  expect((await serve(code, client)).status).toBe('ok')
  expect(client.text).toBe('hi')
})
