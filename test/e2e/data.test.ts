import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Ended, createDirectory, runProgram } from '../cli/command-line.ts'
import { type Client, type Server, startServer } from './server.ts'

let server: Server
let ann: Client
let bob: Client
beforeAll(async () => {
  server = await startServer()
  await server.tenant('ann')
  await server.tenant('bob', { policy: { capabilities: { kv: { keys: 2, operationsPerDay: 5 }, docs: null } } })
  ann = await server.asTenant('ann')
  bob = await server.asTenant('bob')
})
afterAll(() => server[Symbol.asyncDispose]())

const run = async (client: Client, tenant: string, code: string) => (await client.run(tenant, { code })).body
const errorOf = ({ status, body }: { status: number; body: any }) => [status, body?.error?.code, body?.error?.message]
const refused = (status: number, code: string) => [status, code, expect.any(String)]

/** One command line against the server, as its administrator. */
async function cli(...args: string[]): Promise<Ended> {
  const env = { CLOISTER_URL: server.url, CLOISTER_KEY: server.adminKey }
  return await runProgram([...args, '--tenant', 'ann'], { env })
}

test('what is put from outside a guest gets, and the other way round', async () => {
  const key = 'a/b?c=%2F #é😀'
  const path = `/v1/tenants/ann/kv/${encodeURIComponent(key)}`
  expect((await ann.put(path, { value: { n: [1] }, metadata: 'm', ttlSeconds: 60 })).status).toBe(204)
  const code = `const key = ${JSON.stringify(key)}; await context.kv.put(key + '2', null); return context.kv.getWithMetadata(key)`
  expect((await run(ann, 'ann', code)).result).toEqual({ value: { n: [1] }, metadata: 'm' })
  const { body } = await ann.get(path)
  expect(body).toEqual({ key, value: { n: [1] }, metadata: 'm', expiresAt: expect.any(String) })
  expect((await ann.get(`/v1/tenants/ann/kv?prefix=${encodeURIComponent('a/b')}&limit=1`)).body).toMatchObject({
    keys: [{ key, metadata: 'm' }],
    cursor: key,
  })
  // A key that holds null exists.
  expect((await ann.get(`${path}2`)).body).toMatchObject({ value: null })
  expect((await ann.delete(`${path}2`)).status).toBe(204)
  expect(errorOf(await ann.delete(`${path}2`))).toEqual([404, 'NOT_FOUND', expect.stringContaining('there is no key')])
  expect(errorOf(await ann.get(`${path}2`))).toEqual([404, 'NOT_FOUND', expect.stringContaining('there is no key')])
})

test('documents are made, found, changed and deleted from outside, in the guest’s own terms', async () => {
  const docs = '/v1/tenants/ann/docs'
  expect((await ann.put(`${docs}/orders`, { indexes: ['status', 'total'] })).body).toMatchObject({
    name: 'orders',
    documents: 0,
    indexes: [
      { path: 'status', state: 'ready' },
      { path: 'total', state: 'ready' },
    ],
  })
  expect(await ann.post(`${docs}/orders`, { data: { status: 'open', total: 5 }, id: 'a/1' })).toMatchObject({
    status: 201,
    body: { id: 'a/1', version: 1 },
  })
  await run(ann, 'ann', `await context.docs.collection('orders').insert({ status: 'open', total: 7 }, { id: 'b' })`)
  const where = encodeURIComponent('{"status":"open","total":{"gt":1}}')
  const found = await ann.get(`${docs}/orders?where=${where}&sort=-total&limit=1`)
  expect(found.body).toMatchObject({ documents: [{ id: 'b', data: { total: 7 } }], cursor: expect.any(String) })
  const next = await ann.get(`${docs}/orders?where=${where}&sort=-total&limit=1&cursor=${found.body.cursor}`)
  expect(next.body).toMatchObject({ documents: [{ id: 'a/1' }] })
  const one = `${docs}/orders/${encodeURIComponent('a/1')}`
  expect((await ann.put(`${one}?ifVersion=1`, { data: { status: 'paid' } })).body).toEqual({ id: 'a/1', version: 2 })
  expect(errorOf(await ann.put(`${one}?ifVersion=1`, { data: {} }))).toEqual(refused(409, 'CONFLICT'))
  expect((await ann.get(one)).body).toMatchObject({ version: 2, data: { status: 'paid' } })
  expect(
    (await ann.post(docs, { operations: [{ op: 'patch', collection: 'orders', id: 'b', data: { x: 1 } }] })).body,
  ).toEqual({ results: [{ id: 'b', version: 2 }] })
  expect((await ann.delete(one)).status).toBe(204)
  expect(errorOf(await ann.get(one))).toEqual(refused(404, 'NOT_FOUND'))
  expect(errorOf(await ann.get(`${docs}/orders?where={"x":1}`))).toEqual([
    400,
    'INVALID_REQUEST',
    expect.stringContaining('the field "x" of orders is not indexed'),
  ])
  expect(errorOf(await ann.get(`${docs}/orders?where=x`))).toEqual([400, 'INVALID_REQUEST', 'where: is not JSON'])
  expect((await ann.get(docs)).body.collections).toMatchObject([{ name: 'orders', documents: 1 }])
  expect((await ann.delete(`${docs}/orders`)).status).toBe(204)
  expect((await ann.get(docs)).body).toEqual({ collections: [] })
})

