import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunUsage, billOf } from './independent-bill.ts'
import { type Server, startServer } from './server.ts'

// The worst case of a run under this policy: 10 units, and so much money by the shipped prices.
const WALL_MS = 1_000
const WORST_UNITS = WALL_MS / 100
const POLICY = {
  limits: { wallMs: WALL_MS, memoryMb: 128, queueWaitMs: 60_000 },
  capabilities: { kv: null, fetch: null },
}
const SHORT = { code: 'return 1' }
const LONG = { code: 'await new Promise((resolve) => setTimeout(resolve, 150)); return 1' }

let server: Server
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server[Symbol.asyncDispose]())

/** Fires requests at the same moment, and sorts the answers. */
async function fire(tenant: string, count: number, body: object): Promise<{ ran: RunUsage[]; refused: any[] }> {
  const answers = await Promise.all(Array.from({ length: count }, () => server.run(tenant, body)))
  for (const { status } of answers) expect([200, 402]).toContain(status)
  return {
    ran: answers.flatMap(({ status, body }) => (status === 200 ? [body.usage] : [])),
    refused: answers.flatMap((answer) => (answer.status === 402 ? [answer] : [])),
  }
}

const unitsOf = (usages: readonly RunUsage[]): number => usages.reduce((sum, { units }) => sum + units, 0)
const nanoOf = (usd: string): bigint => BigInt(usd.replace('.', ''))

test.each(['day', 'month'] as const)(
  'fifty runs at the edge of a budget of units a %s never overspend it',
  async (period) => {
    const tenant = `units-${period}`
    // Room for three worst cases at once, and nothing more.
    const units = 3 * WORST_UNITS
    await server.tenant(tenant, { policy: POLICY, budget: { [period]: { units } } })
    const { ran, refused } = await fire(tenant, 50, LONG)
    expect(ran.length).toBeGreaterThanOrEqual(3)
    expect(unitsOf(ran)).toBeLessThanOrEqual(units)
    for (const { body, headers } of refused) {
      expect(body.error).toMatchObject({ code: 'BUDGET_EXCEEDED', retryAfterMs: expect.any(Number) })
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    }
    // Run by run until not even one worst case fits.
    const all = [...ran]
    for (;;) {
      const { status, body } = await server.run(tenant, SHORT)
      if (status !== 200) break
      all.push(body.usage)
    }
    const left = units - unitsOf(all)
    expect(left).toBeGreaterThanOrEqual(0)
    expect(left).toBeLessThan(WORST_UNITS)
    const { body: state } = await server.get(`/v1/tenants/${tenant}/budget`)
    expect(state[period].units).toEqual({ limit: units, spent: unitsOf(all), held: 0, left })
    expect((await server.get(`/v1/tenants/${tenant}/bill`)).body).toMatchObject({ records: all.length })
  },
)

test('fifty runs at the edge of a budget of money never overspend it, to the billionth of a dollar', async () => {
  const worst = billOf([{ units: WORST_UNITS, memoryMb: 128, cpuMs: 0 } as RunUsage]).total
  const usd = (4n * nanoOf(worst))
    .toString()
    .padStart(10, '0')
    .replace(/(\d{9})$/, '.$1')
  await server.tenant('money', { policy: POLICY, budget: { month: { usd } } })
  const all: RunUsage[] = []
  for (;;) {
    const { ran } = await fire('money', 50, SHORT)
    all.push(...ran)
    const { total, records } = (await server.get('/v1/tenants/money/bill')).body
    expect({ total, records }).toEqual({ total: billOf(all).total, records: all.length })
    expect(nanoOf(total)).toBeLessThanOrEqual(nanoOf(usd))
    if (ran.length === 0) break
  }
  const { body: state } = await server.get('/v1/tenants/money/budget')
  expect(state.month.usd).toMatchObject({ limit: usd, spent: billOf(all).total, held: '0.000000000' })
  expect(nanoOf(state.month.usd.left)).toBeLessThan(nanoOf(worst))
})

test('a budget that is raised or cleared takes effect with the next run, one that is lowered too', async () => {
  await server.tenant('change', { policy: POLICY, budget: { day: { units: WORST_UNITS - 1 } } })
  expect((await server.run('change', SHORT)).status).toBe(402)
  await server.tenant('change', { budget: { day: { units: WORST_UNITS } } })
  expect((await server.run('change', SHORT)).status).toBe(200)
  expect((await server.run('change', SHORT)).status).toBe(402)
  await server.tenant('change', { budget: null })
  expect((await server.run('change', SHORT)).status).toBe(200)
  await server.tenant('change', { budget: { month: { units: 2 } } })
  const { status, body } = await server.run('change', SHORT)
  expect({ status, message: body.error.message }).toEqual({
    status: 402,
    message: expect.stringContaining('0 of 2 units are left'),
  })
})

test('a shorter timeout makes a run fit that would not fit otherwise', async () => {
  await server.tenant('fit', { policy: POLICY, budget: { day: { units: 5 } } })
  expect((await server.run('fit', SHORT)).status).toBe(402)
  expect((await server.run('fit', { ...SHORT, timeoutMs: 500 })).status).toBe(200)
})

test('what a run was refused for is given back: a budget is not eaten by refusals', async () => {
  await server.tenant('refund', {
    policy: { ...POLICY, limits: { ...POLICY.limits, codeBytes: 100 } },
    budget: { day: { units: WORST_UNITS } },
  })
  for (let round = 0; round < 20; round += 1) {
    expect((await server.run('refund', { code: '/'.repeat(101) })).status).toBe(413)
  }
  expect((await server.get('/v1/tenants/refund/budget')).body.day.units).toMatchObject({ spent: 0, held: 0 })
  expect((await server.run('refund', SHORT)).status).toBe(200)
})

test('what was spent is remembered over a restart', async () => {
  await using first = await startServer()
  await first.tenant('ann', { policy: POLICY, budget: { month: { units: WORST_UNITS } } })
  expect((await first.run('ann', SHORT)).status).toBe(200)
  first.process.child.kill('SIGTERM')
  expect(await first.ended).toMatchObject({ code: 0 })
  await using second = await startServer({ directory: first.directory })
  expect((await second.run('ann', SHORT)).status).toBe(402)
})
