import { readFileSync, readdirSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Client, type Server, haveBegun, startServer } from './server.ts'

let server: Server
let ann: Client
let bob: Client
beforeAll(async () => {
  server = await startServer()
  await server.tenant('ann')
  await server.tenant('bob')
  ann = await server.asTenant('ann')
  bob = await server.asTenant('bob')
})
afterAll(() => server[Symbol.asyncDispose]())

test('two tenants see nothing of each other’s runs, bill, usage, budget and keys', async () => {
  const { body } = await ann.run('ann', { code: 'console.log("ann’s secret"); return 1' })
  const paths = ['runs', `runs/${body.runId}`, 'bill', 'bill/records', 'usage', 'budget', '']
  for (const path of paths) {
    const theirs = await bob.get(`/v1/tenants/ann${path === '' ? '' : `/${path}`}`)
    expect({ path, status: theirs.status, code: theirs.body.error.code }).toEqual({
      path,
      status: 403,
      code: 'FORBIDDEN',
    })
    const own = await ann.get(`/v1/tenants/ann${path === '' ? '' : `/${path}`}`)
    expect({ path, status: own.status }).toEqual({ path, status: 200 })
  }
  expect((await bob.post('/v1/tenants/ann/bill/verify')).status).toBe(403)
  // A run’s id under one’s own name finds nothing either.
  const guess = await bob.get(`/v1/tenants/bob/runs/${body.runId}`)
  expect({ status: guess.status, leaks: guess.text.includes('secret') }).toEqual({ status: 404, leaks: false })
  const page = await bob.get(`/v1/tenants/bob/runs?before=${body.runId}`)
  expect(page.status).toBe(404)
})

test('what one stores the other cannot read, list, count, change or delete', async () => {
  const store = `await context.kv.put('shared', input); await context.kv.increment('visits'); return (await context.kv.list()).keys.length`
  expect((await ann.run('ann', { code: store, input: 'ann’s' })).body.result).toBe(2)
  const look = `return [await context.kv.get('shared'), await context.kv.list(), await context.kv.delete('shared'), await context.kv.increment('visits')]`
  expect((await bob.run('bob', { code: look })).body.result).toEqual([null, { keys: [] }, false, 1])
  const read = `return [await context.kv.get('shared'), await context.kv.get('visits')]`
  expect((await ann.run('ann', { code: read })).body.result).toEqual(['ann’s', 1])
})

test('nothing that one leaves in its globals is seen by the other, or by its own next run', async () => {
  const leave = 'globalThis.left = 1; Array.prototype.left = 1; Object.prototype.toJSON = () => "spoilt"; return left'
  await ann.run('ann', { code: leave })
  for (const [client, tenant] of [
    [bob, 'bob'],
    [ann, 'ann'],
  ] as const) {
    const { body } = await client.run(tenant, { code: 'return [typeof left, [].left ?? null, { a: 1 }]' })
    expect(body.result).toEqual(['undefined', null, { a: 1 }])
  }
})

test('only the administrator makes tenants and keys', async () => {
  const attempts = [
    ann.get('/v1/tenants'),
    ann.put('/v1/tenants/ann', { policy: 'generous' }),
    ann.put('/v1/tenants/ann', { budget: null }),
    ann.put('/v1/tenants/another', {}),
    ann.delete('/v1/tenants/ann'),
    ann.post('/v1/tenants/ann/keys'),
    ann.get('/v1/tenants/ann/keys'),
    ann.delete('/v1/tenants/ann/keys/0123456789abcdef'),
  ]
  for (const { status, body } of await Promise.all(attempts)) {
    expect({ status, code: body.error.code }).toEqual({ status: 403, code: 'FORBIDDEN' })
  }
})

test('a key that nobody uses stays good, one that is revoked is dead at once, forged ones never lived', async () => {
  const made = (await server.post('/v1/tenants/bob/keys')).body
  const idle = (await server.post('/v1/tenants/bob/keys')).body
  expect(made.key).toMatch(/^clk_[0-9a-f]{16}_[\w-]{43}$/)
  const listed = await server.get('/v1/tenants/bob/keys')
  expect(listed.body.keys.map(({ id }: any) => id)).toEqual(expect.arrayContaining([made.id, idle.id]))
  expect(listed.text).not.toContain(made.key.slice(-43))
  const client = server.as(made.key)
  expect((await client.run('bob', { code: 'return 1' })).status).toBe(200)
  // Another tenant's path does not reach it.
  expect((await server.delete(`/v1/tenants/ann/keys/${made.id}`)).status).toBe(404)
  expect((await server.delete(`/v1/tenants/bob/keys/${made.id}`)).status).toBe(204)
  expect((await server.delete(`/v1/tenants/bob/keys/${made.id}`)).status).toBe(404)
  expect((await client.run('bob', { code: 'return 1' })).status).toBe(401)
  const forged = `clk_${idle.id}_${made.key.slice(-43)}`
  expect((await server.as(forged).run('bob', { code: 'return 1' })).status).toBe(401)
  expect((await server.as(idle.key).run('bob', { code: 'return 1' })).status).toBe(200)
})

