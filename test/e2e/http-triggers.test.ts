import { once } from 'node:events'
import { type IncomingMessage, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignJWT, exportJWK, generateKeyPair } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Server, startServer } from './server.ts'

const PAGE = 'https://shop.example'
const SHOW = `export default { fetch(request, { params, caller }) { return Response.json({ params, caller, auth: request.headers.get('authorization') }, { headers: { 'access-control-allow-origin': 'https://evil.example' } }) } }`
const ANN = { name: 'ann', password: 'correct horse' }

let server: Server
/** An issuer of tokens on this machine, and how often its keys were asked for. */
let issuer: { url: string; asked: number; keys: object[]; close(): void }
beforeAll(async () => {
  server = await startServer({ knobs: { FUNCTION_HOSTS: 'shop.example=ann/site,ann.example=ann,*.apps.example=*' } })
  const seen = { url: '', asked: 0, keys: [] as object[], close: () => void web.close() }
  const web = createServer((_, response) => {
    seen.asked += 1
    response.end(JSON.stringify({ keys: seen.keys }))
  })
  web.listen(0, '127.0.0.1')
  await once(web, 'listening')
  const { port } = web.address() as AddressInfo
  seen.url = `http://127.0.0.1:${port}/keys`
  issuer = seen
  const allow = [{ host: '127.0.0.1', ports: [port], methods: ['GET'] }]
  await server.tenant('ann', { policy: { capabilities: { fetch: { allow, privateRanges: ['127.0.0.0/8'] } } } })
  await server.tenant('bob')
})
afterAll(async () => {
  issuer?.close()
  await server[Symbol.asyncDispose]()
})

let functions = 0
async function deploy(http: object, tenant = 'ann'): Promise<string> {
  functions += 1
  const path = `/v1/tenants/${tenant}/functions/f${functions}`
  const { status, body } = await server.put(path, { code: SHOW, config: { http } })
  if (status !== 201) throw new Error(body.error.message)
  return `${server.url}/run/${tenant}/f${functions}`
}

const ask = async (url: string, { token, ...options }: RequestInit & { token?: string } = {}) => {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const answer = await fetch(url, { ...options, headers: { ...authorization, ...options.headers } })
  return { status: answer.status, headers: answer.headers, body: (await answer.json().catch(() => undefined)) as any }
}

test('the first route that fits is taken, with its parameters; another path is not found, another method not allowed', async () => {
  const url = await deploy({
    routes: [{ path: '/pets/:id', methods: ['GET'] }, { path: '/pets', methods: ['POST'] }, { path: '/files/*path' }],
  })
  expect((await ask(`${url}/pets/a%20b`)).body.params).toEqual({ id: 'a b' })
  expect((await ask(`${url}/files/a/b.txt`, { method: 'PUT' })).body.params).toEqual({ path: 'a/b.txt' })
  expect((await ask(`${url}/pets/`, { method: 'POST' })).body.params).toEqual({})
  expect((await ask(`${url}/pets/1`, { method: 'HEAD' })).status).toBe(200)
  const refused = await ask(`${url}/pets/1`, { method: 'DELETE' })
  expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET'])
  expect((await ask(`${url}/pets/1/2`)).status).toBe(404)
  expect((await ask(`${url}/pets/%zz`)).status).toBe(400)
})

test('the host answers preflight requests, without a run, and only the pages that are named may read answers', async () => {
  const url = await deploy({ auth: 'key', cors: { origins: [PAGE], credentials: true, exposedHeaders: ['x-mine'] } })
  const before = (await server.get('/v1/tenants/ann/usage')).body.total.requests
  const headers = { origin: PAGE, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'x-a, x-b' }
  const preflight = await ask(url, { method: 'OPTIONS', headers })
  expect(preflight.status).toBe(204)
  expect(Object.fromEntries(preflight.headers)).toMatchObject({
    'access-control-allow-origin': PAGE,
    'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
    'access-control-allow-headers': 'x-a, x-b',
  })
  const other = await ask(url, { method: 'OPTIONS', headers: { ...headers, origin: 'https://evil.example' } })
  expect(other.headers.get('access-control-allow-origin')).toBe(null)
  const refused = await ask(url, { headers: { origin: PAGE } })
  expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, PAGE])
  expect((await server.get('/v1/tenants/ann/usage')).body.total.requests).toBe(before)
  const passed = await ask(url, { headers: { origin: PAGE }, token: server.adminKey })
  expect([passed.status, passed.headers.get('access-control-allow-origin')]).toEqual([200, PAGE])
  expect(passed.headers.get('access-control-expose-headers')).toBe('x-mine')
  expect(passed.headers.get('vary')).toContain('origin')
})

test('a route takes so many requests, whoever asks, and the others of the function go on', async () => {
  const url = await deploy({
    routes: [{ path: '/slow', auth: 'key', rate: { perSecond: 0.001, burst: 2 } }, { path: '/' }],
  })
  const statuses: number[] = []
  for (let n = 0; n < 3; n += 1) statuses.push((await ask(`${url}/slow`)).status)
  expect(statuses).toEqual([401, 401, 429])
  expect(Number((await ask(`${url}/slow`)).headers.get('retry-after'))).toBeGreaterThan(60)
  expect((await ask(url)).status).toBe(200)
})

