import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROOT, runProgram } from '../cli/command-line.ts'
import { type Server, startServer } from '../e2e/server.ts'

const ANN = { name: 'Ann@Example.com', password: 'correct horse' }
let server: Server
beforeAll(async () => {
  server = await startServer()
  for (const tenant of ['ann', 'bob']) await server.tenant(tenant)
  const code = readFileSync(join(ROOT, 'examples/user-service/main.ts'), 'utf8')
  const { status, text } = await server.put('/v1/tenants/ann/functions/users', { code, language: 'typescript' })
  if (status !== 201) throw new Error(text)
})
afterAll(() => server[Symbol.asyncDispose]())

const call = (method: string, route: string, body?: object, cookie = '') =>
  fetch(`${server.url}/run/ann/users/${route}`, {
    method,
    headers: { cookie },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })

test('a user registers, logs in, is known and logs out; the operator ends sessions and deletes', async () => {
  expect((await call('POST', 'register', { ...ANN, password: 'short' })).status).toBe(400)
  const registered = await call('POST', 'register', ANN)
  expect(registered.status).toBe(201)
  const user: any = await registered.json()
  expect((await call('POST', 'register', ANN)).status).toBe(409)
  expect((await call('POST', 'login', { ...ANN, password: 'wrong password' })).status).toBe(401)
  const login = async (): Promise<string> => {
    const answer = await call('POST', 'login', ANN)
    expect(answer.headers.get('set-cookie')).toContain('; HttpOnly; Secure; SameSite=Lax')
    return answer.headers.get('set-cookie')!.split(';')[0]!
  }
  const me = async (cookie: string): Promise<number> => (await call('GET', 'me', undefined, cookie)).status
  const first = await login()
  expect(await (await call('GET', 'me', undefined, first)).json()).toEqual(user)
  expect((await call('POST', 'logout', undefined, first)).status).toBe(204)
  expect(await me(first)).toBe(401)

  const second = await login()
  const [ann, bob] = [await server.asTenant('ann'), await server.asTenant('bob')]
  const users = '/v1/tenants/ann/users'
  expect((await bob.get(users)).status).toBe(403)
  expect((await bob.delete(`${users}/${user.id}`)).status).toBe(403)
  expect((await server.as(undefined).get(users)).status).toBe(401)
  expect((await ann.get(users)).body).toEqual({ users: [user] })
  expect((await ann.get(`${users}/${user.id}/sessions`)).body.sessions).toHaveLength(1)
  expect((await ann.delete(`${users}/${user.id}/sessions`)).body).toEqual({ revoked: 1 })
  expect(await me(second)).toBe(401)

  const code = `const { token } = await context.auth.logIn(input); return context.auth.issueJwt(token)`
  expect((await server.as(undefined).get('/v1/tenants/ann/jwks')).body).toEqual({ keys: [] })
  const { result } = (await ann.run('ann', { code, input: ANN })).body
  const { body } = await server.as(undefined).get('/v1/tenants/ann/jwks')
  expect(body.keys[0]).not.toHaveProperty('d')
  const { payload } = await jwtVerify(result, createLocalJWKSet(body), { issuer: 'ann' })
  expect(payload.sub).toBe(user.id)

  const env = { CLOISTER_URL: server.url, CLOISTER_KEY: server.adminKey } as const
  expect((await runProgram(['users', 'list', '--tenant', 'ann'], { env })).stdout).toContain('ann@example.com')
  expect((await runProgram(['users', 'revoke', user.id, '--tenant', 'ann'], { env })).stderr).toContain(
    'ended 1 sessions',
  )
  expect((await runProgram(['users', 'delete', user.id, '--tenant', 'ann'], { env })).code).toBe(0)
  expect((await ann.get(`${users}/${user.id}/sessions`)).status).toBe(404)
})
