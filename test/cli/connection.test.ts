import { once } from 'node:events'
import { type IncomingMessage, type RequestListener, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { ask, askIfThere, path, withQuery } from '../../src/cli/ask.ts'
import { connectInProcess, connectOverNetwork } from '../../src/cli/connection.ts'
import { describeFailure } from '../../src/cli/failure.ts'
import type { Host, HostRequest } from '../../src/cli/host.ts'

async function serve(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function captureFailure(action: Promise<unknown>) {
  return describeFailure(
    await action.then(
      () => expect.unreachable('it should have failed'),
      (error: unknown) => error,
    ),
  )
}

test('a request carries its method, path, key and body, and the whole answer comes back', async () => {
  const requests: { request: IncomingMessage; body: string }[] = []
  await using server = await serve(async (request, response) => {
    requests.push({ request, body: await text(request) })
    response.writeHead(201, { 'content-type': 'text/csv', 'x-more': '1' }).end('a,b')
  })
  await using connection = connectOverNetwork({ url: `${server.url}/api/`, key: 'secret', place: 'server' })
  const answer = await connection.request('PUT', '/v1/tenants/ann', { body: '{"a":1}', accept: 'text/csv' })
  expect(answer).toMatchObject({ status: 201, body: 'a,b', headers: { 'content-type': 'text/csv', 'x-more': '1' } })
  expect(requests[0]!.request).toMatchObject({ method: 'PUT', url: '/api/v1/tenants/ann' })
  expect(requests[0]!.request.headers).toMatchObject({
    authorization: 'Bearer secret',
    'content-type': 'application/json',
    accept: 'text/csv',
  })
  expect(requests[0]!.body).toBe('{"a":1}')
})

test('without a key no authorization is sent', async () => {
  await using server = await serve((request, response) => response.end(String(request.headers.authorization)))
  await using connection = connectOverNetwork({ url: server.url, key: undefined, place: 'server' })
  expect(await ask(connection, 'GET', '/')).toBe('undefined')
})

test('a server that is not there exits 70 and says how to start one', async () => {
  let url: string
  {
    await using server = await serve(() => {})
    url = server.url
  }
  const failure = await captureFailure(connectOverNetwork({ url, key: 'k', place: 'server' }).request('GET', '/'))
  expect(failure.exit).toBe(70)
  expect(failure.message).toContain(url)
  expect(failure.message).toContain('ECONNREFUSED')
  expect(failure.next).toContain('cloister serve')
})

test.for(['', 'localhost:8787', 'ftp://localhost', '/tmp'])(
  'the address %j is refused as a usage error',
  async (url) => {
    const failure = await captureFailure((async () => connectOverNetwork({ url, key: 'k', place: 'server' }))())
    expect(failure.exit).toBe(2)
    expect(failure.message).toContain('CLOISTER_URL')
  },
)

test.for([
  ['INVALID_REQUEST', 400, 2, undefined],
  ['UNAUTHENTICATED', 401, 3, 'CLOISTER_KEY'],
  ['BUDGET_EXCEEDED', 402, 3, 'budget'],
  ['NOT_FOUND', 404, 3, 'cloister tenants list'],
  ['RATE_LIMITED', 429, 3, 'try again in 1.2 s'],
  ['OVERLOADED', 503, 3, 'try again in 1.2 s'],
  ['INTERNAL', 500, 70, 'cloister doctor'],
] as const)('the refusal %s exits as the table says, with the next step', async ([code, status, exit, next]) => {
  const body = JSON.stringify({ error: { code, message: 'because', retryAfterMs: 1200 } })
  await using server = await serve((_request, response) => response.writeHead(status).end(body))
  await using connection = connectOverNetwork({ url: server.url, key: 'k', place: 'server' })
  const failure = await captureFailure(ask(connection, 'GET', '/'))
  expect(failure).toMatchObject({ exit, code, message: 'because', retryAfterMs: 1200 })
  if (next === undefined) expect(failure).not.toHaveProperty('next')
  else expect(failure.next).toContain(next)
})

test.for([
  [400, 2],
  [418, 3],
  [502, 70],
] as const)(
  'an answer %i that is not of Cloister exits %i and asks whether the address is right',
  async ([status, exit]) => {
    await using server = await serve((_request, response) => response.writeHead(status).end('<html>'))
    await using connection = connectOverNetwork({ url: server.url, key: 'k', place: 'server' })
    const failure = await captureFailure(ask(connection, 'GET', '/'))
    expect(failure).toMatchObject({ exit, message: `HTTP ${status}` })
    expect(failure.next).toContain('CLOISTER_URL')
  },
)

test('a code that only a newer server knows is still shown', async () => {
  const body = JSON.stringify({ error: { code: 'QUOTA_OF_TOMORROW', message: 'later' } })
  await using server = await serve((_request, response) => response.writeHead(403).end(body))
  await using connection = connectOverNetwork({ url: server.url, key: 'k', place: 'server' })
  expect(await captureFailure(ask(connection, 'GET', '/'))).toEqual({ exit: 3, message: 'QUOTA_OF_TOMORROW: later' })
})

test('what may be absent is undefined when it is, and other refusals stay refusals', async () => {
  await using server = await serve((request, response) => {
    const code = request.url === '/gone' ? 'NOT_FOUND' : 'FORBIDDEN'
    response.writeHead(400).end(JSON.stringify({ error: { code, message: 'm' } }))
  })
  await using connection = connectOverNetwork({ url: server.url, key: 'k', place: 'server' })
  expect(await askIfThere(connection, '/gone')).toBeUndefined()
  expect(await captureFailure(askIfThere(connection, '/closed'))).toMatchObject({ code: 'FORBIDDEN' })
})

test('in this process the administrator asks, and closing the connection closes the platform', async () => {
  const requests: HostRequest[] = []
  let closed = 0
  const host = {
    adminKey: 'admin-secret',
    inject: async (request: HostRequest) => {
      requests.push(request)
      return { statusCode: 200, headers: { 'content-length': 2, vary: ['a', 'b'], date: undefined }, body: '{}' }
    },
    [Symbol.asyncDispose]: async () => void (closed += 1),
  } as unknown as Host
  {
    await using connection = connectInProcess(host)
    const answer = await connection.request('POST', '/v1/x?y=1', { body: '{}' })
    expect(answer).toEqual({ status: 200, headers: { 'content-length': '2', vary: 'a,b' }, body: '{}' })
  }
  expect(closed).toBe(1)
  expect(requests).toEqual([
    {
      method: 'POST',
      url: '/v1/x?y=1',
      headers: { accept: 'application/json', authorization: 'Bearer admin-secret', 'content-type': 'application/json' },
      payload: '{}',
    },
  ])
})

test('no name can change the shape of a path', () => {
  expect(path`/v1/tenants/${'../admin?x#y'}/keys/${'a b'}`).toBe('/v1/tenants/..%2Fadmin%3Fx%23y/keys/a%20b')
  expect(withQuery('/usage', { from: '2026-01', to: undefined, groupBy: 'day,outcome' })).toBe(
    '/usage?from=2026-01&groupBy=day%2Coutcome',
  )
  expect(withQuery('/usage', {})).toBe('/usage')
})
