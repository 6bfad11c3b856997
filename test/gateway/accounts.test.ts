import { expect, test } from 'vitest'
import { acceptedType } from '../../src/gateway/accepted-type.ts'
import { openGateway, refusalOf } from './world.ts'

test('a bill is JSON, and CSV for who asks for it by header or by query', async () => {
  const world = await openGateway()
  const bill = '/v1/tenants/acme/bill?period=2026-02'
  const asJson = await world.call('GET', bill, { key: world.key })
  expect(await asJson.json()).toEqual({ tenant: 'acme', period: '2026-02', total: '1.50' })
  const csv = 'tenant,period,total\r\nacme,2026-02,1.50\r\n'
  const byHeader = await world.call('GET', bill, { headers: { accept: 'text/csv' } })
  expect([byHeader.headers.get('content-type'), await byHeader.text()]).toEqual(['text/csv; charset=utf-8', csv])
  expect(await (await world.call('GET', `${bill}&format=csv`)).text()).toBe(csv)
  const focus = await world.call('GET', `${bill}&format=focus`)
  expect([focus.headers.get('content-type'), await focus.text()]).toEqual([
    'text/csv; charset=utf-8',
    'BillingAccountId\r\nacme\r\n',
  ])
  const page = await world.call('GET', `${bill}&format=html`)
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(await page.text()).toContain('acme')
  expect(await refusalOf(world.call('GET', '/v1/tenants/acme/bill?period=2026'))).toMatchObject({
    status: 400,
    code: 'INVALID_PERIOD',
  })
  expect(await refusalOf(world.call('GET', `${bill}&format=xml`))).toMatchObject({ code: 'INVALID_REQUEST' })
})

test('usage takes a range and groups, and is JSON or CSV', async () => {
  const world = await openGateway()
  const path = '/v1/tenants/acme/usage?from=2026-01-02&to=2026-01-03&groupBy=day,outcome'
  const usage = await (await world.call('GET', path, { key: world.key })).json()
  expect(usage).toMatchObject({
    from: Date.parse('2026-01-02'),
    to: Date.parse('2026-01-03'),
    groupBy: ['day', 'outcome'],
  })
  const csv = await world.call('GET', path, { headers: { accept: 'text/csv, */*;q=0.1' } })
  expect(await csv.text()).toBe('tenant,from,to,groupBy,rows\r\n')
})

test('records are streamed, a line each, in their order', async () => {
  const world = await openGateway()
  const response = await world.call('GET', '/v1/tenants/acme/bill/records?period=2026-01', { key: world.key })
  expect(response.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8')
  const lines = (await response.text())
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { sequence: number })
  expect(lines.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 3_000 }, (_, index) => index))
  expect(lines[0]).toEqual({ owner: 'acme', period: '2026-01', sequence: 0 })
})

test('records that fail on the way break the answer off, so that nobody takes it for the whole', async () => {
  async function* records(): AsyncIterable<string> {
    yield 'x'.repeat(100_000)
    throw new Error('disk gone')
  }
  const world = await openGateway({ accounts: { records } })
  const response = await world.call('GET', '/v1/tenants/acme/bill/records')
  await expect(response.text()).rejects.toThrow('terminated')
  expect(world.log).toMatchObject([{ event: 'request.failed' }])
})

test('a client that has read enough ends the reading of records, and that is no fault', async () => {
  const ended = Promise.withResolvers<void>()
  async function* records(): AsyncIterable<string> {
    try {
      for (;;) yield 'x'.repeat(100_000)
    } finally {
      ended.resolve()
    }
  }
  const world = await openGateway({ accounts: { records } })
  const response = await world.call('GET', '/v1/tenants/acme/bill/records')
  await response.body!.cancel()
  await ended.promise
  await world.call('GET', '/healthz')
  expect(world.log).toEqual([])
})

test('records that fail before the first line are refused like anything else', async () => {
  const records = (): never => {
    throw new Error('disk gone')
  }
  const world = await openGateway({ accounts: { records } })
  expect(await refusalOf(world.call('GET', '/v1/tenants/acme/bill/records'))).toMatchObject({
    status: 500,
    code: 'INTERNAL',
  })
})

test('the chain can be checked and the budget looked at by the tenant itself', async () => {
  const world = await openGateway()
  const verified = await world.call('POST', '/v1/tenants/acme/bill/verify', { key: world.key })
  expect(await verified.json()).toEqual({ ok: true, records: 3, head: 'ab' })
  const budget = await world.call('GET', '/v1/tenants/acme/budget', { key: world.key })
  expect(await budget.json()).toEqual({ month: { period: '2026-01' } })
})

const ACCEPTED = [
  [undefined, 'json'],
  ['*/*', 'json'],
  ['application/json', 'json'],
  ['text/csv', 'csv'],
  ['TEXT/CSV;q=0.5', 'csv'],
  ['text/csv;q=0', 'json'],
  ['application/json, text/csv;q=0.9', 'json'],
  ['text/html, text/csv;q=0.8, */*;q=0.1', 'csv'],
] as const

test.each(ACCEPTED)('Accept: %s is answered in %s', (accept, type) => {
  expect(acceptedType(accept, undefined)).toBe(type)
})
