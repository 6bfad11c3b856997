import { once } from 'node:events'
import { type Server as HttpServer, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROOT, runProgram } from '../cli/command-line.ts'
import { type Server, startServer } from '../e2e/server.ts'

const ANN = { name: 'Ann@Example.com', password: 'correct horse' }
const FUNCTIONS = ['register', 'login', 'logout'] as const
let server: Server
let env: Record<string, string>
let mail: HttpServer
const mails: { key: string | undefined; body: unknown }[] = []
beforeAll(async () => {
  server = await startServer()
  env = { CLOISTER_URL: server.url, CLOISTER_KEY: server.adminKey }
  mail = createServer(async (request, response) => {
    mails.push({ key: request.headers.authorization, body: JSON.parse((await request.toArray()).join('')) })
    response.end()
  }).listen(0, '127.0.0.1')
  await once(mail, 'listening')
  const { port } = mail.address() as AddressInfo
  const fetch = { allow: [{ host: '127.0.0.1', ports: [port], methods: ['POST'] }], privateRanges: ['127.0.0.0/8'] }
  await server.tenant('ann', { policy: { capabilities: { fetch } } })
  await server.tenant('bob')
  const origin = `http://127.0.0.1:${port}`
  await server.put('/v1/tenants/ann/secrets/MAIL_KEY', { value: 'the key of the mail service', hosts: [origin] })
  await server.put('/v1/tenants/ann/env/MAIL_URL', { value: `${origin}/send` })
  for (const name of FUNCTIONS) {
    const { code, stderr } = await runProgram(['deploy', `examples/user-service/${name}.ts`, '--tenant', 'ann'], {
      env,
      cwd: ROOT,
    })
    if (code !== 0) throw new Error(stderr)
  }
})
afterAll(async () => {
  mail?.close()
  await server?.[Symbol.asyncDispose]()
})

const call = (name: (typeof FUNCTIONS)[number], body?: object, cookie = '') =>
  fetch(`${server.url}/run/ann/${name}`, {
    method: 'POST',
    headers: { cookie },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })

test('a user registers, logs in and out; the operator ends sessions and deletes; each function has its own bill', async () => {
  expect((await call('register', { ...ANN, password: 'short' })).status).toBe(400)
  const registered = await call('register', ANN)
  expect(registered.status).toBe(201)
  const user: any = await registered.json()
  expect(mails).toEqual([
    { key: 'Bearer the key of the mail service', body: { to: 'ann@example.com', text: 'Welcome!' } },
  ])
  expect((await call('register', ANN)).status).toBe(409)
  expect((await call('login', { ...ANN, password: 'wrong password' })).status).toBe(401)
  const login = async (logins: number): Promise<string> => {
    const answer = await call('login', ANN)
    expect(await answer.json()).toEqual({ id: user.id, name: 'ann@example.com', logins })
    expect(answer.headers.get('set-cookie')).toContain('; HttpOnly; Secure; SameSite=Lax')
    return answer.headers.get('set-cookie')!.split(';')[0]!
  }
  const first = await login(1)
  expect((await call('logout', undefined, first)).status).toBe(204)
  expect((await call('logout', undefined, first)).status).toBe(401)

  const second = await login(2)
  const [ann, bob] = [await server.asTenant('ann'), await server.asTenant('bob')]
  const users = '/v1/tenants/ann/users'
  expect((await bob.get(users)).status).toBe(403)
  expect((await bob.delete(`${users}/${user.id}`)).status).toBe(403)
  expect((await server.as(undefined).get(users)).status).toBe(401)
  expect((await ann.get(users)).body).toEqual({ users: [user] })
  expect((await ann.get(`${users}/${user.id}/sessions`)).body.sessions).toHaveLength(1)
  expect((await ann.delete(`${users}/${user.id}/sessions`)).body).toEqual({ revoked: 1 })
  expect((await call('logout', undefined, second)).status).toBe(401)

  const { rows } = (await ann.get('/v1/tenants/ann/usage?groupBy=function')).body
  const usage = Object.fromEntries(rows.map((row: any) => [row.function, row]))
  expect(FUNCTIONS.map((name) => usage[name].requests)).toEqual([3, 3, 3])
  expect(FUNCTIONS.map((name) => Object.keys(usage[name].operations))).toEqual([
    ['auth.signUp', 'docs.insert', 'fetch.send', 'secrets.ref'],
    ['auth.logIn', 'docs.get', 'docs.replace'],
    ['auth.logOut'],
  ])
  for (const name of FUNCTIONS) expect(Number(usage[name].cost)).toBeGreaterThan(0)
})

test('a token that a function signs is checked with the key that the tenant publishes', async () => {
  const code = `const user = await context.auth.signUp(input); const { token } = await context.auth.logIn(input)
    return { user, jwt: await context.auth.issueJwt(token) }`
  expect((await server.as(undefined).get('/v1/tenants/ann/jwks')).body).toEqual({ keys: [] })
  const { result } = (await server.run('ann', { code, input: { ...ANN, name: 'cy' } })).body
  const { body } = await server.as(undefined).get('/v1/tenants/ann/jwks')
  expect(body.keys[0]).not.toHaveProperty('d')
  const { payload } = await jwtVerify(result.jwt, createLocalJWKSet(body), { issuer: 'ann' })
  expect(payload.sub).toBe(result.user.id)

  expect((await runProgram(['users', 'list', '--tenant', 'ann'], { env })).stdout).toContain('cy')
  const revoked = await runProgram(['users', 'revoke', result.user.id, '--tenant', 'ann'], { env })
  expect(revoked.stderr).toContain('ended 1 sessions')
  expect((await runProgram(['users', 'delete', result.user.id, '--tenant', 'ann'], { env })).code).toBe(0)
  expect((await server.get(`/v1/tenants/ann/users/${result.user.id}/sessions`)).status).toBe(404)
})
