import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answer, type Server, startServer, until } from './server.ts'

const SLOW = { code: 'await new Promise((resolve) => setTimeout(resolve, 1_000)); return 1' }
const FAST = { code: 'return 1' }

let server: Server
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const fire = (tenant: string, count: number, body: object): Promise<Answer[]> =>
  Promise.all(Array.from({ length: count }, () => server.run(tenant, body)))
const recordsOf = async (tenant: string): Promise<number> =>
  (await server.get(`/v1/tenants/${tenant}/bill`)).body.records

/** A refusal that says when to come back, in the body and in the header. */
function expectRetry({ status, body, headers }: Answer, code: string): void {
  expect({ status, code: body.error.code }).toEqual({ status: 429, code })
  expect(body.error.retryAfterMs).toBeGreaterThan(0)
  expect(headers.get('retry-after')).toBe(String(Math.ceil(body.error.retryAfterMs / 1_000)))
}

test('past the burst runs are refused until the time that the refusal names', async () => {
  await server.tenant('rate', { policy: { rate: { perSecond: 1, burst: 5 } } })
  const answers = await fire('rate', 20, FAST)
  const ran = answers.filter(({ status }) => status === 200)
  const refused = answers.filter(({ status }) => status !== 200)
  // A slow machine may take a second over it, which is another run.
  expect(ran.length).toBeGreaterThanOrEqual(5)
  expect(ran.length).toBeLessThanOrEqual(10)
  for (const answer of refused) expectRetry(answer, 'RATE_LIMITED')
  expect(await recordsOf('rate')).toBe(ran.length)
  const { retryAfterMs } = refused.at(-1)!.body.error
  await new Promise((resolve) => setTimeout(resolve, retryAfterMs))
  expect((await server.run('rate', FAST)).status).toBe(200)
})

test('past the units of a second runs are refused until those that ran have been made up for', async () => {
  await server.tenant('pace', { policy: { rate: { unitsPerSecond: 5, unitsBurst: 1 } } })
  const { body } = await server.run('pace', SLOW)
  expect(body.usage.units).toBeGreaterThanOrEqual(10)
  const refused = await server.run('pace', FAST)
  expectRetry(refused, 'RATE_LIMITED')
  expect(refused.body.error.message).toContain('rate.unitsPerSecond')
  await new Promise((resolve) => setTimeout(resolve, refused.body.error.retryAfterMs))
  expect((await server.run('pace', FAST)).status).toBe(200)
})

test('changing a tenant gives it no new burst', async () => {
  const policy = { rate: { perSecond: 0.01, burst: 2 } }
  await server.tenant('sly', { policy })
  const statuses: number[] = []
  for (let round = 0; round < 4; round += 1) {
    await server.tenant('sly', { policy })
    statuses.push((await server.run('sly', FAST)).status)
  }
  expect(statuses).toEqual([200, 200, 429, 429])
})

test('as many runs as may be in progress and wait are taken, the rest are refused at once', async () => {
  await server.tenant('crowd', { policy: { limits: { concurrency: 2, queue: 3, queueWaitMs: 60_000 } } })
  const answers = await fire('crowd', 12, SLOW)
  const ran = answers.filter(({ status }) => status === 200)
  expect(ran).toHaveLength(5)
  for (const answer of answers) if (answer.status !== 200) expectRetry(answer, 'CONCURRENCY_LIMITED')
  expect(await recordsOf('crowd')).toBe(5)
  // What waits is not charged for the wait.
  for (const { body } of ran) expect(body.usage.wallMs).toBeLessThan(1_900)
  expect((await server.run('crowd', FAST)).status).toBe(200)
})

test('a wait that is over is refused, and costs nothing', async () => {
  await server.tenant('queue', { policy: { limits: { concurrency: 1, queue: 10, queueWaitMs: 100 } } })
  const first = server.run('queue', { code: 'await new Promise((resolve) => setTimeout(resolve, 1_500)); return 1' })
  await until(async () => (await server.get('/v1/tenants/queue/budget')).body.day.units.held > 0)
  expectRetry(await server.run('queue', FAST), 'CONCURRENCY_LIMITED')
  expect((await first).status).toBe(200)
  expect(await recordsOf('queue')).toBe(1)
})

test('a tenant at its limits takes nothing from another', async () => {
  await server.tenant('greedy', {
    policy: { limits: { concurrency: 2, queue: 50, queueWaitMs: 60_000 }, engine: { clock: 'live' } },
  })
  await server.tenant('modest')
  const greedy = fire('greedy', 30, { code: 'const end = Date.now() + 50; while (Date.now() < end); return 1' })
  const modest = await fire('modest', 10, FAST)
  expect(modest.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200))
  expect((await greedy).every(({ status }) => status === 200)).toBe(true)
  expect(await recordsOf('greedy')).toBe(30)
})

test.each([
  ['a turn', { RUNS_MAX: '1' }, /no turn came within 200 ms/],
  ['a cell', { CELLS_MAX: '1', BLANK_CELLS: '1' }, /no cell came within 200 ms/],
])('a host without %s to give says so in time, and charges nothing', async (_, knobs, message) => {
  await using full = await startServer({ knobs })
  await full.tenant('ann')
  await full.tenant('bob', { policy: { limits: { queueWaitMs: 200 } } })
  const long = full.run('ann', { code: 'await new Promise((resolve) => setTimeout(resolve, 4_000)); return 1' })
  await until(async () => (await full.get('/v1/tenants/ann/budget')).body.day.units.held > 0)
  const { status, body, headers } = await full.run('bob', FAST)
  expect({ status, code: body.error.code }).toEqual({ status: 503, code: 'OVERLOADED' })
  expect(body.error.message).toMatch(message)
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  expect((await full.get('/v1/tenants/bob/bill')).body.records).toBe(0)
  expect((await long).body).toMatchObject({ status: 'ok' })
  await until(async () => (await full.run('bob', FAST)).status === 200)
})
