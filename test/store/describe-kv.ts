import { describe, expect, test } from 'vitest'
import { epochMillis } from '../../src/core/quantity.ts'
import type { KvQuota, Stores } from '../../src/core/stores.ts'
import type { OpenStores } from './describe-stores.ts'
import { describeKvModel } from './kv-model.ts'
import { AMPLE, START, alice, bob, fakeClock, tenant, tenantId } from './samples.ts'

async function put(stores: Stores, entries: Record<string, string>): Promise<void> {
  for (const [key, value] of Object.entries(entries)) {
    expect(await stores.kv.put(alice, { key, value }, AMPLE)).toBe('done')
  }
}

const later = (ms: number) => epochMillis(START + ms)

export function describeKv(openStores: OpenStores): void {
  const open: OpenStores = async (clock) => {
    const stores = await openStores(clock)
    await stores.tenants.put(tenant(alice))
    await stores.tenants.put(tenant(bob))
    return stores
  }

  describe('key-value data', () => {
    test('a value that was put is got, replaced and deleted', async () => {
      await using stores = await open(fakeClock())
      expect(await stores.kv.get(alice, 'a')).toBeUndefined()
      await put(stores, { a: '{"n": 1}' })
      expect(await stores.kv.get(alice, 'a')).toEqual({ key: 'a', value: '{"n": 1}' })
      await put(stores, { a: '"line\nfeed, tab\t, é, 😀"' })
      expect(await stores.kv.get(alice, 'a')).toEqual({ key: 'a', value: '"line\nfeed, tab\t, é, 😀"' })
      expect(await stores.kv.delete(alice, 'a')).toBe(true)
      expect(await stores.kv.delete(alice, 'a')).toBe(false)
      expect(await stores.kv.get(alice, 'a')).toBeUndefined()
    })

    test('two tenants use the same key and never meet', async () => {
      await using stores = await open(fakeClock())
      await stores.kv.put(alice, { key: 'a', value: '1' }, AMPLE)
      await stores.kv.put(bob, { key: 'a', value: '2' }, AMPLE)
      expect(await stores.kv.increment(bob, 'a', 5, AMPLE)).toEqual({ outcome: 'done', value: 7 })
      expect(await stores.kv.compareAndSet(bob, { key: 'a', value: '9' }, '1', AMPLE)).toBe('mismatch')
      expect(await stores.kv.delete(bob, 'a')).toBe(true)
      expect(await stores.kv.list(bob, { prefix: '', limit: 10 })).toEqual([])
      expect(await stores.kv.list(alice, { prefix: '', limit: 10 })).toEqual([{ key: 'a' }])
    })

    test('any well-formed key keeps its own value, the empty one and those with null characters too', async () => {
      await using stores = await open(fakeClock())
      const keys = ['', 'a', 'a\u0000', 'a\u0000b', 'A', 'ä', 'a\u0308', '\ufffd', '😀', "'; drop table kv; --"]
      for (const [index, key] of keys.entries()) await put(stores, { [key]: String(index) })
      for (const [index, key] of keys.entries()) expect((await stores.kv.get(alice, key))?.value).toBe(String(index))
    })

    test('text that has no UTF-8 form is refused, so that no two keys become one', async () => {
      await using stores = await open(fakeClock())
      const refused = { code: 'INVALID_REQUEST', message: expect.stringContaining('well-formed') }
      await expect(stores.kv.put(alice, { key: 'a\ud800', value: '1' }, AMPLE)).rejects.toMatchObject(refused)
      await expect(stores.kv.put(alice, { key: 'a', value: '"\udfff"' }, AMPLE)).rejects.toMatchObject(refused)
      await expect(stores.kv.get(alice, '\ud800')).rejects.toMatchObject(refused)
      await expect(stores.kv.delete(alice, '\ud800')).rejects.toMatchObject(refused)
      await expect(stores.kv.increment(alice, '\ud800', 1, AMPLE)).rejects.toMatchObject(refused)
      await expect(stores.kv.list(alice, { prefix: '\ud800', limit: 1 })).rejects.toMatchObject(refused)
    })

    test('a write for a tenant that does not exist is refused, and nothing can be read there', async () => {
      await using stores = await open(fakeClock())
      const nobody = tenantId('nobody')
      await expect(stores.kv.put(nobody, { key: 'a', value: '1' }, AMPLE)).rejects.toMatchObject({ code: 'NOT_FOUND' })
      expect(await stores.kv.get(nobody, 'a')).toBeUndefined()
      expect(await stores.kv.delete(nobody, 'a')).toBe(false)
    })

    test('a list holds the keys with the prefix in the order of code points, page after page', async () => {
      await using stores = await open(fakeClock())
      const keys = ['b', 'a', 'a/2', 'a/10', 'a/😀', 'a/\uffee', 'a0', 'a/', 'A']
      for (const key of keys) await put(stores, { [key]: JSON.stringify(key) })
      const list = async (prefix: string, limit: number, cursor?: string): Promise<string[]> => {
        const page = await stores.kv.list(alice, { prefix, limit, ...(cursor !== undefined && { cursor }) })
        return page.map(({ key }) => key)
      }
      expect(await list('', 20)).toEqual(['A', 'a', 'a/', 'a/10', 'a/2', 'a/\uffee', 'a/😀', 'a0', 'b'])
      expect(await list('a/', 2)).toEqual(['a/', 'a/10'])
      expect(await list('a/', 2, 'a/10')).toEqual(['a/2', 'a/\uffee'])
      expect(await list('a/', 9, 'a/\uffee')).toEqual(['a/😀'])
      expect(await list('a/', 9, 'b')).toEqual([])
      expect(await list('a/', 9, 'A')).toHaveLength(5)
      expect(await list('none', 9)).toEqual([])
    })

    test('an entry past its expiry is gone at once for every operation', async () => {
      const clock = fakeClock()
      await using stores = await open(clock)
      for (const key of ['got', 'deleted', 'counted', 'compared', 'kept']) {
        await stores.kv.put(alice, { key, value: '1', ...(key !== 'kept' && { expiresAt: later(1_000) }) }, AMPLE)
      }
      clock.advance(999)
      expect(await stores.kv.get(alice, 'got')).toEqual({ key: 'got', value: '1', expiresAt: later(1_000) })
      clock.advance(1)
      expect(await stores.kv.get(alice, 'got')).toBeUndefined()
      expect(await stores.kv.list(alice, { prefix: '', limit: 10 })).toEqual([{ key: 'kept' }])
      expect(await stores.kv.delete(alice, 'deleted')).toBe(false)
      expect(await stores.kv.increment(alice, 'counted', 5, AMPLE)).toEqual({ outcome: 'done', value: 5 })
      expect(await stores.kv.get(alice, 'counted')).toEqual({ key: 'counted', value: '5' })
      const absent = await stores.kv.compareAndSet(alice, { key: 'compared', value: '2' }, undefined, AMPLE)
      expect(absent).toBe('done')
    })

    test('increments that race all count, and an increment keeps the expiry', async () => {
      const clock = fakeClock()
      await using stores = await open(clock)
      await stores.kv.put(alice, { key: 'n', value: '0.5', expiresAt: later(50) }, AMPLE)
      await Promise.all(Array.from({ length: 100 }, () => stores.kv.increment(alice, 'n', 1, AMPLE)))
      expect(await stores.kv.get(alice, 'n')).toEqual({ key: 'n', value: '100.5', expiresAt: later(50) })
    })

    test.each(['"1"', 'null', 'true', '[1]', '{"n":1}', String(2 ** 53 - 1), '-1e400'])(
      'an increment of %s is not a number that can be counted on, and changes nothing',
      async (value) => {
        await using stores = await open(fakeClock())
        await put(stores, { a: value })
        expect(await stores.kv.increment(alice, 'a', 1, AMPLE)).toEqual({ outcome: 'not-a-number', value: undefined })
        expect((await stores.kv.get(alice, 'a'))?.value).toBe(value)
      },
    )

    test('an increment by what is not finite is refused', async () => {
      await using stores = await open(fakeClock())
      expect((await stores.kv.increment(alice, 'a', Infinity, AMPLE)).outcome).toBe('not-a-number')
      expect(await stores.kv.get(alice, 'a')).toBeUndefined()
    })

    test('of writers that compare and set at once, one wins', async () => {
      await using stores = await open(fakeClock())
      const race = async (expected: string | undefined): Promise<string[]> =>
        Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            stores.kv.compareAndSet(alice, { key: 'a', value: String(index) }, expected, AMPLE),
          ),
        )
      expect((await race(undefined)).filter((outcome) => outcome === 'done')).toHaveLength(1)
      expect((await race('0')).filter((outcome) => outcome === 'done').length).toBeGreaterThan(0)
      expect(await stores.kv.compareAndSet(alice, { key: 'a', value: '1' }, undefined, AMPLE)).toBe('mismatch')
    })

    test('a lowered quota still takes writes that add nothing', async () => {
      await using stores = await open(fakeClock())
      await put(stores, { a: '"long value"', b: '1' })
      const none: KvQuota = { keys: 0, storedBytes: 0 }
      expect(await stores.kv.put(alice, { key: 'a', value: '1' }, none)).toBe('done')
      expect(await stores.kv.increment(alice, 'b', 1, none)).toEqual({ outcome: 'done', value: 2 })
      expect(await stores.kv.put(alice, { key: 'a', value: '10' }, none)).toBe('quota-exceeded')
      expect(await stores.kv.put(alice, { key: 'c', value: '1' }, none)).toBe('quota-exceeded')
    })

    test('an entry that is put again after its expiry counts as a new one', async () => {
      const clock = fakeClock()
      await using stores = await open(clock)
      await put(stores, { a: '1' })
      await stores.kv.put(alice, { key: 'b', value: '"long value"', expiresAt: later(1) }, AMPLE)
      clock.advance(1)
      const entry = { key: 'b', value: '1' }
      expect(await stores.kv.put(alice, entry, { keys: 1, storedBytes: 100 })).toBe('quota-exceeded')
      expect(await stores.kv.put(alice, entry, { keys: 2, storedBytes: 3 })).toBe('quota-exceeded')
      expect(await stores.kv.put(alice, entry, { keys: 2, storedBytes: 4 })).toBe('done')
    })

    test('a quota counts bytes of UTF-8, keys included', async () => {
      await using stores = await open(fakeClock())
      const entry = { key: 'é', value: '"😀"' }
      expect(await stores.kv.put(alice, entry, { keys: 1, storedBytes: 7 })).toBe('quota-exceeded')
      expect(await stores.kv.put(alice, entry, { keys: 1, storedBytes: 8 })).toBe('done')
    })

    test('thousands of expired entries make room for one that is put', async () => {
      const clock = fakeClock()
      await using stores = await open(clock)
      const quota = { keys: 1_300, storedBytes: 1_000_000 }
      await Promise.all(
        Array.from({ length: quota.keys }, (_, index) =>
          stores.kv.put(alice, { key: `k${index}`, value: '1', expiresAt: later(1) }, quota),
        ),
      )
      expect(await stores.kv.put(alice, { key: 'new', value: '1' }, quota)).toBe('quota-exceeded')
      clock.advance(1)
      expect(await stores.kv.put(alice, { key: 'new', value: '1' }, quota)).toBe('done')
      expect(await stores.kv.list(alice, { prefix: '', limit: 10 })).toEqual([{ key: 'new' }])
    })

    test('entries are written together or not at all, and got as they were at one moment', async () => {
      await using stores = await open(fakeClock())
      const entries = [
        { key: 'a', value: '1', metadata: '{"m":1}' },
        { key: 'b', value: '2', expiresAt: later(5) },
      ]
      expect(await stores.kv.putMany(alice, entries, AMPLE)).toBe('done')
      expect(await stores.kv.getMany(alice, ['b', 'none', 'a', 'a'], 100)).toEqual([
        entries[1],
        undefined,
        entries[0],
        entries[0],
      ])
      const more = ['c', 'd', 'e'].map((key) => ({ key, value: '3' }))
      expect(await stores.kv.putMany(alice, more, { ...AMPLE, keys: 4 })).toBe('quota-exceeded')
      expect(await stores.kv.list(alice, { prefix: '', limit: 9 })).toHaveLength(2)
      // The totals went back as well: what is left of the quota is still there.
      expect(await stores.kv.putMany(alice, more.slice(1), { ...AMPLE, keys: 4 })).toBe('done')
      expect(await stores.kv.deleteMany(alice, ['a', 'none', 'd', 'a'])).toBe(2)
      expect(await stores.kv.getMany(bob, ['b'], 100)).toEqual([undefined])
      expect(await stores.kv.deleteMany(bob, ['b'])).toBe(0)
    })

    test('values that are too long together are not given, and not read on', async () => {
      await using stores = await open(fakeClock())
      await put(stores, { a: '"12345678"', b: '"12345678"' })
      expect(await stores.kv.getMany(alice, ['a', 'b'], 20)).toHaveLength(2)
      expect(await stores.kv.getMany(alice, ['a', 'b'], 19)).toBeUndefined()
      expect((await stores.kv.get(alice, 'a'))?.value).toBe('"12345678"')
    })

    test('metadata counts as stored, goes with a put without it, and stays when a number is incremented', async () => {
      await using stores = await open(fakeClock())
      const entry = { key: 'n', value: '1', metadata: '"€"' }
      expect(await stores.kv.put(alice, entry, { keys: 1, storedBytes: 6 })).toBe('quota-exceeded')
      expect(await stores.kv.put(alice, entry, { keys: 1, storedBytes: 7 })).toBe('done')
      await stores.kv.increment(alice, 'n', 1, AMPLE)
      expect(await stores.kv.list(alice, { prefix: '', limit: 9 })).toEqual([{ key: 'n', metadata: '"€"' }])
      await put(stores, { n: '2' })
      expect(await stores.kv.get(alice, 'n')).toEqual({ key: 'n', value: '2' })
      expect(await stores.kv.put(alice, { key: 'n', value: '"12"' }, { keys: 1, storedBytes: 5 })).toBe('done')
    })

    describeKvModel(open)
  })
}
