import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDirectory } from '../cli/command-line.ts'
import { type Client, type Server, startServer, until } from './server.ts'

const directory = createDirectory()
let server: Server
let acme: Client
const KNOBS = { KILL_GRACE_MS: '5000' }

const deploy = async (name: string, code: string, durable: object = {}): Promise<void> => {
  const { status, text } = await acme.put(`/v1/tenants/acme/functions/${name}`, { code, config: { durable } })
  if (status !== 201) throw new Error(text)
}
const start = async (name: string, input: unknown = null): Promise<string> => {
  const { status, body, text } = await acme.post(`/v1/tenants/acme/functions/${name}/executions`, { input })
  if (status !== 202) throw new Error(text)
  return `/v1/tenants/acme/executions/${body.executionId}`
}
const look = async (path: string): Promise<any> => (await acme.get(path)).body
const ended = async (path: string): Promise<any> => {
  await until(async () => !['running', 'suspended'].includes((await look(path)).status))
  return look(path)
}
const waiting = (path: string): Promise<void> => until(async () => (await look(path)).status === 'suspended')

beforeAll(async () => {
  server = await startServer({ directory: directory.path, knobs: KNOBS })
  await server.tenant('acme')
  acme = await server.asTenant('acme')
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  directory[Symbol.dispose]()
})

test('steps are done once over all runs, waits hold no isolate, and each run is charged as a run of the execution', async () => {
  await deploy(
    'order',
    `export default async (input, context) => {
      const id = await context.step('reserve', () => context.kv.increment('reserved'))
      await context.sleep(50)
      const both = await Promise.all([
        context.step('a', async () => { await context.kv.increment('a'); return { from: 'a' } }),
        context.step('b', () => context.kv.increment('b')).then(() => context.waitForEvent('paid')),
      ])
      const all = await context.map([1, 2, 3], (n) => context.step('square ' + n, () => n * n), { concurrency: 2 })
      const nothing = await context.step('nothing', () => {})
      return { id, both, all, nothing: nothing === undefined, execution: context.executionId }
    }`,
  )
  const path = await start('order', { n: 1 })
  await until(async () => (await look(path)).steps.some((step: any) => step.kind === 'event'))
  await waiting(path)
  expect(await look(path)).toMatchObject({ status: 'suspended', input: { n: 1 }, version: 1 })
  expect((await acme.post(`${path}/events/paid`, { payload: { cents: 5 } })).status).toBe(204)
  const execution = await ended(path)
  expect(execution.result).toEqual({
    id: 1,
    both: [{ from: 'a' }, { cents: 5 }],
    all: [1, 4, 9],
    nothing: true,
    execution: execution.id,
  })
  for (const key of ['reserved', 'a', 'b']) {
    expect((await acme.get(`/v1/tenants/acme/kv/${key}`)).body.value).toBe(1)
  }
  const { runs } = (await acme.get('/v1/tenants/acme/runs?function=order')).body
  expect(runs.length).toBe(execution.runs)
  expect(runs.map((run: any) => [run.trigger, run.status])).toEqual([
    ['durable', 'ok'],
    ...runs.slice(1).map(() => ['durable', 'suspended']),
  ])
  const { body } = await acme.get(`/v1/tenants/acme/runs/${execution.lastRun}`)
  expect(body.parentRunId ?? body.parentRun).toBe(execution.id)
  expect((await acme.post('/v1/tenants/acme/bill/verify')).body.ok).toBe(true)
})

test('a step that throws is tried again, and then its error is the code’s to handle; an error that nobody handles ends it', async () => {
  await deploy(
    'shaky',
    `export default async (input, context) => {
      const attempt = await context.step('second try', ({ attempt }) => { if (attempt < 2) throw new Error('no'); return attempt }, { backoffMs: 10 })
      const caught = await context.step('never', () => { throw new RangeError('never') }, { retries: 1, backoffMs: 10 }).catch((e) => e.name + ': ' + e.message)
      const late = await context.waitForEvent('none', { timeout: 30 }).catch((e) => e.code)
      if (input === 'throw') await context.step('hopeless', () => { throw Object.assign(new TypeError('not again'), { retryable: false }) })
      return { attempt, caught, late }
    }`,
  )
  const [good, bad] = [await start('shaky'), await start('shaky', 'throw')]
  expect((await ended(good)).result).toEqual({ attempt: 2, caught: 'RangeError: never', late: 'TIMEOUT' })
  const failed = await ended(bad)
  expect(failed).toMatchObject({ status: 'failed', error: { name: 'TypeError', message: 'not again' } })
  expect(failed.steps.find((step: any) => step.id === 'hopeless')).toMatchObject({ state: 'failed', tries: 1 })
})

