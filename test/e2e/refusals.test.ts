import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Server, startServer } from './server.ts'

const CODE = { code: 'return 1' }
// What the policy of `small` allows.
const CODE_BYTES = 200
const INPUT_BYTES = 100_000

let server: Server
let tenantKey: string
beforeAll(async () => {
  server = await startServer({ knobs: { BODY_BYTES_MAX: '1000000', ALLOW_WEAK_WALLS: 'false' } })
  await server.tenant('ann')
  await server.tenant('bob')
  await server.tenant('poor', { budget: { month: { units: 0 } } })
  await server.tenant('broke', { budget: { day: { usd: '0.00000001' } } })
  await server.tenant('small', { policy: { limits: { codeBytes: CODE_BYTES, inputBytes: INPUT_BYTES } } })
  tenantKey = (await server.post('/v1/tenants/ann/keys')).body.key
})
afterAll(() => server[Symbol.asyncDispose]())

/** JSON but for one byte at its very end, so that nothing short of reading all of it finds out. */
const almostJson = `{"code":"return 1","input":["${'x'.repeat(70_000)}",{"a":[1,2,{"b":nul}]}]}`
const balanced = `{"code":"return 1","input":[${'{"a":[1,2]},'.repeat(8_000)}{a:1}]}`

test.each<[string, string, string | object | Uint8Array<ArrayBuffer>, number, string, RegExp]>([
  ['a body that is not JSON', 'ann', '{"code":', 400, 'INVALID_JSON', /position 8/],
  ['an empty body', 'ann', '', 400, 'INVALID_JSON', /position 0/],
  ['a body that is a list', 'ann', '[]', 400, 'INVALID_JSON', /expected \{/],
  ['a body that is not UTF-8', 'ann', Uint8Array.of(0x7b, 0xff, 0x7d), 400, 'INVALID_JSON', /not UTF-8/],
  ['an input that is balanced but not JSON', 'ann', balanced, 400, 'INVALID_JSON', /in the field "input"/],
  [
    'an input that ends wrongly after 70 kB',
    'ann',
    almostJson,
    400,
    'INVALID_JSON',
    /a value at position \d+, in the field "input"/,
  ],
  [
    'an input nested 100,000 deep',
    'ann',
    `{"code":"","input":${'['.repeat(1e5)}${']'.repeat(1e5)}}`,
    400,
    'INVALID_JSON',
    /1000 levels/,
  ],
  [
    'a name that is there twice',
    'ann',
    '{"code":"return 1","c\\u006fde":"return 2"}',
    400,
    'INVALID_REQUEST',
    /"code" is in the body twice/,
  ],
  ['an unknown field', 'ann', { ...CODE, timeout: 5 }, 400, 'INVALID_REQUEST', /"timeout" is not a field/],
  [
    'a field named __proto__',
    'ann',
    '{"code":"return 1","__proto__":{"timeoutMs":5}}',
    400,
    'INVALID_REQUEST',
    /"__proto__" is not a field/,
  ],
  ['no code at all', 'ann', {}, 400, 'INVALID_REQUEST', /code is missing/],
  ['code that is a number', 'ann', { code: 5 }, 400, 'INVALID_REQUEST', /^code: .*string/],
  [
    'code and modules',
    'ann',
    { ...CODE, modules: { 'a.js': '' }, main: 'a.js' },
    400,
    'INVALID_REQUEST',
    /code and modules/,
  ],
  [
    'a main that is no module',
    'ann',
    { modules: { 'a.js': '' }, main: 'constructor' },
    400,
    'INVALID_REQUEST',
    /main is "constructor"/,
  ],
  [
    'a module outside its folder',
    'ann',
    { modules: { '../a.js': '' }, main: '../a.js' },
    400,
    'INVALID_REQUEST',
    /"\.\.\/a\.js"/,
  ],
  ['an unknown language', 'ann', { ...CODE, language: 'python' }, 400, 'INVALID_REQUEST', /language: /],
  ['a timeout of 0', 'ann', { ...CODE, timeoutMs: 0 }, 400, 'INVALID_REQUEST', /timeoutMs: .*>0/],
  ['a timeout below 0', 'ann', { ...CODE, timeoutMs: -1 }, 400, 'INVALID_REQUEST', /timeoutMs: .*>0/],
  ['a timeout of a month', 'ann', { ...CODE, timeoutMs: 1e9 }, 400, 'INVALID_REQUEST', /timeoutMs: .*86400000/],
  ['a timeout that is text', 'ann', { ...CODE, timeoutMs: '5' }, 400, 'INVALID_REQUEST', /timeoutMs: .*number/],
  ['a name that no tenant can have', 'Ann', CODE, 400, 'INVALID_TENANT', /"Ann" is not 1 to 63/],
  ['a tenant named __proto__', '__proto__', CODE, 400, 'INVALID_TENANT', /"__proto__"/],
  ['a tenant that there is not', 'constructor', CODE, 404, 'NOT_FOUND', /"constructor"/],
  ['a budget of no units', 'poor', CODE, 402, 'BUDGET_EXCEEDED', /0 of 0 units are left .* could need 100/],
  ['a budget that is too small', 'broke', CODE, 402, 'BUDGET_EXCEEDED', /0\.000000010 of 0\.000000010 USD are left/],
  [
    'code one byte over its bound',
    'small',
    { code: `return 1//${'x'.repeat(CODE_BYTES - 9)}` },
    413,
    'TOO_LARGE',
    /201 bytes .* allows 200/,
  ],
  [
    'an input one byte over its bound',
    'small',
    { code: '', input: 'x'.repeat(INPUT_BYTES - 1) },
    413,
    'TOO_LARGE',
    /100001 bytes .* allows 100000/,
  ],
  ['a body over the host’s bound', 'small', 'x'.repeat(1_000_001), 413, 'TOO_LARGE', /longer than 1000000 bytes/],
])('%s is refused', async (_, tenant, body, http, code, message) => {
  const answer = await server.run(tenant, body)
  expect({ http: answer.status, code: answer.body?.error?.code }).toEqual({ http, code })
  expect(answer.body.error.message).toMatch(message)
  expect(Object.keys(answer.body)).toEqual(['error'])
  expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8')
})

test.each([
  ['code', { code: `return 1//${'x'.repeat(CODE_BYTES - 10)}` }],
  ['an input', { code: 'return 1', input: 'x'.repeat(INPUT_BYTES - 2) }],
])('%s of exactly its bound runs', async (_, body) => {
  expect((await server.run('small', body)).body).toMatchObject({ status: 'ok', result: 1 })
})

test.each([
  ['no key', undefined],
  ['an empty key', ''],
  ['a key that nobody has', `clk_0123456789abcdef_${'A'.repeat(43)}`],
  ['text that is no key', 'letmein'],
  ['an admin key with a letter too many', 'ADMIN+x'],
  ['a tenant’s key with another end', 'TENANT+x'],
])('%s is not let in', async (_, given) => {
  const key = given === 'ADMIN+x' ? `${server.adminKey}x` : given === 'TENANT+x' ? `${tenantKey.slice(0, -1)}_` : given
  for (const ask of [server.as(key).run('ann', CODE), server.as(key).get('/v1/tenants')]) {
    const { status, body, headers } = await ask
    expect({ status, code: body.error.code }).toEqual({ status: 401, code: 'UNAUTHENTICATED' })
    expect(headers.get('www-authenticate')).toBe('Bearer')
  }
})

test('a tenant’s key opens no other tenant, and does not tell whether there is one', async () => {
  const ann = server.as(tenantKey)
  expect((await ann.run('ann', CODE)).status).toBe(200)
  const answers = await Promise.all(['bob', 'nobody-here'].map((tenant) => ann.run(tenant, CODE)))
  for (const { status, body } of answers)
    expect({ status, code: body.error.code }).toEqual({ status: 403, code: 'FORBIDDEN' })
  expect(answers[0]!.text).toBe(answers[1]!.text)
})

test.each(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])(
  '%s on the way to a run is not allowed, and says what is',
  async (method) => {
    const response = await fetch(`${server.url}/v1/tenants/ann/execute`, {
      method,
      headers: { authorization: `Bearer ${server.adminKey}` },
    })
    expect({ status: response.status, allow: response.headers.get('allow') }).toEqual({ status: 405, allow: 'POST' })
    expect(await response.json()).toMatchObject({ error: { code: 'METHOD_NOT_ALLOWED' } })
  },
)

