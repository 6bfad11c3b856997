import { expect, test } from 'vitest'
import { createWorld, refusalOf, tenant } from './world.ts'

const acme = tenant('acme')

test('a new tenant has the default policy and no budget; what a change does not name stays', async () => {
  const world = createWorld()
  const admission = await world.open()
  const { record, created } = await admission.putTenant(acme, {})
  expect([created, record.policy, record.budget]).toEqual([true, 'default', {}])
  world.clock.advance(5)
  await admission.putTenant(acme, { budget: { day: { units: 10 }, month: { usd: 3, units: 7 } } })
  const changed = await admission.putTenant(acme, { policy: 'weak' })
  expect(changed.created).toBe(false)
  expect(changed.record.policy).toBe('weak')
  expect(changed.record.budget).toEqual({ day: { units: 10 }, month: { units: 7, money: 3_000_000_000n } })
  expect(changed.record.createdAt).toBe(record.createdAt)
  expect(changed.record.updatedAt).toBe(record.createdAt + 5)
})

test('null clears one ceiling, one period or the whole budget', async () => {
  const admission = await createWorld().open()
  await admission.putTenant(acme, { budget: { day: { units: 10 }, month: { usd: '3', units: 7 } } })
  await admission.putTenant(acme, { budget: { month: { usd: null } } })
  expect(admission.budgetOf(acme)).toEqual({ day: { units: 10 }, month: { units: 7 } })
  await admission.putTenant(acme, { budget: { day: null } })
  expect(admission.budgetOf(acme)).toEqual({ month: { units: 7 } })
  await admission.putTenant(acme, { budget: { month: { units: null } } })
  expect(admission.budgetOf(acme)).toEqual({})
  await admission.putTenant(acme, { budget: { day: { units: 0 } } })
  await admission.putTenant(acme, { budget: null })
  expect(admission.budgetOf(acme)).toEqual({})
})

test('a change that is refused changes nothing', async () => {
  const world = createWorld()
  const admission = await world.open()
  await admission.putTenant(acme, {})
  await expect(admission.putTenant(acme, { policy: 'nobody-knows' })).rejects.toMatchObject({ code: 'INVALID_POLICY' })
  for (const units of [-1, 1.5, Number.NaN, 2 ** 53]) {
    const change = admission.putTenant(acme, { policy: 'weak', budget: { day: { units } } })
    await expect(change).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      message: expect.stringContaining('budget.day.units'),
    })
  }
  await expect(admission.putTenant(acme, { budget: { month: { usd: '1e3' } } })).rejects.toMatchObject({
    code: 'INVALID_REQUEST',
  })
  expect(admission.getTenant(acme)).toMatchObject({ policy: 'default', budget: {} })
  expect([...world.tenants.records.values()]).toEqual([admission.getTenant(acme)])
})

test('a change that storage refuses is not in memory either', async () => {
  const world = createWorld()
  const admission = await world.open()
  await admission.putTenant(acme, {})
  world.tenants.put = () => Promise.reject(new Error('disk full'))
  await expect(admission.putTenant(acme, { policy: 'weak' })).rejects.toThrow('disk full')
  expect(admission.getTenant(acme).policy).toBe('default')
})

test('changes that come at once take place one after the other', async () => {
  const admission = await createWorld().open()
  await Promise.all([
    admission.putTenant(acme, { budget: { day: { units: 1 } } }),
    admission.putTenant(acme, { budget: { month: { units: 2 } } }),
    admission.putTenant(acme, { policy: 'weak' }),
  ])
  expect(admission.getTenant(acme)).toMatchObject({
    policy: 'weak',
    budget: { day: { units: 1 }, month: { units: 2 } },
  })
})

test('tenants are listed by name and can be deleted once', async () => {
  const world = createWorld()
  const admission = await world.open()
  for (const name of ['zeta', 'acme', 'mid']) await admission.putTenant(tenant(name), {})
  expect(admission.listTenants().map(({ id }) => id)).toEqual(['acme', 'mid', 'zeta'])
  await admission.deleteTenant(acme)
  expect(admission.findTenant(acme)).toBeUndefined()
  expect(refusalOf(() => admission.getTenant(acme)).code).toBe('NOT_FOUND')
  await expect(admission.deleteTenant(acme)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(world.deleted).toEqual([acme])
})
