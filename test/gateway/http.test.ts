import { once } from 'node:events'
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import type { Outcome } from '../../src/core/run.ts'
import { bytes, millis } from '../../src/core/quantity.ts'
import { RawClient, requestText } from './raw-client.ts'
import { type World, makeOutcome, openGateway, refusalOf } from './world.ts'

const EXECUTE = '/v1/tenants/acme/execute'
const count = (text: string, part: string): number => text.split(part).length - 1

/** Makes runs wait until the test lets them end, and tells when one has begun. */
function holdRuns(world: World) {
  const begun = Promise.withResolvers<AbortSignal>()
  const outcome = Promise.withResolvers<Outcome>()
  world.execute = ({ signal }) => {
    begun.resolve(signal!)
    return outcome.promise
  }
  return { begun: begun.promise, end: () => outcome.resolve(makeOutcome()) }
}

test('a client that goes away aborts its run', async () => {
  const world = await openGateway()
  const runs = holdRuns(world)
  const client = await RawClient.open(world.url)
  client.write(requestText({ path: EXECUTE, key: world.key, body: '{"code":"x"}' }))
  const signal = await runs.begun
  expect(signal.aborted).toBe(false)
  const aborted = once(signal, 'abort')
  client.socket.destroy()
  await aborted
  runs.end()
})

test('a client that stays aborts nothing, however many runs its connection has carried', async () => {
  const world = await openGateway()
  const client = await RawClient.open(world.url)
  for (let index = 1; index <= 3; index += 1) {
    client.write(requestText({ path: EXECUTE, key: world.key, body: '{"code":"x"}' }))
    await client.until((text) => count(text, '"billed":true') === index)
  }
  expect(world.requests.map(({ signal }) => signal?.aborted)).toEqual([false, false, false])
})

test('requests that come one behind the other are answered in their order, whichever run ends first', async () => {
  const world = await openGateway()
  const first = Promise.withResolvers<Outcome>()
  const last = Promise.withResolvers<void>()
  world.execute = async ({ input }) => {
    const result = Buffer.from(input)
    if (result.toString() === '1') return first.promise
    if (result.toString() === '3') last.resolve()
    return makeOutcome({ result })
  }
  const client = await RawClient.open(world.url)
  const requests = [1, 2, 3].map((input) =>
    requestText({ path: EXECUTE, key: world.key, body: `{"code":"x","input":${input}}` }),
  )
  client.write(requests.join(''))
  await last.promise
  first.resolve(makeOutcome({ result: Buffer.from('1') }))
  const text = await client.until((received) => count(received, '"billed":true') === 3)
  expect([...text.matchAll(/"result":(\d)/g)].map((match) => match[1])).toEqual(['1', '2', '3'])
})

