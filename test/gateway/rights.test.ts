import { expect, test } from 'vitest'
import { type World, openGateway, refusalOf, tenant } from './world.ts'

const RUN = 'run_00000000000000000000000000'

const OWN_CALLS = [
  ['POST', '/execute'],
  ['GET', '/runs'],
  ['GET', `/runs/${RUN}`],
  ['GET', '/usage'],
  ['GET', '/bill'],
  ['GET', '/bill/records'],
  ['GET', '/budget'],
  ['POST', '/bill/verify'],
  ['GET', '/sql'],
  ['GET', '/secrets'],
  ['GET', ''],
] as const

const ADMIN_CALLS = [
  ['GET', '/v1/tenants'],
  ['PUT', '/v1/tenants/acme'],
  ['PUT', '/v1/tenants/brand-new'],
  ['DELETE', '/v1/tenants/acme'],
  ['GET', '/v1/tenants/acme/keys'],
  ['POST', '/v1/tenants/acme/keys'],
  ['DELETE', '/v1/tenants/acme/keys/0123456789abcdef'],
] as const

const ask = (world: World, method: string, path: string, key: string | null) =>
  world.call(method, path, { key, ...(method === 'POST' && path.endsWith('execute') && { body: { code: 'x' } }) })

test.each(OWN_CALLS)('%s …%s is open to the tenant and the administrator, and to nobody else', async (method, rest) => {
  const world = await openGateway()
  const own = `/v1/tenants/acme${rest}`
  for (const key of [null, 'clk_wrong', world.key.toUpperCase()]) {
    const refusal = await refusalOf(ask(world, method, own, key))
    expect(refusal).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' })
  }
  const there = await refusalOf(ask(world, method, `/v1/tenants/other${rest}`, world.key))
  const notThere = await refusalOf(ask(world, method, `/v1/tenants/nobody${rest}`, world.key))
  expect(there).toMatchObject({ status: 403, code: 'FORBIDDEN' })
  expect(notThere).toEqual(there)
  const allowed = await ask(world, method, own, world.key)
  const byAdmin = await world.call(method, own, method === 'POST' && rest === '/execute' ? { body: { code: 'x' } } : {})
  const isRun = rest.startsWith('/runs/')
  expect([allowed.status, byAdmin.status]).toEqual(isRun ? [404, 404] : [200, 200])
})

test.each(ADMIN_CALLS)('%s %s needs the admin key', async (method, path) => {
  const world = await openGateway()
  expect(await refusalOf(world.call(method, path, { key: null }))).toMatchObject({ code: 'UNAUTHENTICATED' })
  expect(await refusalOf(world.call(method, path, { key: world.key }))).toMatchObject({ code: 'FORBIDDEN' })
  expect(world.admission.listTenants().map(({ id }) => id)).toEqual(['acme', 'other'])
})

test('a refused key is asked for by the scheme that is expected', async () => {
  const world = await openGateway()
  const response = await world.call('GET', '/v1/tenants', { key: null })
  expect(response.headers.get('www-authenticate')).toBe('Bearer')
})

test('a key that was deleted is refused at the next request of the same connection', async () => {
  const world = await openGateway()
  expect((await world.call('GET', '/v1/tenants/acme', { key: world.key })).status).toBe(200)
  const id = world.admission.listKeys(tenant('acme'))[0]!.id
  expect((await world.call('DELETE', `/v1/tenants/acme/keys/${id}`)).status).toBe(204)
  expect((await world.call('GET', '/v1/tenants/acme', { key: world.key })).status).toBe(401)
})

test('who may not pass is refused before the body is looked at', async () => {
  const world = await openGateway({ bodySizeMax: 100 })
  const body = 'x'.repeat(1_000)
  const refusal = await refusalOf(world.call('POST', '/v1/tenants/other/execute', { key: world.key, body }))
  expect(refusal.code).toBe('FORBIDDEN')
})

test('a name that cannot be a tenant is INVALID_TENANT, even for the administrator', async () => {
  const world = await openGateway()
  for (const name of ['Acme', '1st', '-a', '__proto__', '..%2fother', 'a'.repeat(64), '%00', 'a'.repeat(5_000)]) {
    const refusal = await refusalOf(world.call('PUT', `/v1/tenants/${name}`))
    expect(refusal).toMatchObject({ status: 400, code: 'INVALID_TENANT' })
  }
})
