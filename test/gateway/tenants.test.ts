import { expect, test } from 'vitest'
import { keyList, newKey, tenant as tenantSchema, tenantList } from '../../src/gateway/schemas.ts'
import { openGateway, refusalOf, tenant } from './world.ts'

test('a tenant is created with 201, changed with 200, shown, listed and deleted', async () => {
  const world = await openGateway()
  const created = await world.call('PUT', '/v1/tenants/new-one', {
    body: { policy: { walls: 'process' }, budget: { day: { units: 5 } } },
  })
  expect(created.status).toBe(201)
  const changed = await world.call('PUT', '/v1/tenants/new-one', { body: { budget: { month: { usd: 12.5 } } } })
  expect(changed.status).toBe(200)
  const record: unknown = await changed.json()
  expect(record).toEqual({
    tenant: 'new-one',
    policy: { walls: 'process' },
    budget: { day: { units: 5 }, month: { usd: '12.50' } },
    cells: { deaths: { total: 0 } },
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
  })
  expect(tenantSchema.parse(record)).toEqual(record)
  expect(await (await world.call('GET', '/v1/tenants/new-one')).json()).toEqual(record)
  const list: unknown = await (await world.call('GET', '/v1/tenants')).json()
  expect(tenantList.parse(list).tenants.map(({ tenant }) => tenant)).toEqual(['acme', 'new-one', 'other'])
  const deleted = await world.call('DELETE', '/v1/tenants/new-one')
  expect([deleted.status, await deleted.text()]).toEqual([204, ''])
  expect(await refusalOf(world.call('GET', '/v1/tenants/new-one'))).toMatchObject({ status: 404, code: 'NOT_FOUND' })
})

test('a tenant can be created without a body', async () => {
  const world = await openGateway()
  const response = await world.call('PUT', '/v1/tenants/plain')
  expect([response.status, await response.json()]).toMatchObject([201, { policy: 'default', budget: {} }])
})

test('every fault of a body is named, with its field', async () => {
  const world = await openGateway()
  const body = { polcy: 'default', policy: 7, budget: { day: { units: -1 }, month: { usd: true }, year: {} } }
  const refusal = await refusalOf(world.call('PUT', '/v1/tenants/acme', { body }))
  expect(refusal).toMatchObject({ status: 400, code: 'INVALID_REQUEST' })
  for (const fault of [
    '"polcy" is not a field',
    'policy: ',
    'budget.day.units: ',
    'budget.month.usd: ',
    '"budget.year" is not a field',
  ]) {
    expect(refusal.message).toContain(fault)
  }
  const amount = await refusalOf(world.call('PUT', '/v1/tenants/acme', { body: { budget: { day: { usd: '1e3' } } } }))
  expect(amount.message).toContain('budget.day.usd')
})

test('a body that is not an object, or holds a name twice, is refused', async () => {
  const world = await openGateway()
  for (const body of ['[]', 'null', '"x"', '{"policy":"a","policy":"b"}', '{"budget":{}']) {
    expect((await refusalOf(world.call('PUT', '/v1/tenants/acme', { body }))).status).toBe(400)
  }
})

test('a key is shown once, listed without its text, and works', async () => {
  const world = await openGateway()
  const made = await world.call('POST', '/v1/tenants/other/keys')
  expect(made.status).toBe(201)
  const { id, key } = newKey.parse(await made.json())
  expect((await world.call('GET', '/v1/tenants/other', { key })).status).toBe(200)
  const list = await (await world.call('GET', '/v1/tenants/other/keys')).text()
  expect(keyList.parse(JSON.parse(list)).keys).toMatchObject([{ id }])
  expect(list).not.toContain(key.slice(21))
  expect((await world.call('DELETE', `/v1/tenants/other/keys/${id}`)).status).toBe(204)
  expect(await refusalOf(world.call('DELETE', `/v1/tenants/other/keys/${id}`))).toMatchObject({ status: 404 })
  expect(await refusalOf(world.call('DELETE', '/v1/tenants/other/keys/not-an-id'))).toMatchObject({ status: 404 })
  expect(await refusalOf(world.call('POST', '/v1/tenants/nobody/keys'))).toMatchObject({ status: 404 })
})

test('what a tenant’s code has done to its cells is shown, and until when its runs are held off', async () => {
  const world = await openGateway()
  for (const reason of ['cpu', 'cpu', 'memory', 'crash']) world.admission.recordDeath(tenant('acme'), reason)
  const shown: unknown = await (await world.call('GET', '/v1/tenants/acme')).json()
  expect(tenantSchema.parse(shown).cells).toEqual({
    deaths: { total: 4, lastReason: 'crash', lastAt: '2026-01-01T00:00:00.000Z' },
    backedOffUntil: '2026-01-01T00:00:00.250Z',
  })
  world.who.clock.advance(250)
  const later = tenantSchema.parse(await (await world.call('GET', '/v1/tenants/acme')).json())
  expect(later.cells).not.toHaveProperty('backedOffUntil')
  const other = tenantSchema.parse(await (await world.call('GET', '/v1/tenants/other')).json())
  expect(other.cells).toEqual({ deaths: { total: 0 } })
})
