import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answer, type Server, startServer, until } from './server.ts'
import { readRecords } from './witness.ts'

/** Runs that nobody waits for, over the real socket, the real process and the real database. */
let server: Server
const ASYNC = { Prefer: 'respond-async' }

beforeAll(async () => {
  server = await startServer()
  await server.tenant('ann', {})
  await deploy(
    'flaky',
    `export default async function (input, context) {
      await context.kv.put(input.key + '/' + context.attempt, context.runId)
      if (context.attempt < input.succeedsAt) throw new RangeError('not yet')
      return { attempt: context.attempt, n: input.n }
    }`,
    {
      retry: { maxAttempts: 3, backoff: { initialMs: 1, maxMs: 10 } },
      onSuccess: { queue: 'done' },
      onFailure: { function: 'undertaker' },
    },
  )
  await deploy('undertaker', `export default (record, { kv }) => kv.put('buried/' + record.input.key, record)`)
  await deploy('count', `export default async (input, { kv }) => ({ count: await kv.increment(input.name) })`)
})
afterAll(() => server[Symbol.asyncDispose]())

async function deploy(name: string, code: string, config: object = {}): Promise<void> {
  const { status, text } = await server.put(`/v1/tenants/ann/functions/${name}`, { code, config })
  expect(status, text).toBe(201)
}

function call(name: string, body: object, headers: Record<string, string> = ASYNC): Promise<Answer> {
  return server.call('POST', `/v1/tenants/ann/functions/${name}/invoke`, body, headers)
}

async function runOf(id: string): Promise<any> {
  return (await server.get(`/v1/tenants/ann/runs/${id}`)).body
}

async function ended(id: string): Promise<any> {
  let run: any
  await until(async () => !['queued', 'running'].includes((run = await runOf(id)).status))
  return run
}

async function kv(key: string): Promise<any> {
  return (await server.get(`/v1/tenants/ann/kv/${encodeURIComponent(key)}`)).body.value
}

test('a run that nobody waits for is answered with its id at once, takes place, and is found under that id', async () => {
  const answer = await call('count', { input: { name: 'first' } })
  expect(answer).toMatchObject({ status: 202, body: { status: 'queued', runId: expect.stringMatching(/^run_/) } })
  expect(answer.headers.get('preference-applied')).toBe('respond-async')
  const run = await ended(answer.body.runId)
  expect(run).toMatchObject({ status: 'ok', trigger: 'async', function: 'count', usage: { billed: true } })
  expect(await kv('first')).toBe(1)
})

test('a run that fails is tried again, each attempt is billed as a run of its own, and what was dealt with is sent on', async () => {
  const { body } = await call('flaky', { input: { key: 'a', succeedsAt: 2, n: 9 } })
  const run = await ended(body.runId)
  expect(run).toMatchObject({ runId: body.runId, status: 'ok', attempts: 1, trigger: 'async' })
  const records = (await readRecords(server, 'ann')).filter(({ run: id }) => [body.runId, run.lastRunId].includes(id))
  expect(records.map(({ status }) => status)).toEqual(['error', 'ok'])
  expect([await kv('a/1'), await kv('a/2')]).toEqual([body.runId, run.lastRunId])
  const { messages } = (await server.get('/v1/tenants/ann/queues/done/messages')).body
  expect(messages).toHaveLength(1)
  expect(messages[0].body).toMatchObject({
    runId: body.runId,
    lastRunId: run.lastRunId,
    function: 'flaky',
    condition: 'success',
    attempts: 2,
    input: { key: 'a' },
    result: { attempt: 2, n: 9 },
  })
})

test('a run that has used up its attempts is given up, and another function is told', async () => {
  const { body } = await call('flaky', { input: { key: 'b', succeedsAt: 99 } })
  expect(await ended(body.runId)).toMatchObject({ status: 'error', attempts: 3, error: { message: 'not yet' } })
  await until(async () => (await kv('buried/b')) !== undefined)
  expect(await kv('buried/b')).toMatchObject({
    condition: 'retries-exhausted',
    attempts: 3,
    error: { code: 'error', name: 'RangeError', message: 'not yet' },
  })
})

test('a call with an Idempotency-Key takes place once, whoever waits for it', async () => {
  const headers = { 'Idempotency-Key': 'k1' }
  const first = await call('count', { input: { name: 'once' } }, headers)
  const second = await call('count', { input: { name: 'once' } }, headers)
  expect(second.text).toBe(first.text)
  expect([first, second].map((answer) => answer.headers.get('idempotency-replayed'))).toEqual([null, 'true'])
  expect(await call('count', { input: { name: 'other' } }, headers)).toMatchObject({
    status: 409,
    body: { error: { code: 'CONFLICT' } },
  })
  const queued = await Promise.all(
    [1, 2].map(() => call('count', { input: { name: 'q' } }, { ...ASYNC, 'Idempotency-Key': 'k2' })),
  )
  expect(queued[0]?.body.runId).toBe(queued[1]?.body.runId)
  await ended(queued[0]?.body.runId)
  expect([await kv('once'), await kv('q')]).toEqual([1, 1])
})

test('two calls with one key at the same time are one run', async () => {
  const headers = { 'Idempotency-Key': 'k3' }
  const answers = await Promise.all([1, 2, 3].map(() => call('count', { input: { name: 'same' } }, headers)))
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  expect(await kv('same')).toBe(1)
})

test('every fault of a configuration of events is told at once', async () => {
  const config = { retry: { maxAttempts: 0, backoff: { factor: 99 }, maxAge: 1 }, onSuccess: { topic: 'x' } }
  const { status, body } = await server.put('/v1/tenants/ann/functions/bad', { code: 'export default () => 1', config })
  expect(status).toBe(400)
  for (const field of ['maxAttempts', 'factor', 'maxAge', 'onSuccess']) expect(body.error.message).toContain(field)
})
