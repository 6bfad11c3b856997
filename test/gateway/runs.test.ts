import { expect, test } from 'vitest'
import { epochMillis, micros } from '../../src/core/quantity.ts'
import { run as runSchema, runPage } from '../../src/gateway/schemas.ts'
import { openGateway, refusalOf, tenant } from './world.ts'

const acme = tenant('acme')

test('one run shows what it was, what it used, its error and its logs', async () => {
  const world = await openGateway()
  const error = { name: 'Error', message: 'no', stack: 'at main.js:1:1' }
  const posted = world.runs.add({
    tenant: acme,
    status: 'error',
    details: { error, logs: [{ level: 'info', message: 'hi' }], killReason: 'deadline', overdue: micros(52_500) },
  })
  const response = await world.call('GET', `/v1/tenants/acme/runs/${posted.run}`, { key: world.key })
  const run: unknown = await response.json()
  expect(run).toMatchObject({
    runId: posted.run,
    tenant: 'acme',
    status: 'error',
    startedAt: '2026-01-01T00:00:00.000Z',
    walls: 'B',
    error,
    logs: [{ level: 'info', message: 'hi' }],
    killReason: 'deadline',
    overdueMs: 52.5,
    usage: { units: 1, costUsd: '0.000000408' },
  })
  expect(runSchema.parse(run)).toEqual(run)
})

test("another tenant's run is not found, and neither is one that never was", async () => {
  const world = await openGateway()
  const { run } = world.runs.add({ tenant: tenant('other') })
  for (const id of [run, 'run_00000000000000000000000000', 'nonsense', '../x']) {
    const path = `/v1/tenants/acme/runs/${encodeURIComponent(id)}`
    expect((await world.call('GET', path, { key: world.key })).status).toBe(404)
  }
})

test('runs come in pages, newest first, and each page names the next', async () => {
  const world = await openGateway()
  const ids = Array.from({ length: 5 }, () => world.runs.add({ tenant: acme }).run).toReversed()
  world.runs.add({ tenant: tenant('other') })
  const seen: string[] = []
  let path: string | undefined = '/v1/tenants/acme/runs?limit=2'
  while (path !== undefined) {
    const page = runPage.parse(await (await world.call('GET', path, { key: world.key })).json())
    expect(page.runs.length).toBeLessThanOrEqual(2)
    seen.push(...page.runs.map(({ runId }) => runId))
    path = page.next && `/v1/tenants/acme/runs?limit=2&before=${page.next}`
  }
  expect(seen).toEqual(ids)
})

test('runs can be chosen by how and when they ended', async () => {
  const world = await openGateway()
  const early = world.runs.add({ tenant: acme, status: 'timeout', startedAt: epochMillis(Date.parse('2025-12-31')) })
  const late = world.runs.add({ tenant: acme, status: 'timeout' })
  world.runs.add({ tenant: acme })
  const ids = async (query: string) => {
    const page = runPage.parse(await (await world.call('GET', `/v1/tenants/acme/runs?${query}`)).json())
    return page.runs.map(({ runId }) => runId)
  }
  expect(await ids('status=timeout')).toEqual([late.run, early.run])
  expect(await ids('status=timeout&from=2026-01-01')).toEqual([late.run])
  expect(await ids('status=timeout&from=2025-12-01&to=2026-01-01')).toEqual([early.run])
})

test('a query that is wrong is refused, with every field that is', async () => {
  const world = await openGateway()
  const path = '/v1/tenants/acme/runs?status=fine&limit=1001&before=x&color=red&from=2026-01-01&from=2026-01-02'
  const refusal = await refusalOf(world.call('GET', path))
  expect(refusal).toMatchObject({ status: 400, code: 'INVALID_REQUEST' })
  for (const fault of [
    'status: is not how',
    'limit: ',
    '<=1000',
    'before: is not the id',
    '"color" is not a field',
    '"from" is in the query twice',
  ]) {
    expect(refusal.message).toContain(fault)
  }
})

test('what a deleted tenant ran can still be looked up; a tenant that never was is not found', async () => {
  const world = await openGateway()
  world.runs.add({ tenant: acme })
  await world.admission.deleteTenant(acme)
  expect((await world.call('GET', '/v1/tenants/acme/runs')).status).toBe(200)
  expect((await world.call('GET', '/v1/tenants/acme/bill')).status).toBe(200)
  for (const rest of ['runs', 'bill', 'bill/records', 'usage', 'budget']) {
    expect(await refusalOf(world.call('GET', `/v1/tenants/nobody/${rest}`))).toMatchObject({
      status: 404,
      code: 'NOT_FOUND',
    })
  }
  expect(await refusalOf(world.call('POST', '/v1/tenants/nobody/bill/verify'))).toMatchObject({ status: 404 })
})