test('a route that there is not is not found, whoever asks', async () => {
  for (const path of ['/v1/tenants/ann/execute/', '/v2/tenants', '/v1/tenants/ann/nothing', '/']) {
    const { status, body } = await server.as(undefined).get(path)
    expect({ path, status, code: body.error.code }).toEqual({ path, status: 404, code: 'NOT_FOUND' })
  }
})

test.each([
  [{}, /no content-type/],
  [{ 'content-type': 'text/plain' }, /"text\/plain"/],
  [{ 'content-type': 'application/jsonx' }, /"application\/jsonx"/],
  [{ 'content-type': 'application/json', 'content-encoding': 'gzip' }, /content-encoding/],
])('a body that comes with %o is refused', async (headers, message) => {
  const response = await fetch(`${server.url}/v1/tenants/ann/execute`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.adminKey}`, ...headers } as Record<string, string>,
    body: Buffer.from(JSON.stringify(CODE)),
  })
  const { error } = (await response.json()) as any
  expect({ status: response.status, code: error.code }).toEqual({ status: 415, code: 'UNSUPPORTED_MEDIA' })
  expect(error.message).toMatch(message)
})

test.each<[unknown, string, RegExp]>([
  [{ policy: 'absent' }, 'INVALID_POLICY', /no policy is named "absent"/],
  [{ policy: '__proto__' }, 'INVALID_POLICY', /"__proto__"/],
  [
    { policy: { limits: { wallMs: 0, memoryMb: 'much' }, colour: 1 } },
    'INVALID_POLICY',
    /limits\.wallMs: .*limits\.memoryMb: .*colour: /s,
  ],
  [{ policy: { extends: 'absent' } }, 'INVALID_POLICY', /extends: /],
  [{ policy: 5 }, 'INVALID_REQUEST', /policy: /],
  [{ budget: { day: { units: -1 } } }, 'INVALID_REQUEST', /budget\.day\.units/],
  [{ budget: { day: { usd: '1e3' } } }, 'INVALID_REQUEST', /budget\.day\.usd is "1e3"/],
  [{ budget: { year: {} } }, 'INVALID_REQUEST', /"budget\.year"/],
  [{ plan: 'default' }, 'INVALID_REQUEST', /"plan" is not a field/],
])('a tenant cannot be made with %j', async (plan, code, message) => {
  const { status, body } = await server.put('/v1/tenants/new-one', plan as object)
  expect({ status, code: body.error.code }).toEqual({ status: 400, code })
  expect(body.error.message).toMatch(message)
  expect((await server.get('/v1/tenants/new-one')).status).toBe(404)
})

test.each([
  ['bill?period=2026-13', 'INVALID_PERIOD'],
  ['bill?period=9999-12', 'INVALID_PERIOD'],
  ['bill?month=2026-01', 'INVALID_REQUEST'],
  ['bill?period=2026-01&period=2026-02', 'INVALID_REQUEST'],
  ['usage?groupBy=colour', 'INVALID_REQUEST'],
  ['usage?from=yesterday', 'INVALID_PERIOD'],
  ['runs?limit=1001', 'INVALID_REQUEST'],
  ['runs?status=fine', 'INVALID_REQUEST'],
  ['runs?from=2026-02-02&to=2026-02-01', 'INVALID_PERIOD'],
])('%s is not understood', async (query, code) => {
  const { status, body } = await server.get(`/v1/tenants/ann/${query}`)
  expect({ status, code: body.error.code }).toEqual({ status: 400, code })
})

test('of all that was refused nothing is in the ledger', async () => {
  const { body } = await server.get('/v1/tenants')
  const records = async (tenant: string): Promise<number> =>
    (await server.get(`/v1/tenants/${tenant}/bill`)).body.records
  const counts = await Promise.all(body.tenants.map(async ({ tenant }: any) => [tenant, await records(tenant)]))
  // The runs of the tests that say so, and no other.
  expect(Object.fromEntries(counts)).toEqual({ ann: 1, bob: 0, broke: 0, poor: 0, small: 2 })
  const metrics = (await server.get('/metrics')).text
  expect(metrics).toMatch(/^cloister_refusals_total\{code="INTERNAL"\} 0$/m)
})
