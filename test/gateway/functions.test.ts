import { once } from 'node:events'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Guest, openGuest } from '../sandbox-api/guest.ts'
import { type FunctionsWorld, open, openFunctions } from './functions-world.ts'
import { RawClient } from './raw-client.ts'

let guest: Guest
let world: FunctionsWorld
beforeAll(async () => {
  guest = await openGuest()
})
afterAll(() => guest[Symbol.asyncDispose]())
beforeEach(async () => {
  world = await openFunctions(guest)
})

const SHOW = `return Response.json({ method: request.method, url: request.url, headers: [...request.headers], body: await request.text() })`
/** A stream that the guest goes on with when `go` is set. */
const KEYED = (key: string, then: string): string =>
  `while (await context.kv.get('${key}') !== true) await new Promise((f) => setTimeout(f, 5)); ${then}`
const encoded = (text: string): string => `controller.enqueue(new TextEncoder().encode(${JSON.stringify(text)}))`
const statuses = (): string[] => guest.cells.posted.map(({ report }) => report.status)

const read = async (answer: Response): Promise<any> => await answer.json()

async function raw(...lines: readonly string[]): Promise<string> {
  const client = await RawClient.open(world.url)
  client.write(`${lines.join('\r\n')}\r\n\r\n`)
  return await client.closed()
}

