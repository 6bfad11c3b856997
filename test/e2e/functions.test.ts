import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Client, type Server, startServer } from './server.ts'

let server: Server
let acme: Client
let acmeKey: string
const at = (name: string, more = ''): string => `/v1/tenants/acme/functions/${name}${more}`
const deploy = (name: string, code: string, config?: object) => acme.put(at(name), { code, ...(config && { config }) })
const invoke = async (name: string, input?: unknown, query = '') =>
  (await acme.post(at(name, `/invoke${query}`), input === undefined ? undefined : { input })).body

beforeAll(async () => {
  // A machine that is slow to end a run cleanly must not take the run that called it along.
  server = await startServer({ knobs: { KILL_GRACE_MS: '5000' } })
  await server.tenant('acme')
  await server.tenant('other')
  const { key } = (await server.post('/v1/tenants/acme/keys')).body
  acme = server.as(key)
  acmeKey = `Bearer ${key}`
})
afterAll(() => server[Symbol.asyncDispose]())

test('a function is deployed, called and deployed again; its runs are in the ledger by function and version', async () => {
  const code = 'export default (input, context) => [input, context.function, context.env.GREETING]'
  const config = { env: { GREETING: 'hé 𝌆' } }
  const first = await deploy('greet', code, config)
  expect([first.status, first.body]).toEqual([
    201,
    { name: 'greet', version: 1, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
  ])
  expect((await deploy('greet', code, config)).status).toBe(200)
  const run = await invoke('greet', { n: 1 })
  expect(run).toMatchObject({ function: 'greet', version: 1, status: 'ok' })
  expect(run.result).toEqual([{ n: 1 }, { name: 'greet', version: 1 }, 'hé 𝌆'])

  expect((await deploy('greet', 'export default () => "two"')).body).toMatchObject({ version: 2 })
  expect((await invoke('greet')).result).toBe('two')
  expect((await invoke('greet', null, '?version=1')).version).toBe(1)
  expect((await acme.put(`${at('greet')}?publish=false`, { code: 'export default () => 3' })).body.version).toBe(3)
  expect((await invoke('greet')).version).toBe(2)
  expect((await invoke('greet', null, '?alias=live')).version).toBe(2)

  expect((await acme.get(at('greet', '/versions'))).body.versions.map((each: any) => each.version)).toEqual([3, 2, 1])
  expect((await acme.get(at('greet'))).body).toMatchObject({
    latest: { version: 3, handlers: ['default'], config: {} },
    aliases: { live: { version: 2, previous: 1 } },
  })
  expect((await acme.get('/v1/tenants/acme/functions')).body.functions).toMatchObject([{ name: 'greet' }])
  const posted = (await acme.get('/v1/tenants/acme/runs?function=greet')).body.runs
  expect(posted.map((each: any) => [each.trigger, each.version])).toEqual([
    ['invoke', 2],
    ['invoke', 2],
    ['invoke', 1],
    ['invoke', 2],
    ['invoke', 1],
  ])
  const usage = (await acme.get('/v1/tenants/acme/usage?groupBy=function,version')).body.rows
  expect(usage).toMatchObject([
    { function: 'greet', version: '1', requests: 2 },
    { function: 'greet', version: '2', requests: 3 },
  ])
  expect((await acme.post('/v1/tenants/acme/bill/verify')).body).toMatchObject({ ok: true, records: 5 })
})

test('globals live on between the runs of a version, and are never shared with another function of equal code', async () => {
  const code = 'let count = 0; export default () => (count += 1)'
  await deploy('counter', code)
  await deploy('twin', code)
  await deploy('fresh', code, { reuse: 'context' })
  expect([(await invoke('counter')).result, (await invoke('counter')).result]).toEqual([1, 2])
  expect((await invoke('twin')).result).toBe(1)
  expect([(await invoke('fresh')).result, (await invoke('fresh')).result]).toEqual([1, 1])
  await acme.delete(at('counter'))
  expect((await acme.post(at('counter', '/invoke'))).status).toBe(404)
  await deploy('counter', code)
  expect(await invoke('counter')).toMatchObject({ version: 1, result: 1 })
})

test('code that could never run is refused when it is deployed, with its own lines, and nothing is charged', async () => {
  const before = (await acme.get('/v1/tenants/acme/usage')).body.total.requests
  const refused = async (code: string) => {
    const { status, body } = await deploy('broken', code)
    return [status, body.error?.code, body.error?.message]
  }
  expect(await refused('export default () => {\n  return )\n}')).toEqual([
    400,
    'INVALID_CODE',
    expect.stringContaining('main.js:2:'),
  ])
  expect(await refused('\nthrow new Error("no")\nexport default () => 1')).toEqual([
    400,
    'INVALID_CODE',
    expect.stringMatching(/Error: no .*main\.js:2:7/),
  ])
  expect(await refused('import "left-pad"; export default () => 1')).toEqual([
    400,
    'INVALID_CODE',
    expect.stringContaining('left-pad'),
  ])
  expect(await refused('export const a = 1')).toEqual([400, 'NO_HANDLER', expect.any(String)])
  const large = 'const rows = []; for (;;) rows.push(new Array(1_000_000).fill(rows.length)); export default () => 1'
  await server.tenant('small', { policy: { limits: { memoryMb: 32, wallMs: 1_000 } } })
  const { body: big } = await server.put('/v1/tenants/small/functions/large', { code: large })
  // V8 may take longer over its last free memory than it is given.
  expect(['START_TOO_LARGE', 'START_TOO_SLOW']).toContain(big.error.code)
  await server.tenant('hasty', { policy: { limits: { wallMs: 300 } } })
  const slow = 'await new Promise((r) => setTimeout(r, 60_000)); export default () => 1'
  const { body: late } = await server.put('/v1/tenants/hasty/functions/slow', { code: slow })
  expect(late.error).toMatchObject({ code: 'START_TOO_SLOW', message: expect.stringContaining('300 ms') })
  expect(await refused(`export default () => ${JSON.stringify('x'.repeat(1_048_576))}`)).toEqual([
    413,
    'TOO_LARGE',
    expect.stringContaining('1048576'),
  ])
  expect((await acme.get(at('broken'))).status).toBe(404)
  expect((await acme.get('/v1/tenants/acme/usage')).body.total.requests).toBe(before)
  await deploy('handler', 'export default { fetch: () => new Response("hi") }')
  expect((await acme.get(at('handler'))).body.latest.handlers).toEqual(['fetch'])
  expect((await acme.post(at('handler', '/invoke'))).body.error.code).toBe('NO_HANDLER')
})

test('a canary gets its share of callers, each always the same version, and one that asks at any share; a rollback ends it', async () => {
  for (const n of [1, 2, 3]) await deploy('canary', `export default () => ${n}`)
  const live = at('canary', '/aliases/live')
  const results = async (headers: Record<string, string>) => {
    const init = { method: 'POST', headers: { ...headers, authorization: acmeKey } }
    return ((await (await fetch(server.url + at('canary', '/invoke'), init)).json()) as any).result
  }
  expect((await acme.put(live, { version: 2, weights: { '3': 30 } })).body).toMatchObject({
    weights: { '2': 70, '3': 30 },
  })
  const callers = Array.from({ length: 40 }, (_, index) => `caller-${index}`)
  const first = await Promise.all(callers.map((name) => results({ 'cloister-caller': name })))
  const again = await Promise.all(callers.map((name) => results({ cookie: `a=b; cloister-caller=${name}` })))
  expect(again).toEqual(first)
  expect(new Set(first)).toEqual(new Set([2, 3]))

  await acme.put(live, { version: 2, weights: { '2': 20, '3': 80 } })
  const more = await Promise.all(callers.map((name) => results({ 'cloister-caller': name })))
  expect(callers.filter((_, index) => first[index] === 3 && more[index] !== 3)).toEqual([])
  await acme.put(live, { version: 2, weights: { '3': 0 } })
  expect(await results({ 'cloister-caller': 'caller-1' })).toBe(2)
  expect(await results({ 'cloister-version': '3' })).toBe(3)
  expect(await results({ 'cloister-version': '1' })).toBeUndefined()

  expect((await acme.post(at('canary', '/rollback'))).body).toEqual({
    name: 'canary',
    alias: 'live',
    version: 2,
    from: 3,
  })
  expect(await results({ 'cloister-version': '3' })).toBeUndefined()
  expect((await acme.post(at('canary', '/rollback'))).body).toMatchObject({ version: 3, from: 2 })
  expect((await acme.put(at('canary', '/aliases/beta'), { version: 1 })).status).toBe(200)
  expect((await invoke('canary', null, '?alias=beta')).result).toBe(1)
  expect((await acme.delete(at('canary', '/aliases/beta'))).status).toBe(204)
  expect((await acme.get(at('canary', '/aliases/beta'))).status).toBe(404)
  for (const weights of [{ '1': 50, '3': 10 }, { '2': 60, '3': 60 }, { '2': 60 }, { x: 1 }, { '3': 101 }]) {
    const { body } = await acme.put(live, { version: 2, weights })
    expect([weights, body.error?.code]).toEqual([weights, 'INVALID_REQUEST'])
  }
  expect((await acme.put(live, { version: 9 })).body.error.code).toBe('NOT_FOUND')
})

test('a canary that fails loses its share by itself, and the figures are told; one that is not watched keeps it', async () => {
  await deploy('risky', 'export default () => 1')
  await acme.put(`${at('risky')}?publish=false`, { code: 'export default () => { throw new Error("worse") }' })
  const live = at('risky', '/aliases/live')
  const callAll = (): Promise<unknown> => Promise.all(Array.from({ length: 8 }, () => invoke('risky')))
  await acme.put(live, { version: 1, weights: { '2': 50 }, rollback: 'off' })
  for (let round = 0; round < 10; round += 1) await callAll()
  expect((await acme.get(live)).body).toMatchObject({ weights: { '2': 50 }, rollback: 'off' })

  await acme.put(live, { version: 1, weights: { '2': 50 }, rollback: { metrics: ['errors'], minRuns: 20 } })
  while ((await acme.get(live)).body.weights !== undefined) await callAll()
  expect((await invoke('risky')).result).toBe(1)
  const { rollbacks } = (await acme.get(at('risky', '/rollbacks'))).body
  expect(rollbacks).toMatchObject([
    { alias: 'live', version: 1, from: 2, findings: [{ metric: 'errors', unit: 'share', canary: 1, stable: 0 }] },
  ])
  expect(rollbacks[0].findings[0].canaryRuns).toBeGreaterThanOrEqual(20)
  const refused = (await acme.put(live, { version: 1, weights: { '2': 5 }, rollback: { minRuns: 1 } })).body.error
  expect(refused.message).toContain('rollback')
  expect((await acme.put(live, { version: 1, rollback: 'off' })).body.error.code).toBe('INVALID_REQUEST')
})

test('every fault of a configuration and of a call is told at once', async () => {
  const { status, body } = await deploy('f', 'export default () => 1', {
    timeoutMs: 0,
    reuse: 'never',
    env: { '1': 'x', A: 5 },
    memory: 1,
  })
  expect(status).toBe(400)
  for (const field of ['config.timeoutMs', 'config.reuse', 'config.env.A', 'config.memory']) {
    expect(body.error.message).toContain(field)
  }
  expect((await acme.post(at('f', '/invoke?version=1&alias=live'))).body.error.code).toBe('INVALID_REQUEST')
  expect((await acme.post(at('f', '/invoke'), { inputs: 1 })).body.error.message).toContain('inputs')
  expect((await acme.post(at('f', '/invoke'))).body.error.code).toBe('NOT_FOUND')
  expect((await acme.put(at('f%20g'), { code: '' })).body.error.code).toBe('INVALID_REQUEST')
  const other = await server.asTenant('other')
  expect((await other.get(at('greet'))).status).toBe(403)
})

test('a version’s own time limit holds, and a policy that states how isolates are used is only made stricter', async () => {
  await deploy('slow', 'export default () => new Promise((r) => setTimeout(r, 60_000))', { timeoutMs: 80 })
  expect(await invoke('slow')).toMatchObject({ status: 'timeout', error: { message: expect.stringContaining('80') } })
  await server.tenant('strict', { policy: { instance: { reuse: 'context' } } })
  const code = 'let count = 0; export default () => (count += 1)'
  const path = '/v1/tenants/strict/functions/counter'
  await server.put(path, { code, config: { reuse: 'function' } })
  const results = [await server.post(`${path}/invoke`), await server.post(`${path}/invoke`)]
  expect(results.map(({ body }) => body.result)).toEqual([1, 1])
})

test('functions call each other as runs of their own, to a depth of sixteen, though the tenant has a single turn and a single cell', async () => {
  const limits = { wallMs: 60_000, concurrency: 1, queue: 0 }
  await server.tenant('alone', { policy: { limits, instance: { maxCells: 1, runsPerCell: 1 } } })
  const alone = await server.asTenant('alone')
  const path = '/v1/tenants/alone/functions/'
  const call = async (name: string, input?: unknown) => (await alone.post(`${path}${name}/invoke`, { input })).body
  const put = async (name: string, code: string) => {
    expect([
      name,
      (await alone.put(path + name, { code: `export default async (input, context) => ${code}` })).status,
    ]).toEqual([name, 201])
  }
  await put('down', 'input === 0 ? [context.runId] : [context.runId, ...(await context.invoke("down", input - 1))]')
  const deep = await call('down', 16)
  expect(deep).toMatchObject({ status: 'ok' })
  const chain = deep.result as string[]
  expect(chain).toHaveLength(17)
  for (const [index, run] of chain.entries()) {
    const posted = (await alone.get(`/v1/tenants/alone/runs/${run}`)).body
    expect(posted.parentRun).toBe(chain[index - 1])
    expect(posted.trigger).toBe(index === 0 ? 'invoke' : 'function')
  }
  expect((await call('down', 17)).error.message).toContain('16 calls deep')

  await put('double', 'new Promise((done) => setTimeout(() => done(input * 2), 20))')
  await put('many', 'Promise.all(input.map((n) => context.invoke("double", n)))')
  expect((await call('many', [1, 2, 3, 4, 5, 6])).result).toEqual([2, 4, 6, 8, 10, 12])

  await put('throws', '{ throw new RangeError("too far") }')
  await put('sleeps', 'new Promise((done) => setTimeout(done, 60_000))')
  const attempts = `[['throws'], ['none'], ['double', 1, { version: 9 }], ['sleeps', null, { timeoutMs: 50 }], [7], ['double', 1, { versions: 1 }]]`
  await put(
    'fails',
    `Promise.all(${attempts}.map((args) => context.invoke(...args).catch((e) => [e.code, e.message])))`,
  )
  expect((await call('fails')).result).toEqual([
    ['RUN_ERROR', expect.stringMatching(/"throws" ended as error \(run_\w+\): RangeError: too far/)],
    ['NOT_FOUND', expect.stringContaining('"none"')],
    ['NOT_FOUND', expect.stringContaining('version 9')],
    ['RUN_TIMEOUT', expect.stringContaining('50 ms')],
    ['INVALID_ARGUMENT', expect.any(String)],
    ['INVALID_ARGUMENT', expect.stringContaining('versions')],
  ])
  // Whoever is not waited for any more ends with the run that called.
  await put('stays', 'context.kv.put("begun", true).then(() => new Promise((done) => setTimeout(done, 60_000)))')
  const pause = 'await new Promise((done) => setTimeout(done, 10))'
  await put('leaves', `{ context.invoke("stays").catch(() => {}); while (!(await context.kv.get("begun"))) ${pause} }`)
  expect((await call('leaves')).status).toBe('ok')
  const ended = async () => (await alone.get('/v1/tenants/alone/runs?function=stays&status=cancelled')).body.runs.length
  await expect.poll(ended, { timeout: 20_000 }).toBe(1)
  expect((await call('double', 4)).result).toBe(8)
  expect((await alone.post('/v1/tenants/alone/bill/verify')).body.ok).toBe(true)
})
