import { type IncomingHttpHeaders, createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Ended, runProgram } from '../cli/command-line.ts'
import { type Example, TENANT, openExample } from './example.ts'

const KEY = 'sk_live_51H8aGQ2eZvKYlo2C'
const ORDER = { id: '42', amount: 1250, currency: 'eur' }
const PLACEHOLDER = /cloister-secret\.STRIPE_KEY\.[0-9a-f]{32}/

interface Seen {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

const taken = new AsyncDisposableStack()
const seen: Seen[] = []
let example: Example
let origin: string
let set: Ended
let cloister: (args: readonly string[], input?: string) => ReturnType<typeof runProgram>

beforeAll(async () => {
  const stripe = createServer(async (request, response) => {
    const body = (await request.toArray()).join('')
    seen.push({ headers: request.headers, body })
    const isRefused = body.includes('amount=0')
    response.writeHead(isRefused ? 402 : 200, { 'x-request-key': request.headers.authorization ?? '' })
    response.end(isRefused ? `no payment with ${request.headers.authorization}` : '{"id":"pi_1","status":"succeeded"}')
  })
  await once(stripe.listen(0, '127.0.0.1'), 'listening')
  taken.defer(() => void stripe.close().closeAllConnections())
  const { port } = stripe.address() as AddressInfo
  origin = `http://127.0.0.1:${port}`
  example = taken.use(await openExample('payment-intent'))
  const fetch = { allow: [{ host: '*', ports: [port] }], privateRanges: ['127.0.0.0/8'] }
  await example.server.tenant(TENANT, { policy: { capabilities: { fetch } } })
  await example.server.tenant('bob', { policy: { capabilities: { fetch, secrets: { reveal: true } } } })
  const { key } = (await example.server.post(`/v1/tenants/${TENANT}/keys`)).body
  const env = { CLOISTER_URL: example.server.url, CLOISTER_KEY: key }
  cloister = (args, input = '') => runProgram([...args, '--tenant', TENANT], { env, input })
  set = await cloister(['secrets', 'set', 'STRIPE_KEY', '-', '--host', origin], `${KEY}\n`)
})
afterAll(() => taken.disposeAsync())

test('the command line takes a secret from standard input and does not show it', () => {
  expect([set.code, set.stderr]).toEqual([0, ''])
  expect(set.stdout).toContain(origin)
  expect(set.stdout).not.toContain(KEY)
})

test('the key reaches Stripe, and neither the code, its log, its error nor the ledger has it', async () => {
  const paid = (await example.post({ ...ORDER, origin })).body
  expect(paid).toMatchObject({ status: 'ok', result: { id: 'pi_1', status: 'succeeded' } })
  expect(paid.usage.operations).toMatchObject({ 'secrets.ref': 1, 'fetch.send': 1 })
  expect(paid.logs[0].message).toMatch(PLACEHOLDER)
  expect(seen.at(-1)).toMatchObject({
    headers: { authorization: `Bearer ${KEY}`, 'idempotency-key': 'order-42' },
    body: 'amount=1250&currency=eur&metadata%5Border%5D=42',
  })
  const refused = (await example.post({ ...ORDER, amount: 0, origin })).body
  expect(refused).toMatchObject({ status: 'error', error: { message: expect.stringMatching(PLACEHOLDER) } })
  const ledger = (await example.server.get(`/v1/tenants/${TENANT}/runs/${refused.run}`)).text
  expect(JSON.stringify([paid, refused]) + ledger).not.toContain(KEY)
})

test('to a host that the key is not bound to nothing is sent', async () => {
  const before = seen.length
  const { body } = await example.post({ ...ORDER, origin: origin.replace('127.0.0.1', '127.0.0.2') })
  expect(body.error.message).toContain('the secret STRIPE_KEY is not bound to http://127.0.0.2')
  expect(seen.length).toBe(before)
})

test('code has `reveal` only if its policy says so, and its own tenant’s secrets only', async () => {
  const code = 'return [Object.keys(context.secrets), await context.secrets.reveal?.("STRIPE_KEY")]'
  expect((await example.server.run(TENANT, { code })).body.result).toEqual([['ref'], null])
  const stranger = await example.server.run('bob', { code })
  expect(stranger.body.error.message).toBe('there is no secret STRIPE_KEY')
  const put = { value: 'bobs own key', hosts: ['a.example'] }
  expect((await example.server.put('/v1/tenants/bob/secrets/STRIPE_KEY', put)).status).toBe(201)
  expect((await example.server.run('bob', { code })).body.result).toEqual([['ref', 'reveal'], 'bobs own key'])
})

test('a tenant writes, lists and deletes its own secrets; nobody reads one', async () => {
  const { server } = example
  const ann = await server.asTenant(TENANT)
  const bob = await server.asTenant('bob')
  const path = `/v1/tenants/${TENANT}/secrets`
  const other = { value: 'of no use any more', hosts: ['Api.Example.com', '*.example.com'] }
  expect((await ann.put(`${path}/OTHER`, other)).body).toMatchObject({ hosts: ['api.example.com', '*.example.com'] })
  const faults = await ann.put(`${path}/OTHER`, { value: 'short', hosts: ['*'] })
  expect([faults.status, faults.body.error.code]).toEqual([400, 'INVALID_REQUEST'])
  expect((await ann.put(`${path}/lower`, other)).status).toBe(400)
  expect((await bob.put(`${path}/OTHER`, other)).status).toBe(403)
  expect((await bob.get(path)).status).toBe(403)
  const answers = await Promise.all([ann.get(path), server.get(path), ann.get(`${path}/STRIPE_KEY`)])
  expect(answers[0]!.body.secrets.map(({ name }: { name: string }) => name)).toEqual(['OTHER', 'STRIPE_KEY'])
  expect(answers[2]!.body).toEqual({
    name: 'STRIPE_KEY',
    hosts: [origin],
    createdAt: expect.any(String),
    updatedAt: expect.any(String),
  })
  const listed = await cloister(['secrets', 'list'])
  expect(listed.stdout).toContain(origin)
  expect(answers.map(({ text }) => text).join() + listed.stdout).not.toMatch(/sk_live|of no use/)
  expect((await cloister(['secrets', 'delete', 'OTHER'])).code).toBe(0)
  expect((await ann.delete(`${path}/OTHER`)).status).toBe(404)
  await server.tenant('strict', { policy: 'strict' })
  expect((await server.put('/v1/tenants/strict/secrets/KEY', other)).status).toBe(403)
})