describe('the request', () => {
  test('has the path after the function’s name, the query, and the host that was asked', async () => {
    const path = world.deploy(SHOW)
    const host = new URL(world.url).host
    for (const [rest, url] of [
      ['', `http://${host}/`],
      ['/', `http://${host}/`],
      ['?a=b', `http://${host}/?a=b`],
      ['/a/b%20c?d=%2F', `http://${host}/a/b%20c?d=%2F`],
      ['//evil.example/x', `http://${host}//evil.example/x`],
      ['/%zz?%', `http://${host}/%zz?%`],
    ]) {
      expect((await read(await world.call('GET', path + rest, { key: null }))).url).toBe(url)
    }
  })

  test('has its headers and its body', async () => {
    const path = world.deploy(SHOW)
    const answer = await world.call('PATCH', path, {
      key: null,
      body: 'sent',
      headers: { 'x-mine': 'a', 'content-type': 'text/x' },
    })
    const shown = await read(answer)
    expect(shown).toMatchObject({ method: 'PATCH', body: 'sent' })
    expect(shown.headers).toContainEqual(['x-mine', 'a'])
    expect(shown.headers).toContainEqual(['content-type', 'text/x'])
  })

  test('has nothing of the connection, of what clients say of themselves, and of the platform', async () => {
    const path = world.deploy(SHOW)
    const head = [
      'Host: a.example',
      'Connection: close, X-Hop',
      'X-Hop: 1',
      'Keep-Alive: 5',
      'TE: trailers',
      'Proxy-Authorization: x',
      'Upgrade: websocket',
    ]
    const forged = [
      'X-Forwarded-For: 1.2.3.4',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: evil.example',
      'Forwarded: for=1.2.3.4',
      'X-Real-IP: 1.2.3.4',
      'X-Cloister-Run-Id: x',
    ]
    const answer = await raw(
      `GET ${path}/x HTTP/1.1`,
      ...head,
      ...forged,
      'Cookie: a=1',
      'Cookie: b=2',
      'X-Two: 1',
      'X-Two: 2',
    )
    const shown = JSON.parse(/\{.*\}/.exec(answer)?.[0] ?? '')
    expect(shown.url).toBe('http://a.example/x')
    expect(shown.headers).toEqual([
      ['cookie', 'a=1; b=2'],
      ['host', 'a.example'],
      ['x-forwarded-for', '127.0.0.1'],
      ['x-forwarded-host', 'a.example'],
      ['x-forwarded-prefix', path],
      ['x-forwarded-proto', 'http'],
      ['x-two', '1, 2'],
    ])
  })

  test('has what a trusted proxy says of the client', async () => {
    world = await openFunctions(guest, { forwarded: 'proxy' })
    const path = world.deploy(SHOW)
    const headers = { 'x-forwarded-for': '1.2.3.4', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'shop.example' }
    const shown = await read(await world.call('GET', `${path}/x`, { key: null, headers }))
    expect(shown.url).toBe('https://shop.example/x')
    expect(shown.headers).toContainEqual(['x-forwarded-for', '1.2.3.4'])
  })

  test('is for anybody, or for whoever has a key of the tenant’s, which the guest never sees', async () => {
    const path = world.deploy(SHOW, { auth: 'key' })
    expect((await world.call('GET', path, { key: null })).status).toBe(401)
    const { key: other } = await world.admission.createKey((await import('./world.ts')).tenant('other'))
    expect((await world.call('GET', path, { key: other })).status).toBe(403)
    const shown = await read(await world.call('GET', path, { key: world.key }))
    expect(JSON.stringify(shown)).not.toContain('clk_')
    const open = world.deploy(SHOW)
    expect(JSON.stringify(await read(await world.call('GET', open, { key: world.key })))).not.toContain('clk_')
    const own = await read(await world.call('GET', open, { key: null, headers: { authorization: 'Basic YTpi' } }))
    expect(own.headers).toContainEqual(['authorization', 'Basic YTpi'])
  })

  test.each([
    ['no Host', ['GET {path} HTTP/1.1', 'Connection: close']],
    ['two Hosts', ['GET {path} HTTP/1.1', 'Host: a', 'Host: b', 'Connection: close']],
    ['a Host that is none', ['GET {path} HTTP/1.1', 'Host: a/b@c', 'Connection: close']],
    [
      '129 headers',
      ['GET {path} HTTP/1.1', 'Host: a', 'Connection: close', ...Array.from({ length: 127 }, (_, n) => `x-${n}: y`)],
    ],
    ['a length and chunks', ['POST {path} HTTP/1.1', 'Host: a', 'Content-Length: 5', 'Transfer-Encoding: chunked']],
    ['two lengths', ['POST {path} HTTP/1.1', 'Host: a', 'Content-Length: 5', 'Content-Length: 6']],
    ['a coding before chunks', ['POST {path} HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked, identity']],
    ['a header on two lines', ['GET {path} HTTP/1.1', 'Host: a', 'X: y', ' z']],
    ['a name with a blank', ['GET {path} HTTP/1.1', 'Host: a', 'Content-Length : 5']],
  ])('with %s is refused before a run', async (_, lines) => {
    const path = world.deploy(SHOW)
    expect(await raw(...lines.map((line) => line.replace('{path}', path)))).toMatch(
      /^HTTP\/1.1 400 [^]*INVALID_REQUEST/,
    )
    expect(world.requests).toHaveLength(0)
  })

  test('to a function that there is not is refused alike, whatever is missing', async () => {
    for (const path of ['/run/acme/none', '/run/nobody/none/x', '/run/ACME/none', '/run/acme/no%20ne']) {
      const answer = await world.call('GET', path, { key: null })
      expect([path, answer.status, (await read(answer)).error.code]).toEqual([path, 404, 'NOT_FOUND'])
    }
    expect((await world.call('GET', '/run/acme', { key: null })).status).toBe(404)
  })

  test('reaches the function by other ways of the router', async () => {
    const path = world.deploy(SHOW)
    expect((await world.inject({ method: 'GET', url: `${path}/x?y` })).json()).toMatchObject({
      method: 'GET',
      url: expect.stringMatching(/\/x\?y$/),
    })
    expect(await raw(`GET http://elsewhere${path}/x HTTP/1.1`, 'Host: a', 'Connection: close')).toContain('http://a/x')
  })
})