test('a body may come in pieces, with or without a length', async () => {
  const world = await openGateway()
  const client = await RawClient.open(world.url)
  const head = requestText({
    path: EXECUTE,
    key: world.key,
    headers: ['Content-Type: application/json', 'Transfer-Encoding: chunked'],
  })
  for (const piece of [head, '9\r\n{"code":"', '\r\n3\r\nä"', '}\r\n', '0\r\n\r\n']) {
    client.write(piece)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await client.until((text) => text.includes('\r\n\r\n'))
  const body = '{"code":"abc"}'
  const whole = requestText({ path: EXECUTE, key: world.key, body })
  client.write(whole.slice(0, -5))
  client.write(whole.slice(-5))
  await client.until((text) => text.includes('"billed":true'))
  expect(world.requests.at(-1)!.artifact.modules.get('main.js')).toBe('abc')
})

test.each(['with a length', 'without a length'])(
  'a body over the bound, %s, is TOO_LARGE and the client gets to read so',
  async (kind) => {
    const world = await openGateway({ bodySizeMax: 1_000 })
    const body = JSON.stringify({ code: 'x'.repeat(300_000) })
    const chunked = new Blob([body]).stream()
    const init = {
      method: 'POST',
      headers: { authorization: `Bearer ${world.key}`, 'content-type': 'application/json' },
    }
    const sent = kind === 'with a length' ? { ...init, body } : { ...init, body: chunked, duplex: 'half' as const }
    const refusal = await refusalOf(fetch(world.url + EXECUTE, sent as RequestInit))
    expect(refusal).toMatchObject({ status: 413, code: 'TOO_LARGE', message: expect.stringContaining('1000 bytes') })
    expect((await world.call('POST', EXECUTE, { body: { code: 'x' } })).status).toBe(200)
  },
)

test('a refused body without an end is cut off', async () => {
  const limits = { discardedSize: bytes(100_000) }
  const world = await openGateway({ bodySizeMax: 1_000, limits })
  const client = await RawClient.open(world.url)
  client.write(
    requestText({
      path: EXECUTE,
      key: world.key,
      headers: ['Content-Type: application/json', 'Content-Length: 9999999999'],
    }),
  )
  const flood = (): void => {
    while (client.socket.writable && client.socket.write('x'.repeat(10_000)));
  }
  client.socket.on('drain', flood)
  flood()
  await client.closed()
  expect(client.socket.bytesWritten).toBeLessThan(20_000_000)
})

test('bodies that are arriving may take only so much memory together, and give it back however they end', async () => {
  const world = await openGateway({ limits: { arrivingSize: bytes(1_000) } })
  const send = (length: number) => world.call('POST', EXECUTE, { body: { code: 'x'.repeat(length) } })
  const refusal = await refusalOf(send(2_000))
  expect(refusal).toMatchObject({ status: 503, code: 'OVERLOADED' })
  const connected = once(world.gateway.app.server, 'connection') as Promise<[Socket]>
  const client = await RawClient.open(world.url)
  const [socket] = await connected
  const body = JSON.stringify({ code: 'x'.repeat(700) })
  client.write(requestText({ path: EXECUTE, key: world.key, body }).slice(0, -1))
  await once(socket, 'data')
  client.socket.destroy()
  await once(socket, 'close')
  for (let index = 0; index < 3; index += 1) expect((await send(700)).status).toBe(200)
})

test('a body that is not said to be JSON, or is compressed, is UNSUPPORTED_MEDIA', async () => {
  const world = await openGateway()
  const headers = [
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/x-www-form-urlencoded' },
    { 'content-type': 'application/jsonx' },
    { 'content-type': ';' },
    { 'content-encoding': 'gzip' },
  ]
  for (const each of headers) {
    const refusal = await refusalOf(
      world.call('POST', EXECUTE, { body: '{"code":"x"}', headers: each as Record<string, string> }),
    )
    expect(refusal).toMatchObject({ status: 415, code: 'UNSUPPORTED_MEDIA' })
  }
  const accepted = { 'content-type': 'Application/JSON; charset=utf-8' }
  expect((await world.call('POST', EXECUTE, { body: '{"code":"x"}', headers: accepted })).status).toBe(200)
})

test('a route that is not there is NOT_FOUND; a method it does not have is METHOD_NOT_ALLOWED and names those it has', async () => {
  const world = await openGateway()
  expect(await refusalOf(world.call('GET', '/v2/x'))).toMatchObject({
    status: 404,
    code: 'NOT_FOUND',
    message: expect.stringContaining('GET /v2/x'),
  })
  expect(await refusalOf(world.call('GET', '/v1/tenants/acme/'))).toMatchObject({ status: 404 })
  const response = await world.call('PATCH', '/v1/tenants/acme')
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'PUT, GET, DELETE, HEAD'])
  expect(await refusalOf(world.call('GET', EXECUTE))).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED' })
  expect(await refusalOf(world.call('GET', '/v1/tenants/%zz'))).toMatchObject({ status: 400, code: 'INVALID_REQUEST' })
})

test('HEAD answers as GET does, without the body', async () => {
  const world = await openGateway()
  const head = await world.call('HEAD', '/v1/tenants/acme', { key: world.key })
  expect([head.status, await head.text()]).toEqual([200, ''])
  expect(Number(head.headers.get('content-length'))).toBeGreaterThan(10)
})

test('every answer has an id of its own and may be neither kept nor taken for something else', async () => {
  const world = await openGateway()
  const paths = ['/healthz', '/v1/tenants', '/nowhere', '/v1/tenants/acme/bill/records']
  const ids = new Set<string | null>()
  for (const path of paths) {
    const { headers } = await world.call('GET', path)
    expect([headers.get('cache-control'), headers.get('x-content-type-options')]).toEqual(['no-store', 'nosniff'])
    ids.add(headers.get('x-request-id'))
  }
  expect(ids.size).toBe(paths.length)
})