test('a host that is killed in the middle of a step does it again, and no step before it', async () => {
  await deploy(
    'long',
    `export default async (input, context) => {
      const first = await context.step('first', () => context.kv.increment('first'))
      const second = await context.step('second', async () => {
        const count = await context.kv.increment('second')
        if (count === 1) await new Promise((resolve) => setTimeout(resolve, 60_000))
        return count
      })
      return [first, second, await context.waitForEvent('go')]
    }`,
  )
  const path = await start('long')
  await until(async () => (await acme.get('/v1/tenants/acme/kv/second')).body.value === 1)
  // Sent before anybody waits for it.
  await acme.post(`${path}/events/go`, { payload: 'gone' })
  server.process.child.kill('SIGKILL')
  await server.ended
  server = await startServer({ directory: directory.path, knobs: KNOBS })
  acme = await server.asTenant('acme')
  expect((await ended(path)).result).toEqual([1, 2, 'gone'])
})

test('code that no longer matches the journal is told by name: another step, another order, one that is missing', async () => {
  const code = (steps: string): string => `export default async (input, context) => { ${steps} }`
  const step = (name: string): string => `await context.step('${name}', () => '${name}');`
  const wait = `await context.waitForEvent('go');`
  const changed = async (name: string, after: string): Promise<any> => {
    await deploy(name, code(step('a') + step('b') + wait), { versions: 'follow' })
    const path = await start(name)
    await waiting(path)
    await deploy(name, code(after), { versions: 'follow' })
    expect((await acme.post(`${path}/events/go`)).status).toBe(204)
    return (await ended(path)).error
  }
  expect(await changed('renamed', step('a') + step('c') + wait)).toMatchObject({
    code: 'JOURNAL_MISMATCH',
    message: 'the code comes to step "c" where the journal has step "b"',
  })
  expect(await changed('inserted', step('a') + step('x') + step('b') + wait)).toMatchObject({
    message: 'the code comes to step "x" where the journal has step "b"',
  })
  expect(await changed('shorter', step('a'))).toMatchObject({
    code: 'JOURNAL_MISMATCH',
    message: expect.stringContaining('the journal has step "b"'),
  })
  expect(await changed('longer', step('a') + step('b') + wait + step('c'))).toBeUndefined()
  // Unless it says otherwise, an execution stays with its version.
  await deploy('pinned', code(step('a') + wait + 'return 1'))
  const path = await start('pinned')
  await waiting(path)
  await deploy('pinned', code('return 2'))
  expect((await acme.post(`${path}/events/go`)).status).toBe(204)
  expect((await ended(path)).result).toBe(1)
})

test('journals are bounded, and executions are listed, cancelled and refused with reasons', async () => {
  const small = { extends: 'default', capabilities: { durable: { executions: 1, entries: 3, valueBytes: 100 } } }
  await server.tenant('small', { policy: small })
  const tiny = await server.asTenant('small')
  const at = '/v1/tenants/small'
  const code = `export default async (input, context) => {
    const errors = []
    await context.step('big', () => 'x'.repeat(200), { retries: 0 }).catch((e) => errors.push(e.code))
    for (let n = 0; n < 4; n += 1) await context.step('s', () => n).catch((e) => errors.push(e.code))
    await context.waitForEvent('never').catch((e) => errors.push(e.code))
    return errors
  }`
  await tiny.put(`${at}/functions/many`, { code, config: { durable: {} } })
  await tiny.put(`${at}/functions/waits`, {
    code: `export default (input, context) => context.waitForEvent('go', { timeout: 60_000 })`,
    config: { durable: {} },
  })
  await tiny.put(`${at}/functions/plain`, { code: 'export default (input, context) => typeof context.step' })
  const begin = (name: string) => tiny.post(`${at}/functions/${name}/executions`)
  const { executionId } = (await begin('waits')).body
  const one = `${at}/executions/${executionId}`
  await until(async () => (await tiny.get(one)).body.status === 'suspended')
  expect((await begin('many')).body.error).toMatchObject({ code: 'QUOTA_EXCEEDED' })
  expect((await tiny.post(`${one}/events/go`, { payload: 'x'.repeat(200) })).body.error.code).toBe('TOO_LARGE')
  expect((await tiny.post(`${one}/cancel`)).status).toBe(204)
  expect((await tiny.post(`${one}/cancel`)).body.error.code).toBe('CONFLICT')
  expect((await tiny.post(`${one}/events/go`)).body.error.code).toBe('CONFLICT')
  expect((await begin('plain')).body.error.code).toBe('CONFLICT')
  expect((await tiny.post(`${at}/functions/waits/invoke`)).body.error.code).toBe('CONFLICT')
  expect((await tiny.post(`${at}/functions/plain/invoke`)).body.result).toBe('undefined')
  expect((await acme.get(one.replace('small', 'acme'))).body.error.code).toBe('NOT_FOUND')
  const many = `${at}/executions/${(await begin('many')).body.executionId}`
  await until(async () => (await tiny.get(many)).body.status === 'done')
  const { result } = (await tiny.get(many)).body
  expect(result).toContain('QUOTA_EXCEEDED')
  const { executions } = (await tiny.get(`${at}/executions?status=cancelled`)).body
  expect(executions).toMatchObject([{ id: executionId, function: 'waits', status: 'cancelled' }])
})
