import { describe, expect, test } from 'vitest'
import { createKeyId } from '../../src/core/ids.ts'
import { epochMillis, nanoUsd } from '../../src/core/quantity.ts'
import type { OpenStores } from './describe-stores.ts'
import { ALL, AMPLE, NO_DETAILS, START, alice, bob, fakeClock, record, tenant, tenantId } from './samples.ts'

export function describeAccounts(open: OpenStores): void {
  describe('tenants and keys', () => {
    test('tenants are listed by name, as they were put, with their budgets to the nano-dollar', async () => {
      await using stores = await open(fakeClock())
      const budget = { day: { units: 10 }, month: { units: 0, money: nanoUsd(10n ** 24n + 1n) } }
      await stores.tenants.put(tenant(bob))
      await stores.tenants.put(tenant(alice, { budget, policy: '{"name":"große"}' }))
      expect(await stores.tenants.list()).toEqual([tenant(alice, { budget, policy: '{"name":"große"}' }), tenant(bob)])
    })

    test('putting a tenant again replaces it and keeps its keys and its data', async () => {
      await using stores = await open(fakeClock())
      const key = { id: createKeyId(), tenant: alice, hash: 'ab', createdAt: START }
      await stores.tenants.put(tenant(alice))
      await stores.keys.put(key)
      await stores.kv.put(alice, { key: 'a', value: '1' }, AMPLE)
      const changed = tenant(alice, { policy: 'strict', updatedAt: epochMillis(START + 1) })
      await stores.tenants.put(changed)
      expect(await stores.tenants.list()).toEqual([changed])
      expect(await stores.keys.list()).toEqual([key])
      expect(await stores.kv.get(alice, 'a')).toEqual({ key: 'a', value: '1' })
    })

    test('deleting a tenant takes its keys and its data and leaves its ledger and all others', async () => {
      await using stores = await open(fakeClock())
      for (const id of [alice, bob]) {
        await stores.tenants.put(tenant(id))
        await stores.keys.put({ id: createKeyId(), tenant: id, hash: id, createdAt: START })
        await stores.kv.put(id, { key: 'a', value: '1' }, AMPLE)
      }
      const charged = record()
      await stores.ledger.post(charged, NO_DETAILS)

      expect(await stores.tenants.delete(alice)).toBe(true)

      expect(await stores.tenants.list()).toEqual([tenant(bob)])
      expect((await stores.keys.list()).map((key) => key.tenant)).toEqual([bob])
      expect(await stores.kv.get(alice, 'a')).toBeUndefined()
      expect(await stores.kv.get(bob, 'a')).toBeDefined()
      expect(await stores.ledger.page(alice, { limit: 10 })).toEqual([charged])
    })

    test('a tenant that is made again under an old name finds nothing of the old one, and the whole quota', async () => {
      await using stores = await open(fakeClock())
      await stores.tenants.put(tenant(alice))
      for (let index = 0; index < 1_200; index += 1) {
        void stores.kv.put(alice, { key: `key-${index}`, value: '1' }, { keys: 2_000, storedBytes: 100_000 })
      }
      expect(await stores.tenants.delete(alice)).toBe(true)
      await stores.tenants.put(tenant(alice))
      expect(await stores.kv.list(alice, { prefix: '', limit: 10 })).toEqual([])
      expect(await stores.kv.put(alice, { key: 'a', value: '1' }, { keys: 1, storedBytes: 2 })).toBe('done')
    })

    test('the chain of a tenant goes on when a tenant is made again under its name', async () => {
      await using stores = await open(fakeClock())
      await stores.tenants.put(tenant(alice))
      await stores.ledger.post(record(), NO_DETAILS)
      await stores.tenants.delete(alice)
      await stores.tenants.put(tenant(alice))
      await stores.ledger.post(record(), NO_DETAILS)
      const lines = await Array.fromAsync(stores.ledger.records(alice, ALL))
      expect(lines.map((line) => line.sequence)).toEqual([1, 2])
    })

    test('deleting what is not there says so', async () => {
      await using stores = await open(fakeClock())
      await stores.tenants.put(tenant(bob))
      expect(await stores.tenants.delete(alice)).toBe(false)
      expect(await stores.keys.delete(alice, createKeyId())).toBe(false)
    })

    test('a key is deleted only under its own tenant', async () => {
      await using stores = await open(fakeClock())
      await stores.tenants.put(tenant(alice))
      await stores.tenants.put(tenant(bob))
      const key = { id: createKeyId(), tenant: alice, hash: 'ab', createdAt: START }
      await stores.keys.put(key)
      expect(await stores.keys.delete(bob, key.id)).toBe(false)
      expect(await stores.keys.list()).toEqual([key])
      expect(await stores.keys.delete(alice, key.id)).toBe(true)
      expect(await stores.keys.list()).toEqual([])
    })

    test('a key of a tenant that does not exist, or with the id of another tenant’s key, is refused', async () => {
      await using stores = await open(fakeClock())
      await stores.tenants.put(tenant(alice))
      await stores.tenants.put(tenant(bob))
      const key = { id: createKeyId(), tenant: alice, hash: 'ab', createdAt: START }
      await stores.keys.put(key)
      await expect(stores.keys.put({ ...key, tenant: bob })).rejects.toMatchObject({ code: 'CONFLICT' })
      await expect(stores.keys.put({ ...key, tenant: tenantId('nobody') })).rejects.toMatchObject({
        code: 'NOT_FOUND',
        message: 'there is no tenant nobody',
      })
      expect(await stores.keys.list()).toEqual([key])
    })
  })
}