test('variables reach the code of every run as context.env, frozen, and their faults are named all at once', async () => {
  const env = '/v1/tenants/ann/env'
  expect((await ann.put(`${env}/GREETING`, { value: 'hällo "😀"\n' })).status).toBe(204)
  expect((await ann.put(`${env}/N`, { value: '1' })).status).toBe(204)
  const code = `try { context.env.N = '2' } catch {} return [context.env, Object.isFrozen(context.env)]`
  expect((await run(ann, 'ann', code)).result).toEqual([{ GREETING: 'hällo "😀"\n', N: '1' }, true])
  expect((await run(bob, 'bob', 'return context.env')).result).toEqual({})
  expect(errorOf(await ann.put(env, { env: { '1A': 'x', B: '\ud800', C: 'y' } }))).toEqual([
    400,
    'INVALID_REQUEST',
    'env."1A": its name must be 1 to 128 of A-Z, a-z, 0-9 and _, a letter first; env."B": holds half of a surrogate pair',
  ])
  expect(errorOf(await ann.put(`${env}/BIG`, { value: 'x'.repeat(40_000) }))).toEqual([
    400,
    'INVALID_REQUEST',
    'env: has 40027 bytes, names included; at most 32768 are allowed',
  ])
  expect((await ann.get(env)).body.env).toEqual({ GREETING: 'hällo "😀"\n', N: '1' })
  expect((await ann.delete(`${env}/N`)).status).toBe(204)
  expect(errorOf(await ann.delete(`${env}/N`))).toEqual(refused(404, 'NOT_FOUND'))
  expect((await ann.delete(env)).status).toBe(204)
  expect((await run(ann, 'ann', 'return context.env')).result).toEqual({})
})

test('a tenant’s key opens its own data alone', async () => {
  await ann.put('/v1/tenants/ann/kv/secret', { value: 'of ann' })
  for (const path of ['kv', 'kv/secret', 'docs', 'docs/orders', 'docs/orders/a', 'env', 'env/N']) {
    expect(errorOf(await bob.get(`/v1/tenants/ann/${path}`)), path).toEqual(refused(403, 'FORBIDDEN'))
    expect(errorOf(await server.as(undefined).get(`/v1/tenants/ann/${path}`)), path).toEqual(
      refused(401, 'UNAUTHENTICATED'),
    )
  }
  expect(errorOf(await bob.put('/v1/tenants/ann/kv/secret', { value: 1 }))).toEqual(refused(403, 'FORBIDDEN'))
  expect(errorOf(await bob.delete('/v1/tenants/ann/env'))).toEqual(refused(403, 'FORBIDDEN'))
  expect(errorOf(await bob.get('/v1/tenants/bob/docs/c'))).toEqual([
    403,
    'FORBIDDEN',
    'the policy of tenant "bob" does not grant docs',
  ])
  expect(errorOf(await server.get('/v1/tenants/nobody/kv'))).toEqual(refused(404, 'NOT_FOUND'))
})

