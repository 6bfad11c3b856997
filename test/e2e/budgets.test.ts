import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingHttpHeaders, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
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
    expect(state[period].units).toMatchObject({ limit: units, spent: unitsOf(all), held: 0, left })
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

test('an operation that the budget has no room for fails in the guest, and the bill stays within the budget', async () => {
  const policy = { limits: POLICY.limits, capabilities: { fetch: null } }
  // Beside the time of the run there is room for two writes at 5 dollars a million, and a bit.
  const worst = nanoOf(billOf([{ units: WORST_UNITS, memoryMb: 128, cpuMs: 0 } as RunUsage]).total)
  const usd = `0.${String(worst + 12_000n).padStart(9, '0')}`
  await server.tenant('writer', { policy, budget: { month: { usd } } })
  const code = `const ends = []
    for (let n = 0; n < 4; n++) ends.push(await context.kv.put('k' + n, n).then(() => 'done', ({ code }) => code))
    return ends`
  const { body } = await server.run('writer', { code })
  expect(body.result).toEqual(['done', 'done', 'BUDGET_EXCEEDED', 'BUDGET_EXCEEDED'])
  expect(body.usage.operations).toEqual({ 'kv.put': 2 })
  const { body: state } = await server.get('/v1/tenants/writer/budget')
  expect(state.month.usd).toMatchObject({ limit: usd, spent: body.usage.costUsd, held: '0.000000000' })
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

test('a webhook is told how far a budget is spent, and reaches no private address unless the operator says so', async () => {
  const received = Promise.withResolvers<{ headers: IncomingHttpHeaders; body: string }>()
  const receiver = createServer((request, response) => {
    void text(request).then((body) => {
      response.writeHead(204).end()
      received.resolve({ headers: request.headers, body })
    })
  })
  await once(receiver.listen(0, '127.0.0.1'), 'listening')
  const { port } = receiver.address() as AddressInfo
  try {
    await server.tenant('told', { policy: POLICY, budget: { day: { units: 11 } } })
    const path = '/v1/tenants/told/webhooks/alerts'
    const url = `http://127.0.0.1:${port}/hook`
    const ann = await server.asTenant('told')
    expect(await ann.put(path, { url, allowPrivate: true })).toMatchObject({ status: 403 })
    expect(await ann.put(path, { url })).toMatchObject({ status: 400 })
    expect((await ann.put(path, { url: `https://127.0.0.1:${port}/` })).status).toBe(201)
    const refused = (await ann.post(`${path}/test`)).body
    expect(refused).toMatchObject({ ok: false, reason: expect.stringContaining('not on the public internet') })
    expect(await ann.delete(path)).toMatchObject({ status: 204 })

    const { secret } = (await server.put(path, { url, allowPrivate: true, events: ['budget.warning'] })).body
    for (let run = 0; run < 2; run += 1) await server.run('told', SHORT)
    expect((await server.run('told', SHORT)).status).toBe(402)
    const { headers, body } = await received.promise
    expect(JSON.parse(body)).toMatchObject({
      type: 'budget.warning',
      data: { tenant: 'told', measure: 'units', percent: 100, limit: '11' },
    })
    const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
    expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`)
    const settled = await vi.waitFor(async () => {
      const { deliveries } = (await ann.get(`${path}/deliveries`)).body
      expect(deliveries).toMatchObject([{ state: 'delivered', attempts: 1 }])
      return deliveries
    })
    expect(settled[0].id).toBe(headers['webhook-id'])
    expect((await ann.get('/v1/tenants/told/webhooks')).text).not.toContain('whsec_')
  } finally {
    receiver.close()
  }
})
