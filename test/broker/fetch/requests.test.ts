import fc from 'fast-check'
import { connect, createServer } from 'node:net'
import { once } from 'node:events'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bytes, millis } from '../../../src/core/quantity.ts'
import { type FetchWorld, type TestServer, echo, openFetch, openServer, until } from './world.ts'

/** 64 MiB of zeros, which compressed are 64 KiB. */
const BOMB = gzipSync(Buffer.alloc(64 << 20))
const ROUTES: Record<string, Parameters<typeof openServer>[0]> = {
  '/bomb': (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(BOMB),
  '/bomb2': (_, response) => response.writeHead(200, { 'content-encoding': 'gzip, gzip' }).end(gzipSync(BOMB)),
  '/bomb3': (_, response) => response.writeHead(200, { 'content-encoding': 'gzip, gzip, gzip' }).end('x'),
  '/br': (_, response) => response.writeHead(200, { 'content-encoding': 'br' }).end(brotliCompressSync('plain')),
  '/broken': (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('no gzip at all'),
  '/long': (_, response) => void pour(response),
  '/hang': () => undefined,
  '/begin': (_, response) => void response.write('begin'),
  '/headers': (_, response) =>
    response.writeHead(200, { 'x-long': 'x'.repeat(15_000), 'x-more': 'x'.repeat(4_000) }).end(),
  '/cut': (_, response) => {
    response.writeHead(200, { 'content-length': '10' }).write('half')
    setTimeout(() => response.destroy(), 20)
  },
}

let world: FetchWorld
let server: TestServer
beforeAll(async () => {
  world = await openFetch()
  server = await openServer((request, response) => (ROUTES[request.url ?? ''] ?? echo)(request, response))
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})

async function pour(response: import('node:http').ServerResponse): Promise<void> {
  while (!response.destroyed)
    if (!response.write(Buffer.alloc(64 << 10))) await once(response, 'drain').catch(() => undefined)
}

test('what the host alone may say of a request is not the guest’s to say', async () => {
  using guest = world.as('ann')
  const names = [
    'Host',
    'Connection',
    'Content-Length',
    'Transfer-Encoding',
    'Expect',
    'Upgrade',
    'Keep-Alive',
    'TE',
    'Trailer',
  ]
  const more = [
    'Proxy-Authorization',
    'Proxy-Connection',
    'Forwarded',
    'X-Forwarded-For',
    'X-Forwarded-Host',
    'X-Real-IP',
    'Via',
    'Metadata',
    'Metadata-Flavor',
  ]
  const headers = [...names, ...more, 'X-aws-ec2-metadata-token-ttl-seconds'].map((name) => [name, 'evil'])
  const seen = JSON.parse((await guest.text(server.origin, { headers: [...headers, ['x-mine', 'kept']] })).body ?? '')
  expect(seen.headers).toEqual({
    host: `127.0.0.1:${server.port}`,
    connection: 'keep-alive',
    accept: '*/*',
    'user-agent': 'Cloister',
    'accept-encoding': 'gzip, br',
    'x-mine': 'kept',
  })
})

test('no text of a guest’s can begin another header or another request', async () => {
  using guest = world.as('ann')
  const nasty = fc.string({ unit: fc.constantFrom('a', '\r', '\n', '\0', ':', ' ', '\u010d\u010a', 'é') })
  await fc.assert(
    fc.asyncProperty(nasty, nasty, nasty, nasty, async (name, value, path, method) => {
      const before = server.seen.length
      await guest.get(`${server.origin}/${path}`, { method: `GET${method}`, headers: [[`x${name}`, value]] })
      expect(server.seen.length - before).toBeLessThanOrEqual(1)
      const seen = server.seen.at(-1)
      if (server.seen.length > before) expect(Object.keys(seen!.headers).length).toBeLessThanOrEqual(6)
    }),
    { numRuns: 100 },
  )
})

test('a bomb costs what is read of it, and ends at the bound', async () => {
  using guest = world.as('ann', world.grant({ responseBytes: bytes(1 << 20) }))
  const before = process.memoryUsage().rss
  expect(await guest.text(`${server.origin}/bomb`)).toMatchObject({ code: 'RESPONSE_TOO_LARGE' })
  expect(await guest.text(`${server.origin}/bomb2`)).toMatchObject({ code: 'RESPONSE_TOO_LARGE' })
  expect(await guest.text(`${server.origin}/bomb3`)).toMatchObject({ code: 'RESPONSE_INVALID' })
  expect(process.memoryUsage().rss - before).toBeLessThan(48 << 20)
  expect(await guest.text(`${server.origin}/br`)).toMatchObject({ body: 'plain' })
  expect(await guest.text(`${server.origin}/broken`)).toMatchObject({ code: 'RESPONSE_INVALID' })
})

test('an endless response waits for its reader, and is cut off at the bound', async () => {
  using guest = world.as('ann', world.grant({ responseBytes: bytes(2 << 20) }))
  expect(await guest.get(`${server.origin}/long`)).toMatchObject({ done: false })
  const held = guest.session.traffic.ingress
  await new Promise((resolve) => setTimeout(resolve, 100))
  // What the host holds of it is a queue of a quarter of a mebibyte, and what one read may add to it.
  expect(guest.session.traffic.ingress - held).toBeLessThan(1 << 20)
  expect(await guest.text(`${server.origin}/long`)).toMatchObject({ code: 'RESPONSE_TOO_LARGE' })
})

test('headers beyond their bound are refused', async () => {
  using guest = world.as('ann')
  expect(await guest.get(`${server.origin}/headers`)).toMatchObject({ code: 'RESPONSE_TOO_LARGE' })
  expect(await guest.text(`${server.origin}/cut`)).toMatchObject({
    code: expect.stringMatching(/CONNECTION_LOST|RESPONSE_INVALID/),
  })
})

test('a server that does not answer, or stops, is given up in time; never past what is left of the run', async () => {
  using quick = world.as('ann', world.grant({ timeoutMs: millis(50) }))
  expect(await quick.get(`${server.origin}/hang`)).toMatchObject({ code: 'TIMEOUT' })
  expect(await quick.text(`${server.origin}/begin`)).toMatchObject({ code: 'TIMEOUT' })
  using short = world.as('ann', world.grant(), 50)
  expect(await short.get(`${server.origin}/hang`)).toMatchObject({ code: 'TIMEOUT' })
  await until(() => server.sockets.size <= 2)
})

test('the end of a run and a cancelled request close their sockets, and nothing is sent after it', async () => {
  const lone = await openServer((request, response) => (ROUTES[request.url ?? ''] ?? echo)(request, response))
  const guest = world.as('ann')
  const hung = guest.get(`${lone.origin}/hang`)
  await guest.get(`${lone.origin}/begin`)
  await until(() => lone.sockets.size === 2)
  await guest.call('cancel', 1)
  expect(await hung).toMatchObject({ code: 'CONNECTION_LOST' })
  await until(() => lone.sockets.size === 1)
  const late = guest.get(`${lone.origin}/hang`)
  guest[Symbol.dispose]()
  await until(() => lone.sockets.size === 0)
  expect((await late).code).toBeDefined()
  expect(await guest.get(lone.origin)).toMatchObject({ code: 'RUN_OVER' })
  await lone[Symbol.asyncDispose]()
})

test('a tenant has so many requests under way and no more, and they hold up nobody else', async () => {
  const grant = world.grant({ concurrency: 3 })
  using guest = world.as('ann', grant)
  using again = world.as('ann', grant)
  const hung = [1, 2, 3].map(() => guest.get(`${server.origin}/hang`))
  expect(await guest.get(server.origin)).toMatchObject({ code: 'CONCURRENCY_LIMITED' })
  expect(await again.get(server.origin)).toMatchObject({ code: 'CONCURRENCY_LIMITED' })
  using other = world.as('bob', grant)
  expect(await other.get(server.origin)).toMatchObject({ status: 200 })
  for (const id of [1, 2, 3]) await guest.call('cancel', id)
  await Promise.all(hung)
  expect(await guest.get(server.origin)).toMatchObject({ status: 200 })
})

test('no connection of one tenant is used for another', async () => {
  const lone = await openServer()
  for (const tenant of ['ann', 'bob', 'ann', 'bob']) {
    using guest = world.as(tenant)
    await guest.text(lone.origin)
  }
  expect(lone.connections).toBe(2)
  await lone[Symbol.asyncDispose]()
})

test('one tenant’s requests cannot be read or written by another', async () => {
  using ann = world.as('ann')
  using bob = world.as('bob')
  await ann.get(`${server.origin}/begin`)
  expect(await bob.call('read', 1)).toMatchObject({ code: 'INVALID_ARGUMENT' })
  expect(await bob.call('write', 1, btoa('x'))).toBe(false)
  await bob.call('cancel', 1)
  expect(await ann.call('cancel', 1)).toBeUndefined()
})

test('a body goes up piece by piece at the server’s pace, to its bound', async () => {
  using guest = world.as('ann', world.grant({ requestBytes: bytes(3 << 20) }))
  const piece = Buffer.alloc(1 << 20, 'x').toString('base64')
  const sent = guest.text(server.origin, { method: 'PUT', stream: true })
  for (let count = 0; count < 3; count += 1) expect(await guest.call('write', 1, piece)).toBe(true)
  await guest.call('write', 1, null)
  expect(JSON.parse((await sent).body ?? '').body).toHaveLength(3 << 20)
  const large = guest.get(server.origin, { method: 'PUT', stream: true })
  for (let count = 0; count < 3; count += 1) await guest.call('write', 2, piece)
  expect(await guest.call('write', 2, btoa('one more'))).toMatchObject({ code: 'REQUEST_TOO_LARGE' })
  expect((await large).code).toBeDefined()
})

test('what goes over the wire is counted, to the byte', async () => {
  const heard: Buffer[] = []
  const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-a: b\r\n\r\nhello'
  const raw = createServer((socket) => {
    socket.on('data', (chunk) => {
      heard.push(Buffer.from(chunk))
      if (Buffer.concat(heard).toString().endsWith('body')) socket.write(answer)
    })
  })
  await once(raw.listen(0, '127.0.0.1'), 'listening')
  const { port } = raw.address() as AddressInfo
  using guest = world.as('ann')
  expect(await guest.text(`http://127.0.0.1:${port}/path?q`, { method: 'POST', body: btoa('body') })).toMatchObject({
    body: 'hello',
  })
  expect(guest.session.traffic).toEqual({ egress: Buffer.concat(heard).length, ingress: answer.length })
  raw.close()
})

test('the sockets of all tenants together are bounded', async () => {
  await using small = await openFetch({ socketsMax: 2 })
  using guest = small.as('ann')
  const hung = [1, 2].map(() => guest.get(`${server.origin}/hang`))
  await until(() => small.capability.sockets === 2)
  expect(await guest.get(`${server.origin}/`)).toMatchObject({ code: 'UNAVAILABLE' })
  guest[Symbol.dispose]()
  await Promise.all(hung)
})

test('errors say what happened, in codes', async () => {
  using guest = world.as('ann')
  const closed = connect(server.port, '127.0.0.1').destroy()
  await once(closed, 'close')
  expect(await guest.get('http://127.0.0.1:1/')).toMatchObject({ code: 'CONNECT_FAILED' })
  expect(await guest.get(`https://127.0.0.1:${server.port}/`)).toMatchObject({
    code: expect.stringMatching(/TLS_FAILED|CONNECTION_LOST/),
  })
  expect(await guest.get('ftp://127.0.0.1/')).toMatchObject({ code: 'INVALID_ARGUMENT' })
})

test('none of it was a fault of the host’s', () => {
  expect(world.faults).toEqual([])
})