describe('a whole response', () => {
  test('has what the guest said, and what the platform says beside it', async () => {
    const path = world.deploy(
      `return new Response('hi', { status: 201, headers: [['set-cookie', 'a=1'], ['set-cookie', 'b=2'], ['x', 'y']] })`,
    )
    const answer = await world.call('GET', path, { key: null })
    expect([answer.status, await answer.text(), answer.headers.getSetCookie(), answer.headers.get('x')]).toEqual([
      201,
      'hi',
      ['a=1', 'b=2'],
      'y',
    ])
    expect(answer.headers.get('content-length')).toBe('2')
    expect(answer.headers.get('x-cloister-run-id')).toBe(guest.cells.posted.at(-1)?.run)
    expect(answer.headers.get('x-cloister-status')).toBe('ok')
    expect(answer.headers.get('x-cloister-usage')).toMatch(/^units=1, wall-ms=[\d.]+, cpu-ms=[\d.]+, memory-mb=128$/)
    expect(answer.headers.has('content-security-policy')).toBe(false)
  })

  test('cannot say where it ends, nor speak for the platform or the connection', async () => {
    const path = world.deploy(`return new Response('hi', { statusText: 'So be it', headers: {
      'content-length': '1', 'transfer-encoding': 'gzip', connection: 'close', upgrade: 'x', 'keep-alive': '1', trailer: 'x', 'x-cloister-status': 'mine' } })`)
    const answer = await raw(`GET ${path} HTTP/1.1`, 'Host: a', 'Connection: close')
    expect(answer).toMatch(/^HTTP\/1.1 200 So be it\r\n/)
    expect(
      answer
        .toLowerCase()
        .match(/^(content-length|transfer-encoding|connection|upgrade|keep-alive|trailer|x-cloister-status): .*$/gm),
    ).toEqual(['x-cloister-status: ok', 'content-length: 2', 'connection: close'])
  })

  test.each([
    ['GET', 'null, { status: 204 }', 204, null, ''],
    ['GET', `null, { status: 304, headers: { etag: 'x' } }`, 304, null, ''],
    ['HEAD', `'four'`, 200, '4', ''],
    ['HEAD', `null, { headers: { 'content-length': '77' } }`, 200, '77', ''],
    [
      'HEAD',
      `new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(9)) } }), { headers: { 'content-length': '9' } }`,
      200,
      '9',
      '',
    ],
    ['GET', `null`, 200, '0', ''],
  ])('to %s of %s has status and length, and no body', async (method, args, status, length, text) => {
    const path = world.deploy(`return new Response(${args})`)
    const answer = await world.call(method, path, { key: null })
    expect([answer.status, answer.headers.get('content-length'), await answer.text()]).toEqual([status, length, text])
    // The connection is still in step.
    expect((await world.call('GET', '/healthz')).status).toBe(200)
  })

  test('of pages is sandboxed where tenants share an origin', async () => {
    world = await openFunctions(guest, { functionOrigin: 'shared' })
    const path = world.deploy(
      `return new Response('<script>', { headers: { 'content-type': 'text/html', 'content-security-policy': 'default-src *' } })`,
    )
    const answer = await world.call('GET', path, { key: null })
    expect(answer.headers.get('content-security-policy')).toMatch(/default-src \*, sandbox (?!.*allow-same-origin)/)
  })

  test('leaves after its run is posted', async () => {
    const path = world.deploy(`return new Response('hi')`)
    const before = guest.cells.posted.length
    await (await world.call('GET', path, { key: null })).text()
    expect(guest.cells.posted.length).toBe(before + 1)
  })
})