const NOT_HTTP = [
  ['GET / HTTP/9.9\r\n\r\n', 400],
  ['nonsense\r\n\r\n', 400],
  [`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ['POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
] as const

test.each(NOT_HTTP)(
  '%# what is not HTTP/1.1 is refused in words of the API, and the connection ends',
  async (text, status) => {
    const world = await openGateway()
    const client = await RawClient.open(world.url)
    client.write(text)
    const received = await client.closed()
    expect(received).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(JSON.parse(received.slice(received.indexOf('\r\n\r\n')))).toMatchObject({
      error: { code: 'INVALID_REQUEST' },
    })
  },
)

test('a client that takes too long over its headers or its body is sent away', async () => {
  const limits = { headersTimeout: millis(60), requestTimeout: millis(60), checkInterval: millis(20) }
  const world = await openGateway({ limits })
  const headers = await RawClient.open(world.url)
  headers.write('GET /healthz HTTP/1.1\r\nHost: x\r\n')
  expect(await headers.closed()).toMatch(/^HTTP\/1.1 408 /)
  const body = await RawClient.open(world.url)
  body.write(requestText({ path: EXECUTE, key: world.key, body: '{"code":"x"}' }).slice(0, -3))
  expect(await body.closed()).toMatch(/^HTTP\/1.1 408 /)
  expect(world.requests).toEqual([])
})

test('connections over the bound are not taken', async () => {
  const world = await openGateway({ limits: { connections: 1 } })
  const first = await RawClient.open(world.url)
  first.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
  await first.until((text) => text.endsWith('{"status":"ok"}'))
  const second = await RawClient.open(world.url)
  expect(await second.closed()).toBe('')
})

test('a host that drains says so, answers what is on its way and ends each connection', async () => {
  const world = await openGateway()
  world.draining = true
  const response = await world.call('GET', '/readyz')
  expect([response.status, response.headers.get('connection')]).toEqual([503, 'close'])
})

test('closing waits for an answer that is on its way, and for nothing else', async () => {
  const world = await openGateway({ limits: { closeGrace: millis(60_000) } })
  const runs = holdRuns(world)
  const idle = await RawClient.open(world.url)
  const answer = world.call('POST', EXECUTE, { body: { code: 'x' } })
  await runs.begun
  const closed = world.gateway.close()
  await idle.closed()
  runs.end()
  expect((await answer).status).toBe(200)
  await closed
})

test('closing cuts what does not end within its grace', async () => {
  const world = await openGateway({ limits: { closeGrace: millis(20) } })
  const runs = holdRuns(world)
  const answer = world.call('POST', EXECUTE, { body: { code: 'x' } }).catch(() => 'cut')
  const aborted = once(await runs.begun, 'abort')
  await world.gateway.close()
  expect(await answer).toBe('cut')
  await aborted
})

test.each(['TRACE', 'PROPFIND', 'QUERY', 'M-SEARCH', 'OPTIONS'])(
  'the method %s is METHOD_NOT_ALLOWED on every route, and nothing else is',
  async (method) => {
    const world = await openGateway()
    const client = await RawClient.open(world.url)
    client.write(`${method} /v1/tenants/acme HTTP/1.1\r\nHost: x\r\n\r\n`)
    expect(await client.until((text) => text.includes('METHOD_NOT_ALLOWED'))).toMatch(
      /^HTTP\/1.1 405 .*allow: PUT, GET/s,
    )
    client.write(`${method} /nowhere HTTP/1.1\r\nHost: x\r\n\r\n`)
    expect(await client.until((text) => text.includes('NOT_FOUND'))).toContain('HTTP/1.1 404 ')
  },
)

const REFUSED_WITH_WORDS = [
  ['a request without a Host', 'GET /healthz HTTP/1.1\r\n\r\n', 'the request has no Host header'],
  ['an expectation', 'GET /healthz HTTP/1.1\r\nHost: x\r\nExpect: nonsense\r\n\r\n', 'the only expectation'],
  ['a CONNECT', 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n', 'the request is not HTTP/1.1'],
] as const

test.each(REFUSED_WITH_WORDS)(
  '%s that this host cannot take is refused in words of the API',
  async (_, text, words) => {
    const world = await openGateway()
    const client = await RawClient.open(world.url)
    client.write(text)
    const received = await client.until((some) => some.includes('"error"'))
    expect(received).toMatch(/^HTTP\/1.1 400 /)
    expect(received).toContain('INVALID_REQUEST')
    expect(received).toContain(words)
  },
)

test('a request of HTTP/1.0 needs no Host', async () => {
  const world = await openGateway()
  const client = await RawClient.open(world.url)
  client.write('GET /healthz HTTP/1.0\r\n\r\n')
  expect(await client.closed()).toMatch(/^HTTP\/1.1 200 /)
})

test('requests sent without waiting for answers are bounded in one turn, so that others have theirs', async () => {
  const world = await openGateway({ limits: { pipelined: 10 } })
  const request = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'
  const polite = await RawClient.open(world.url)
  for (let batch = 1; batch <= 3; batch += 1) {
    polite.write(request.repeat(10))
    await polite.until((text) => count(text, '{"status":"ok"}') === 10 * batch)
  }
  const flooder = await RawClient.open(world.url)
  flooder.write(request.repeat(1_000))
  expect(count(await flooder.closed(), '{"status":"ok"}')).toBeLessThanOrEqual(10)
})
