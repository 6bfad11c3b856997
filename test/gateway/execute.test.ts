import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CloisterError } from '../../src/core/errors.ts'
import { listen } from '../../src/core/events.ts'
import { bytes } from '../../src/core/quantity.ts'
import { runAnswer } from '../../src/gateway/schemas.ts'
import { ADMIN_KEY, USAGE, makeOutcome, openGateway, refusalOf } from './world.ts'

const EXECUTE = '/v1/tenants/acme/execute'

test('a run is answered with its result, its logs and its usage', async () => {
  const world = await openGateway()
  const response = await world.call('POST', EXECUTE, { key: world.key, body: { code: 'return 1', input: { n: 1 } } })
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
  const answer: unknown = await response.json()
  expect(answer).toEqual({
    runId: expect.stringMatching(/^run_/),
    status: 'ok',
    result: { hello: 'ann' },
    logs: [],
    usage: {
      wallMs: 12.4,
      cpuMs: 3.1,
      units: 1,
      billedMs: 100,
      memoryMb: 128,
      coldStart: true,
      billed: true,
      costUsd: '0.000000408',
    },
  })
  expect(runAnswer.parse(answer)).toBeTruthy()
})

test('what the guest did is in the body; the status of HTTP is 200 whatever it was', async () => {
  const world = await openGateway()
  const error = { name: 'TypeError', message: 'ä "quoted"\n', stack: 'at main.js:1:7' }
  const usage = { ...USAGE, peakMemory: bytes(3 << 19), operations: { 'kv.get': 2 } }
  const { result: _none, ...outcome } = makeOutcome({
    status: 'error',
    error,
    usage,
    logs: [{ level: 'warn', message: '→ 日本' }],
  })
  world.execute = async () => outcome
  const response = await world.call('POST', EXECUTE, { body: { code: 'x' } })
  const answer = (await response.json()) as { usage: object }
  expect([response.status, answer]).toMatchObject([
    200,
    { status: 'error', error, logs: [{ level: 'warn', message: '→ 日本' }] },
  ])
  expect(answer).not.toHaveProperty('result')
  expect(answer.usage).toMatchObject({ peakMemoryMb: 1.5, operations: { 'kv.get': 2 } })
  expect(runAnswer.parse(answer)).toBeTruthy()
})