describe('a function that fails', () => {
  test.each([
    [`throw new RangeError('secret-text')`, {}, 500, 'RUN_ERROR'],
    [`return 'no response'`, {}, 500, 'RUN_ERROR'],
    [`await new Promise((f) => setTimeout(f, 1e6))`, { wallMs: 30 }, 504, 'RUN_TIMEOUT'],
    [`return new Response('x'.repeat(2000))`, { output: 1000 }, 502, 'RUN_OUTPUT_EXCEEDED'],
    [`return new Response(null, { headers: { x: 'y'.repeat(40000) } })`, {}, 500, 'RUN_ERROR'],
    [
      `return new Response(null, { headers: Array.from({ length: 200 }, (_, n) => ['x-' + n, 'y']) })`,
      {},
      500,
      'RUN_ERROR',
    ],
  ])('by %s is answered for, without what it said', async (body, given, status, code) => {
    const answer = await world.call('GET', world.deploy(body, given), { key: null })
    const text = await answer.text()
    expect([answer.status, JSON.parse(text).error.code]).toEqual([status, code])
    expect(text).not.toMatch(/secret-text|main\.js|stack/)
    expect(JSON.parse(text).error.runId).toBe(answer.headers.get('x-cloister-run-id'))
  })

  test('after the head has the connection cut', async () => {
    const path = world.deploy(
      `return new Response(new ReadableStream({ start(controller) { ${encoded('begun')} }, pull() { throw new Error('late') } }))`,
    )
    const answer = await raw(`GET ${path} HTTP/1.1`, 'Host: a')
    expect(answer).toContain('begun')
    expect(answer).not.toMatch(/\r\n0\r\n/)
    expect(statuses().at(-1)).toBe('error')
  })

  test('by streaming more than it may has the connection cut', async () => {
    const path = world.deploy(
      `return new Response(new ReadableStream({ pull(controller) { controller.enqueue(new Uint8Array(1000)) } }))`,
      { streamOut: 10_000 },
    )
    const answer = await raw(`GET ${path} HTTP/1.1`, 'Host: a')
    expect(answer.length).toBeLessThan(11_000)
    expect(answer).not.toMatch(/\r\n0\r\n/)
    expect(statuses().at(-1)).toBe('output-exceeded')
  })
})

describe('a streamed response', () => {
  test('of server-sent events leaves event by event', async () => {
    const path = world.deploy(`return new Response(new ReadableStream({ async start(controller) {
      ${encoded('data: 1\n\n')}; ${KEYED('sse', encoded('data: 2\n\n'))}; controller.close() } }), { headers: { 'content-type': 'text/event-stream' } })`)
    const { outgoing, response } = open(world, path, { headers: { te: 'trailers' } })
    outgoing.end()
    const events = await response
    expect(events.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'transfer-encoding': 'chunked',
      'x-cloister-run-id': expect.any(String),
    })
    expect(String((await once(events, 'data'))[0])).toBe('data: 1\n\n')
    await guest.run(`await context.kv.put('sse', true)`)
    expect(String((await once(events, 'data'))[0])).toBe('data: 2\n\n')
    await once(events, 'end')
    expect(events.trailers).toMatchObject({
      'x-cloister-status': 'ok',
      'x-cloister-usage': expect.stringMatching(/^units=/),
    })
  })

  test('ends after its run is posted', async () => {
    const path = world.deploy(
      `return new Response(new ReadableStream({ start(controller) { ${encoded('a')}; controller.close() } }))`,
    )
    const before = guest.cells.posted.length
    expect(await (await world.call('GET', path, { key: null })).text()).toBe('a')
    expect(guest.cells.posted.length).toBe(before + 1)
  })

  test('goes on after a client that has it all has left, for what is given to waitUntil', async () => {
    const path = world.deploy(
      `context.waitUntil((async () => { ${KEYED('after', `await context.kv.put('done', true)`)} })()); return new Response('all')`,
    )
    const { outgoing, response } = open(world, path)
    outgoing.end()
    const answer = await response
    expect(String((await once(answer, 'data'))[0])).toBe('all')
    const before = guest.cells.posted.length
    outgoing.destroy()
    await guest.run(`await context.kv.put('after', true)`)
    while (guest.cells.posted.length === before) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(statuses().at(-1)).toBe('ok')
    expect(await guest.value(`return await context.kv.get('done')`)).toBe(true)
  })

  test('whose client leaves is cancelled, and posted', async () => {
    const path = world.deploy(
      `return new Response(new ReadableStream({ start(controller) { ${encoded('begun')} }, pull: () => new Promise((f) => setTimeout(f, 1e6)), cancel() { context.kv.put('left', true) } }))`,
    )
    const { outgoing, response } = open(world, path)
    outgoing.end()
    await once(await response, 'data')
    const before = guest.cells.posted.length
    outgoing.destroy()
    while (guest.cells.posted.length === before) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(statuses().at(-1)).toBe('cancelled')
    expect(await guest.value(`return await context.kv.get('left')`)).toBe(true)
  })

  test('waits for a client that does not read, and no more than that is in memory', async () => {
    const path = world.deploy(`let made = 0; return new Response(new ReadableStream({ pull(controller) {
      made += 1; controller.enqueue(new Uint8Array(65536)); if (made === 800) controller.close() } }))`)
    const { outgoing, response } = open(world, path)
    outgoing.end()
    const answer = (await response).pause()
    const sent = (): number => world.requests.at(-1)?.exchange?.traffic.egress ?? 0
    // It stands still once the buffers between the two are full: the same figure is seen over and over.
    let [last, same] = [sent(), 0]
    while (same < 10) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      same = sent() === last ? same + 1 : 0
      last = sent()
    }
    expect(last).toBeLessThan(800 * 65536)
    let size = 0
    answer.on('data', (chunk: Buffer) => (size += chunk.length)).resume()
    await once(answer, 'end')
    expect(size).toBe(800 * 65536)
  })
})