test('keys outlive a restart, in no form that could be used by who reads the disk', async () => {
  await using first = await startServer()
  await first.tenant('ann')
  const { key } = (await first.post('/v1/tenants/ann/keys')).body
  first.process.child.kill('SIGTERM')
  await first.ended
  await using second = await startServer({ directory: first.directory })
  expect((await second.as(key).run('ann', { code: 'return 1' })).status).toBe(200)
  for (const file of readdirSync(first.directory, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue
    expect(readFileSync(`${file.parentPath}/${file.name}`).includes(key.slice(-43))).toBe(false)
  }
})

test('a tenant that is deleted while it runs: the run ends as it would, is charged, and its bill can still be read', async () => {
  await server.tenant('gone')
  const key = await server.asTenant('gone')
  const code = `await context.kv.increment('begun'); await new Promise((r) => setTimeout(r, 600)); return 'done'`
  const running = server.run('gone', { code })
  await haveBegun(server, 'gone')
  const { records } = (await server.get('/v1/tenants/gone/bill')).body
  expect((await server.delete('/v1/tenants/gone')).status).toBe(204)
  expect((await server.run('gone', { code })).status).toBe(404)
  expect((await key.get('/v1/tenants/gone/bill')).status).toBe(401)
  expect((await running).body).toMatchObject({ status: 'ok', result: 'done' })
  expect((await server.get('/v1/tenants/gone/bill')).body.records).toBe(records + 1)
  expect((await server.post('/v1/tenants/gone/bill/verify')).body).toMatchObject({ ok: true, records: records + 1 })
  expect((await server.get('/v1/tenants/gone')).status).toBe(404)
})

test('a tenant of the same name begins without the data of the one before it', async () => {
  await server.tenant('again')
  await server.run('again', { code: `await context.kv.put('a', 1)` })
  await server.delete('/v1/tenants/again')
  await server.tenant('again')
  expect((await server.run('again', { code: `return await context.kv.get('a')` })).body.result).toBe(null)
})

test('a policy that changes while a run goes on holds from the next run on', async () => {
  await server.tenant('shift', { policy: { limits: { memoryMb: 128 } } })
  const running = server.run('shift', {
    code: `await context.kv.increment('begun'); await new Promise((r) => setTimeout(r, 600)); return 1`,
  })
  await haveBegun(server, 'shift')
  await server.tenant('shift', { policy: { limits: { memoryMb: 64, wallMs: 300 }, capabilities: { kv: null } } })
  const next = await server.run('shift', { code: 'return typeof context.kv' })
  expect(next.body).toMatchObject({ status: 'ok', result: 'undefined', usage: { memoryMb: 64 } })
  expect((await running).body).toMatchObject({ status: 'ok', result: 1, usage: { memoryMb: 128 } })
  const late = await server.run('shift', { code: 'await new Promise((r) => setTimeout(r, 5_000))' })
  expect(late.body).toMatchObject({ status: 'timeout', usage: { units: 3 } })
})

test.each(['constructor', 'hasownproperty', 'a', 'x-', 'a'.repeat(63)])('a tenant may be called %s', async (tenant) => {
  await server.tenant(tenant)
  expect((await server.run(tenant, { code: 'return context.tenant' })).body.result).toBe(tenant)
  expect((await server.get(`/v1/tenants/${tenant}/bill`)).body.records).toBe(1)
})

test.each(['__proto__', 'Ann', '-a', '1a', 'a_b', 'a.b', 'ä', '%00', 'a%2fb', 'a'.repeat(64)])(
  'no tenant may be called %s',
  async (tenant) => {
    const { status, body } = await server.put(`/v1/tenants/${tenant}`, {})
    expect({ status, code: body.error.code }).toEqual({ status: 400, code: 'INVALID_TENANT' })
  },
)