test('any result reaches the caller as the bytes that the cell sent, and any input the cell as the caller sent it', async () => {
  const world = await openGateway()
  const log = fc.record({
    level: fc.constantFrom('info', 'error'),
    message: fc.string({ unit: 'binary', maxLength: 5 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.json(), fc.json(), fc.array(log, { maxLength: 2 }), async (input, result, logs) => {
      world.execute = async () => makeOutcome({ result: new TextEncoder().encode(result), logs: logs as [] })
      const response = await world.call('POST', EXECUTE, { body: `{ "input" : ${input} , "code":"x"}` })
      const text = await response.text()
      expect(text).toContain(`"result":${result},"logs":`)
      expect(JSON.parse(text).logs).toEqual(JSON.parse(JSON.stringify(logs)))
      expect(Buffer.from(world.requests.at(-1)!.input).toString()).toBe(input)
    }),
    { numRuns: 60 },
  )
})

test('a result too long to be copied is sent as it is', async () => {
  const world = await openGateway()
  const result = JSON.stringify('ü'.repeat(100_000))
  world.execute = async () => makeOutcome({ result: Buffer.from(result) })
  const response = await world.call('POST', EXECUTE, { body: { code: 'x' } })
  expect(await response.json()).toMatchObject({ result: JSON.parse(result) })
})

test('the run gets the artifact, the time limit and null for an input that is absent', async () => {
  const world = await openGateway()
  await world.call('POST', EXECUTE, { body: { code: 'return "\\u00e4"', timeoutMs: 250 } })
  const modules = { 'a.ts': 'import "./b.ts"', 'b.ts': '' }
  await world.call('POST', EXECUTE, { body: { modules, main: 'a.ts', input: null } })
  expect(world.requests).toMatchObject([
    { tenant: 'acme', trigger: 'execute', timeout: 250, artifact: { language: 'javascript', main: 'main.js' } },
    { artifact: { language: 'typescript', main: 'a.ts' } },
  ])
  expect(world.requests[0]!.artifact.modules.get('main.js')).toBe('return "\\u00e4"')
  expect(world.requests.map(({ input }) => Buffer.from(input).toString())).toEqual(['null', 'null'])
  expect(world.requests[1]).not.toHaveProperty('timeout')
})

test('the same request is answered alike without a socket, and with a spelling that only the router knows', async () => {
  const world = await openGateway()
  const outcome = makeOutcome()
  world.execute = async () => outcome
  const body = JSON.stringify({ code: 'return 1', input: [1] })
  const headers = { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' }
  const overSocket = await (await world.call('POST', EXECUTE, { body })).text()
  const injected = await world.inject({ method: 'POST', url: EXECUTE, headers, payload: body })
  const escaped = await world.call('POST', '/v1/tenants/%61cme/execute?', { body })
  expect([injected.statusCode, injected.body]).toEqual([200, overSocket])
  expect(await escaped.text()).toBe(overSocket)
  expect(world.requests.map(({ tenant }) => tenant)).toEqual(['acme', 'acme', 'acme'])
})

test('the bound of a body is our own on every way in', async () => {
  const world = await openGateway({ bodySizeMax: 4 << 20 })
  const body = { code: 'x'.repeat(3 << 20) }
  for (const path of [EXECUTE, `${EXECUTE}?`]) expect((await world.call('POST', path, { body })).status).toBe(200)
})

const REFUSED: readonly (readonly [body: string, code: string, message: RegExp])[] = [
  ['', 'INVALID_JSON', /expected \{ at position 0/],
  ['{"code":"x"', 'INVALID_JSON', /expected , or \} at position 11/],
  ['{"code":"x","input":{"a":}}', 'INVALID_JSON', /at position 25, in the field "input"/],
  ['{"code":"x","code":"y"}', 'INVALID_REQUEST', /"code" is in the body twice/],
  ['{}', 'INVALID_REQUEST', /^code is missing/],
  ['{"code":1}', 'INVALID_REQUEST', /^code: /],
  ['{"code":"x","timeoutMs":0}', 'INVALID_REQUEST', /^timeoutMs: .*>0/],
  ['{"code":"x","timeoutMs":"1"}', 'INVALID_REQUEST', /^timeoutMs: .*number/],
  ['{"code":"x","language":"cobol"}', 'INVALID_REQUEST', /^language: .*javascript.*typescript/],
  [
    '{"code":"x","inputs":1,"__proto__":{}}',
    'INVALID_REQUEST',
    /"inputs" is not a field of the body; "__proto__" is not/,
  ],
  ['{"modules":{"../x.js":""},"main":"../x.js"}', 'INVALID_REQUEST', /"\.\.\/x\.js" has a part/],
  ['{"modules":{"a.js":1},"main":"a.js"}', 'INVALID_REQUEST', /^modules\.a\.js: /],
]

test.each(REFUSED)('%s is refused as %s', async (body, code, message) => {
  const world = await openGateway()
  const refusal = await refusalOf(world.call('POST', EXECUTE, { body }))
  expect(refusal).toMatchObject({ status: 400, code, message: expect.stringMatching(message) })
  expect(world.requests).toEqual([])
})

test('a refusal on the path keeps its code, its status and its wait, in seconds rounded up for HTTP', async () => {
  const world = await openGateway()
  world.execute = async () => {
    throw new CloisterError('RATE_LIMITED', 'slower', { retryAfterMs: 1_200.5 })
  }
  const response = await world.call('POST', EXECUTE, { body: { code: 'x' } })
  expect([response.status, response.headers.get('retry-after')]).toEqual([429, '2'])
  expect(await response.json()).toEqual({ error: { code: 'RATE_LIMITED', message: 'slower', retryAfterMs: 1_201 } })
})

test('a fault of the host hides its cause from the caller and shows it to the log', async () => {
  const world = await openGateway()
  const cause = new Error('password of the database')
  world.execute = async () => {
    throw cause
  }
  const response = await world.call('POST', EXECUTE, { body: { code: 'x' } })
  const text = await response.text()
  expect([response.status, JSON.parse(text).error.code]).toEqual([500, 'INTERNAL'])
  expect(text).not.toContain('password')
  const route = 'POST /v1/tenants/{tenant}/execute'
  const fields = { err: cause, route, request: response.headers.get('x-request-id') }
  expect(world.log).toEqual([{ event: 'request.failed', fields }])
})

test('every run that is refused is told once, with the tenant if its name is one', async () => {
  const world = await openGateway()
  const told: unknown[] = []
  const stop = listen('run.refused', (event) => told.push(event))
  await world.call('POST', EXECUTE, { body: '{' })
  await world.call('POST', EXECUTE, { key: null, body: { code: 'x' } })
  await world.call('POST', '/v1/tenants/ACME/execute', { body: { code: 'x' } })
  await world.call('GET', '/v1/tenants', { key: null })
  stop()
  expect(told).toEqual([
    { tenant: 'acme', code: 'INVALID_JSON' },
    { tenant: 'acme', code: 'UNAUTHENTICATED' },
    { tenant: undefined, code: 'INVALID_TENANT' },
  ])
})