describe('a streamed request', () => {
  test('reaches the guest as it comes, and what is sent back leaves meanwhile', async () => {
    const path = world.deploy(
      `return new Response(request.body.pipeThrough(new TextDecoderStream()).pipeThrough(new TransformStream({ transform(text, c) { c.enqueue(text.toUpperCase()) } })).pipeThrough(new TextEncoderStream()))`,
    )
    const { outgoing, response } = open(world, path, { method: 'POST', headers: { 'transfer-encoding': 'chunked' } })
    outgoing.write('one')
    const answer = await response
    expect(String((await once(answer, 'data'))[0])).toBe('ONE')
    outgoing.write('two')
    expect(String((await once(answer, 'data'))[0])).toBe('TWO')
    outgoing.end()
    await once(answer, 'end')
    expect(guest.cells.posted.at(-1)?.report.status).toBe('ok')
  })

  test('that is longer than is read is let run dry, and the connection serves the next', async () => {
    const path = world.deploy(`return new Response('enough')`)
    const body = 'x'.repeat(3_000_000)
    const client = await RawClient.open(world.url)
    client.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`)
    await client.until((text) => text.includes('enough'))
    client.write(`${body}GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
    expect((await client.closed()).match(/enough/g)).toHaveLength(2)
  })

  test('is not read ahead of the guest', async () => {
    const path = world.deploy(
      `const reader = request.body.getReader(); const first = await reader.read(); ${KEYED('read', '')} let size = first.value.length; for (;;) { const { done, value } = await reader.read(); if (done) return new Response(String(size)); size += value.length }`,
    )
    const { outgoing, response } = open(world, path, { method: 'POST' })
    const chunk = Buffer.alloc(1 << 20)
    for (let count = 0; count < 30; count += 1) outgoing.write(chunk)
    outgoing.end()
    let [last, same] = [-1, 0]
    while (same < 10) {
      const now = outgoing.writableLength
      same = now === last ? same + 1 : 0
      last = now
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(last).toBeGreaterThan(10 << 20)
    await guest.run(`await context.kv.put('read', true)`)
    let text = ''
    for await (const piece of await response) text += String(piece)
    expect(text).toBe(String(30 << 20))
  })

  test('whose client leaves in the middle is cancelled', async () => {
    const path = world.deploy(`await context.kv.put('upload', true); return new Response(await request.text())`)
    const { outgoing } = open(world, path, { method: 'POST', headers: { 'content-length': '1000000' } })
    outgoing.write('begun')
    while ((await guest.value(`return await context.kv.get('upload')`)) !== true);
    const posted = guest.cells.posted.length
    outgoing.destroy()
    while (guest.cells.posted.length === posted) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(statuses().at(-1)).toBe('cancelled')
  })
})
