import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FetchWorld, type TestServer, echo, openFetch, openServer } from './world.ts'

let world: FetchWorld
let server: TestServer
let other: TestServer
beforeAll(async () => {
  world = await openFetch()
  server = await openServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://x')
    const to = url.searchParams.get('to')
    if (to === null) return echo(request, response)
    response.writeHead(Number(url.searchParams.get('status') ?? 302), { location: to }).end('moved')
  })
  other = await openServer(echo, '::')
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await other[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})

const via = (to: string, status = 302): string => `${server.origin}/?status=${status}&to=${encodeURIComponent(to)}`

test.each([
  'http://10.0.0.1/',
  'http://169.254.169.254/latest/meta-data/',
  'http://[::ffff:10.0.0.1]/',
  'http://2852039166/',
  'http://127.0.0.2:1/',
  '//169.254.169.254/',
  'http://internal.example/',
])('a redirect to %s is refused before anything is connected to', async (to) => {
  world.names.set('internal.example', [[{ address: '10.0.0.7', family: 4 }]])
  using guest = world.as('ann', world.grant({ privateRanges: ['127.0.0.1/32'] }))
  await guest.get(server.origin)
  const [before, arrived] = [world.connected, server.connections]
  expect(await guest.get(via(to))).toMatchObject({ code: 'EGRESS_REFUSED' })
  expect(await guest.get(via(via(to)))).toMatchObject({ code: 'EGRESS_REFUSED' })
  // Every connection that was made is one that the redirecting server has seen.
  expect(world.connected - before).toBe(server.connections - arrived)
})

test('a redirect is held against the rules of the policy like any request', async () => {
  const allow = [{ host: '127.0.0.1', ports: [server.port], methods: ['GET', 'POST'] }]
  using guest = world.as('ann', world.grant({ allow }))
  expect(await guest.get(via(`http://127.0.0.1:${other.port}/`))).toMatchObject({ code: 'EGRESS_REFUSED' })
  expect(await guest.get(via(`http://elsewhere.example:${server.port}/`))).toMatchObject({ code: 'EGRESS_REFUSED' })
  expect(await guest.get(via('/there'))).toMatchObject({ status: 200, redirected: true, url: `${server.origin}/there` })
  expect(other.connections).toBe(0)
})

test.each(['file:///etc/passwd', 'gopher://127.0.0.1/', 'javascript:1', 'http://user:pass@127.0.0.1/', 'http://[bad'])(
  'a redirect to %s is not followed',
  async (to) => {
    using guest = world.as('ann')
    expect((await guest.get(via(to))).code).toMatch(/^(INVALID_ARGUMENT|REDIRECT_REFUSED)$/)
  },
)

test('redirects are bounded, and each counts as a request of the run', async () => {
  using guest = world.as('ann', world.grant({ redirects: 2, requests: 7 }))
  expect(await guest.get(via(via('/end')))).toMatchObject({ status: 200 })
  expect(await guest.get(via(via(via('/end'))))).toMatchObject({ code: 'REDIRECT_REFUSED' })
  expect(await guest.get(via('/end'))).toMatchObject({ code: 'QUOTA_EXCEEDED' })
})

test('redirect: manual gives the redirect itself, error refuses it', async () => {
  using guest = world.as('ann')
  const manual = await guest.get(via('http://10.0.0.1/'), { redirect: 'manual' })
  expect(manual).toMatchObject({ status: 302, redirected: false, body: 'moved' })
  expect(manual.headers).toContainEqual(['location', 'http://10.0.0.1/'])
  expect(await guest.get(via('/end'), { redirect: 'error' })).toMatchObject({ code: 'REDIRECT_REFUSED' })
})

test('credentials go along within an origin and not to another one', async () => {
  using guest = world.as('ann')
  const headers = [
    ['authorization', 'Bearer token'],
    ['cookie', 'a=b'],
    ['x-other', 'stays'],
  ]
  const near = JSON.parse((await guest.text(via('/near'), { headers })).body ?? '')
  expect(near.headers).toMatchObject({ authorization: 'Bearer token', cookie: 'a=b' })
  const far = JSON.parse((await guest.text(via(`http://127.0.0.1:${other.port}/`), { headers })).body ?? '')
  expect(far.headers).toMatchObject({ 'x-other': 'stays' })
  expect(Object.keys(far.headers)).not.toContain('authorization')
  expect(Object.keys(far.headers)).not.toContain('cookie')
})

test.each([
  [301, 'POST', 'GET', ''],
  [302, 'POST', 'GET', ''],
  [303, 'PUT', 'GET', ''],
  [307, 'POST', 'POST', 'hello'],
  [308, 'PUT', 'PUT', 'hello'],
  [302, 'PUT', 'PUT', 'hello'],
])('a %d of a %s becomes a %s', async (status, method, then, body) => {
  using guest = world.as('ann')
  const more = { method, body: btoa('hello'), headers: [['content-type', 'text/plain']] }
  const seen = JSON.parse((await guest.text(via('/end', status), more)).body ?? '')
  expect(seen).toMatchObject({ method: then, body })
  expect('content-type' in seen.headers).toBe(body !== '')
})

test('a body that was streamed is not sent twice', async () => {
  using guest = world.as('ann')
  const sent = guest.get(via('/end', 307), { method: 'POST', stream: true })
  await guest.call('write', 1, btoa('piece'))
  await guest.call('write', 1, null)
  expect(await sent).toMatchObject({ code: 'REDIRECT_REFUSED' })
})