test('the tenant’s grant bounds what is written from outside, too', async () => {
  await bob.put('/v1/tenants/bob/kv/a', { value: 1 })
  await bob.put('/v1/tenants/bob/kv/b', { value: 1 })
  expect(errorOf(await bob.put('/v1/tenants/bob/kv/c', { value: 1 }))).toEqual(refused(507, 'QUOTA_EXCEEDED'))
  expect(errorOf(await bob.put(`/v1/tenants/bob/kv/${'x'.repeat(600)}`, { value: 1 }))).toEqual([
    400,
    'INVALID_REQUEST',
    'key has 600 bytes; at most 512 are allowed',
  ])
  expect(errorOf(await bob.put('/v1/tenants/bob/kv/a', {}))).toEqual(refused(400, 'INVALID_REQUEST'))
})

test('a cell that dies in the middle of a call leaves whole data and a host that answers', async () => {
  const code = `const docs = context.docs.collection('halves')
    for (let n = 0; ; n++) { const pair = [0, 1].map((half) => ({ op: 'insert', collection: 'halves', data: { n, half } }))
      context.docs.transact(pair); context.kv.increment('begun'); if (n > 20) { const all = []; for (;;) all.push(new Array(1e6).fill(n)) } await null }`
  const { status } = await run(ann, 'ann', code)
  expect(['memory-exceeded', 'crashed', 'timeout', 'cpu-exceeded']).toContain(status)
  const { body } = await ann.get('/v1/tenants/ann/docs/halves?limit=1000')
  const counts = Object.values(Object.groupBy(body.documents as any[], ({ data }) => data.n)).map(
    (pair) => pair?.length,
  )
  expect(counts.every((count) => count === 2)).toBe(true)
  await ann.delete('/v1/tenants/ann/docs/halves')
})

test('the command line does all of it', async () => {
  await ann.delete('/v1/tenants/ann/env')
  const out = async (...args: string[]) => {
    const { stdout, stderr, code } = await cli(...args)
    return code === 0 ? stdout.trim() : `${code}: ${stderr.trim()}`
  }
  expect(await out('kv', 'put', 'a/1', '{"n":1}', '--metadata', '5', '--json')).toBe('{"put":"a/1"}')
  expect(JSON.parse(await out('kv', 'get', 'a/1'))).toEqual({ n: 1 })
  expect(await out('kv', 'list', '--prefix', 'a/1')).toMatch(/key +expires +metadata\na\/1 +5/)
  expect(await out('kv', 'put', 't', 'no json')).toMatch(/^2: .*not JSON[\s\S]*--text/)
  expect(await out('kv', 'delete', 'a/1', '--json')).toBe('{"deleted":"a/1"}')
  expect(JSON.parse(await out('docs', 'index', 'notes', 'n'))).toMatchObject({ name: 'notes' })
  expect(JSON.parse(await out('docs', 'insert', 'notes', '{"n":1}', '--id', 'x'))).toEqual({ id: 'x', version: 1 })
  expect(JSON.parse(await out('docs', 'find', 'notes', '--where', '{"n":1}'))).toMatchObject([{ id: 'x' }])
  expect(await out('docs', 'delete', 'notes', 'x', '--if-version', '2')).toMatch(/^3: .*CONFLICT/)
  await out('env', 'set', 'A', 'b c')
  expect(await out('env', 'list', '--json')).toBe('{"env":{"A":"b c"}}')
}, 120_000)

test('the operations of a day are bounded over all runs, and survive a killed host', async () => {
  await server.tenant('cat', { policy: { capabilities: { kv: { operationsPerDay: 5 } } } })
  const code = `const codes = []; for (let n = 0; n < 3; n++) codes.push(await context.kv.get('k').then(() => 'ok', (e) => e.code)); return codes`
  expect((await run(server, 'cat', code)).result).toEqual(['ok', 'ok', 'ok'])
  server.process.child.kill('SIGKILL')
  await server.ended
  await using second = await startServer({ directory: server.directory })
  expect((await run(second, 'cat', code)).result).toEqual(['ok', 'ok', 'QUOTA_EXCEEDED'])
})

test('the first thing that is kept in a data directory makes its tenant', async () => {
  using directory = createDirectory()
  const put = await runProgram(['kv', 'put', 'a', '1'], { cwd: directory.path })
  expect(put).toMatchObject({ code: 0 })
  expect(await runProgram(['kv', 'get', 'a'], { cwd: directory.path })).toMatchObject({ code: 0, stdout: '1\n' })
})