test('a user of the application is let in by the session’s token or its JSON Web Token, until the session ends', async () => {
  const url = await deploy({ auth: 'users' })
  const code = `const user = await context.auth.signUp(input); const { token } = await context.auth.logIn(input)
    return { user, token, jwt: await context.auth.issueJwt(token, { claims: { role: 'editor' } }) }`
  const { user, token, jwt } = (await server.run('ann', { code, input: ANN })).body.result
  expect((await ask(url)).status).toBe(401)
  expect((await ask(url, { token: `${token}x` })).status).toBe(401)
  const bySession = await ask(url, { token })
  expect(bySession.body).toMatchObject({ caller: { user: { id: user.id, name: 'ann' } }, auth: null })
  expect((await ask(url, { token: jwt })).body.caller).toMatchObject({
    user: { id: user.id },
    claims: { role: 'editor' },
  })
  expect((await ask(await deploy({ auth: 'users' }, 'bob'), { token })).status).toBe(401)
  await server.run('ann', { code: `await context.auth.logOut(input)`, input: token })
  expect((await ask(url, { token })).status).toBe(401)
  expect((await ask(url, { token: jwt })).status).toBe(401)
})

test('a token of another issuer is checked with the keys that it publishes, which are fetched seldom', async () => {
  const [known, other] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')]
  issuer.keys = [{ ...(await exportJWK(known.publicKey)), kid: 'one', alg: 'ES256' }]
  const jwt = { jwksUrl: issuer.url, issuer: 'https://id.example', audience: 'shop' }
  const url = await deploy({ auth: { jwt } })
  const sign = (claims: object = {}, { key = known.privateKey, kid = 'one' } = {}) =>
    new SignJWT({ iss: jwt.issuer, aud: jwt.audience, sub: 'cy', exp: Math.floor(Date.now() / 1_000) + 600, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid })
      .sign(key)
  expect((await ask(url, { token: await sign() })).body.caller.claims).toMatchObject({ sub: 'cy' })
  const bad = [
    await sign({ iss: 'https://evil.example' }),
    await sign({ aud: 'another' }),
    await sign({ exp: 1 }),
    await sign({}, { key: other.privateKey }),
    await sign({}, { kid: 'two' }),
    `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{}').toString('base64url')}.`,
    'no-token',
  ]
  for (const token of bad) expect((await ask(url, { token })).status).toBe(401)
  // Once for the first token; the key that is not known is asked for no sooner than half a minute later.
  expect(issuer.asked).toBe(1)
})

test('host names lead to functions and to nothing else, and their pages are not sandboxed', async () => {
  const code = `export default { fetch: ({ url, headers }) => new Response(url + ' ' + headers.get('x-forwarded-prefix')) }`
  await server.put('/v1/tenants/ann/functions/site', { code })
  const get = async (host: string, path: string) => {
    const outgoing = request(server.url + path, { headers: { host, authorization: `Bearer ${server.adminKey}` } }).end()
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    const text = Buffer.concat((await answer.toArray()) as Buffer[]).toString()
    return { status: answer.statusCode, sandbox: answer.headers['content-security-policy'], text }
  }
  const found = { status: 200, sandbox: undefined }
  expect(await get('Shop.Example:8787', '/a?b=c')).toEqual({ ...found, text: 'http://shop.example:8787/a?b=c ' })
  expect(await get('ann.example', '/site/a')).toEqual({ ...found, text: 'http://ann.example/a /site' })
  expect(await get('ann.apps.example', '/site')).toEqual({ ...found, text: 'http://ann.apps.example/ /site' })
  for (const [host, path] of [
    ['ann.example', '/'],
    ['ann.example', '/v1/tenants'],
    ['bob.apps.example', '/site'],
    ['a.ann.apps.example', '/v1/tenants/ann/functions'],
  ] as const) {
    const { status } = await get(host, path)
    expect([host, path, status]).toEqual([host, path, host.startsWith('a.') ? 200 : 404])
  }
  expect((await get('localhost', '/run/ann/site/')).sandbox).toMatch(/^sandbox/)
})

test('keys are fetched from nowhere that the function itself could not reach', async () => {
  const asked = issuer.asked
  const jwt = { jwksUrl: issuer.url, issuer: 'x', audience: 'x' }
  const { status, body } = await ask(await deploy({ auth: { jwt } }, 'bob'), { token: 'a.b.c' })
  expect([status, body.error.code]).toEqual([503, 'OVERLOADED'])
  expect(issuer.asked).toBe(asked)
})

test.each([
  [{ routes: [{ path: 'pets' }] }, 'must start with a slash'],
  [{ routes: [{ path: '/a/*/b' }] }, 'has the segment "*"'],
  [{ routes: [{ path: '/:a/:a' }] }, 'has a parameter twice'],
  [{ routes: [{ path: '/', methods: ['get'] }] }, 'must be a method in capitals'],
  [{ cors: { origins: ['https://a.example/'] } }, 'must be an origin'],
  [{ cors: { origins: ['*'], credentials: true } }, 'not both'],
  [{ auth: 'anybody' }, 'must be "public", "key", "users" or {jwt}'],
  [{ auth: { jwt: { jwksUrl: 'file:///x', issuer: 'a', audience: 'b' } } }, 'config.http.auth'],
])('a configuration of %j is refused: it says what is wrong', async (http, fault) => {
  await expect(deploy(http)).rejects.toThrow(fault)
})
