import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { parseKeyId } from '../../src/core/ids.ts'
import { ADMIN_KEY, createWorld, refusalOf, tenant } from './world.ts'

const acme = tenant('acme')
const other = tenant('other')

async function openWithKey() {
  const world = createWorld()
  const admission = await world.open()
  await admission.putTenant(acme, {})
  await admission.putTenant(other, {})
  return { world, admission, ...(await admission.createKey(acme)) }
}

test('a key has a public id and 256 random bits, and only its digest is stored', async () => {
  const { world, admission, id, key } = await openWithKey()
  expect(key).toMatch(/^clk_[0-9a-f]{16}_[0-9A-Za-z_-]{43}$/)
  expect(key.slice(4, 20)).toBe(id)
  const stored = [...world.keys.records.values()]
  expect(stored).toEqual([
    { id, tenant: acme, hash: createHash('sha256').update(key).digest('hex'), createdAt: world.clock.now() },
  ])
  expect(JSON.stringify([stored, admission.listKeys(acme)])).not.toContain(key.slice(21))
})

test('a key names its tenant, also after a restart; the admin key names the administrator', async () => {
  const { world, admission, key } = await openWithKey()
  expect(admission.authenticate(`Bearer ${key}`)).toEqual({ kind: 'tenant', tenant: 'acme' })
  expect(admission.authenticate(`bearer  ${ADMIN_KEY}`)).toEqual({ kind: 'admin' })
  expect((await world.open()).authenticate(`Bearer ${key}`)).toEqual({ kind: 'tenant', tenant: 'acme' })
})

test('a missing, malformed, altered or unknown key is UNAUTHENTICATED and the answer does not say which part is wrong', async () => {
  const { admission, key } = await openWithKey()
  const last = key.endsWith('A') ? 'B' : 'A'
  const altered = key.slice(0, -1) + last
  const unknown = `clk_0000000000000000_${key.slice(21)}`
  const messages = [altered, unknown, 'nonsense', ADMIN_KEY.toUpperCase()].map((text) => {
    const refusal = refusalOf(() => admission.authenticate(`Bearer ${text}`))
    expect(refusal.code).toBe('UNAUTHENTICATED')
    return refusal.message
  })
  expect(new Set(messages).size).toBe(1)
  for (const header of [undefined, '', key, `Basic ${key}`, 'Bearer', `Bearer ${key} ${key}`]) {
    expect(refusalOf(() => admission.authenticate(header)).code).toBe('UNAUTHENTICATED')
  }
})

test('a tenant key opens its own tenant and no other, whether or not the other exists', async () => {
  const { admission, key } = await openWithKey()
  const principal = admission.authenticate(`Bearer ${key}`)
  admission.authorize(principal, acme)
  const existing = refusalOf(() => admission.authorize(principal, other))
  const absent = refusalOf(() => admission.authorize(principal, tenant('nobody')))
  expect(existing.code).toBe('FORBIDDEN')
  expect(absent).toMatchObject({ code: existing.code, message: existing.message })
  expect(refusalOf(() => admission.authorizeAdmin(principal)).code).toBe('FORBIDDEN')
})

test('a deleted key is refused at once, and only its own tenant can delete it', async () => {
  const { admission, id, key } = await openWithKey()
  await expect(admission.deleteKey(other, id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(admission.authenticate(`Bearer ${key}`).kind).toBe('tenant')
  await admission.deleteKey(acme, id)
  expect(refusalOf(() => admission.authenticate(`Bearer ${key}`)).code).toBe('UNAUTHENTICATED')
  await expect(admission.deleteKey(acme, parseKeyId(id)!)).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('the keys of a deleted tenant open nothing, also when a tenant of that name is made again', async () => {
  const { admission, key } = await openWithKey()
  const [, lateKey] = await Promise.allSettled([admission.deleteTenant(acme), admission.createKey(acme)])
  expect(lateKey.status).toBe('rejected')
  await admission.putTenant(acme, {})
  expect(refusalOf(() => admission.authenticate(`Bearer ${key}`)).code).toBe('UNAUTHENTICATED')
  expect(admission.listKeys(acme)).toEqual([])
})

test('a tenant has at most 100 keys', async () => {
  const { admission } = await openWithKey()
  const results = await Promise.allSettled(Array.from({ length: 110 }, () => admission.createKey(acme)))
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(99)
  expect(results.at(-1)).toMatchObject({ reason: { code: 'CONFLICT' } })
  await expect(admission.createKey(tenant('nobody'))).rejects.toMatchObject({ code: 'NOT_FOUND' })
})
