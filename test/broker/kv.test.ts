import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytes } from '../../src/core/quantity.ts'
import { GRANT, type KvWorld, openKv } from './kv-world.ts'

let world: KvWorld
let tenants = 0
beforeAll(async () => {
  world = await openKv(Array.from({ length: 100 }, (_, index) => `t${index}`))
})
afterAll(() => world[Symbol.asyncDispose]())

/** Calls of a tenant that nobody has used. */
const fresh = (grant = GRANT) => world.as(`t${tenants++}`, grant)
const refused = (message: string) => ({ code: 'INVALID_ARGUMENT', message })

describe('list', () => {
  test.each([
    [{ prefix: 5 }, 'options.prefix must be a string'],
    [{ prefix: null }, 'options.prefix must be a string'],
    [{ prefix: 'x\udc00' }, 'options.prefix holds half of a surrogate pair'],
    [{ prefix: 'x'.repeat(17) }, 'options.prefix has 17 bytes; at most 16 are allowed'],
    [{ limit: 0 }, 'options.limit must be a whole number from 1 to 1000'],
    [{ limit: 1001 }, 'options.limit must be a whole number from 1 to 1000'],
    [{ limit: 1.5 }, 'options.limit must be a whole number from 1 to 1000'],
    [{ limit: null }, 'options.limit must be a whole number from 1 to 1000'],
    [{ limit: '5' }, 'options.limit must be a whole number from 1 to 1000'],
    [{ cursor: '' }, 'options.cursor must be a string that is not empty'],
    [{ cursor: 5 }, 'options.cursor must be a string that is not empty'],
    [{ cursor: '\ud800' }, 'options.cursor holds half of a surrogate pair'],
    [{ cursor: 'x'.repeat(17) }, 'options.cursor has 17 bytes; at most 16 are allowed'],
  ])('with %j is refused', async (options, message) => {
    expect(await fresh()('list', options)).toEqual(refused(message))
  })

  test('gives keys with a prefix in code-point order, page by page, each once', async () => {
    const kv = fresh()
    const keys = ['a', 'ab', 'a/1', 'a/10', 'a/2', 'b', 'a/\u{1f600}', 'a/\uffee', 'A']
    for (const key of keys) await kv('put', key, 1)
    const seen: string[] = []
    let cursor: string | undefined
    let pages = 0
    do {
      const { value } = (await kv('list', { prefix: 'a/', limit: 2, ...(cursor && { cursor }) })) as {
        value: { keys: { key: string }[]; cursor?: string }
      }
      expect(value.keys.length).toBeLessThanOrEqual(2)
      seen.push(...value.keys.map(({ key }) => key))
      cursor = value.cursor
      pages += 1
    } while (cursor !== undefined)
    // UTF-16 units would put the emoji first.
    expect(seen).toEqual(['a/1', 'a/10', 'a/2', 'a/\uffee', 'a/\u{1f600}'])
    expect(pages).toBe(3)
  })

  test('gives 100 keys unless told, and no cursor on the last page', async () => {
    const kv = fresh()
    for (let index = 0; index < 101; index += 1) await kv('put', `k${index}`, 1)
    const first = (await kv('list')) as { value: { keys: object[]; cursor: string } }
    expect(first.value.keys).toHaveLength(100)
    const second = await kv('list', { cursor: first.value.cursor })
    expect(second).toEqual({ value: { keys: [{ key: 'k99' }] } })
  })

  test('ends a page that is exactly full without a cursor', async () => {
    const kv = fresh()
    for (const key of ['a', 'b']) await kv('put', key, 1)
    expect(await kv('list', { limit: 2 })).toEqual({ value: { keys: [{ key: 'a' }, { key: 'b' }] } })
  })
})

describe('increment', () => {
  test('adds 1 from 0 unless told, and any finite number', async () => {
    const kv = fresh()
    expect(await kv('increment', 'n')).toEqual({ value: 1 })
    expect(await kv('increment', 'n', 41)).toEqual({ value: 42 })
    expect(await kv('increment', 'n', -0.5)).toEqual({ value: 41.5 })
    expect(await kv('get', 'n')).toEqual({ value: 41.5 })
  })

  test.each([null, '1', true, [], {}])('by %j is refused', async (by) => {
    expect(await fresh()('increment', 'n', by)).toEqual(refused('by must be a finite number'))
  })

  test.each(['1', null, [1], {}, true])('of %j is refused and leaves it as it is', async (value) => {
    const kv = fresh()
    await kv('put', 'n', value)
    expect(await kv('increment', 'n')).toEqual(
      refused('the stored value is not a number, or the sum is not a safe one'),
    )
    expect(await kv('get', 'n')).toEqual({ value })
  })

  test('past what a number counts exactly is refused', async () => {
    const kv = fresh()
    await kv('put', 'n', Number.MAX_SAFE_INTEGER)
    expect(await kv('increment', 'n')).toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(await kv('get', 'n')).toEqual({ value: Number.MAX_SAFE_INTEGER })
  })

  test('of many at once loses none', async () => {
    const kv = fresh()
    const sums = await Promise.all(Array.from({ length: 50 }, () => kv('increment', 'n')))
    expect(new Set(sums.map((sum) => (sum as { value: number }).value)).size).toBe(50)
    expect(await kv('get', 'n')).toEqual({ value: 50 })
  })
})

describe('compareAndSet', () => {
  test('writes over exactly what was expected', async () => {
    const kv = fresh()
    await kv('put', 'k', { a: [1] })
    expect(await kv('compareAndSet', 'k', { a: [2] }, 'lost')).toEqual({ value: false })
    expect(await kv('get', 'k')).toEqual({ value: { a: [1] } })
    expect(await kv('compareAndSet', 'k', { a: [1] }, 'won')).toEqual({ value: true })
    expect(await kv('get', 'k')).toEqual({ value: 'won' })
  })

  test('with null expects what get shows as null: no entry, or one that is null', async () => {
    const kv = fresh()
    expect(await kv('compareAndSet', 'k', null, 1)).toEqual({ value: true })
    expect(await kv('compareAndSet', 'k', null, 2)).toEqual({ value: false })
    await kv('put', 'k', null)
    expect(await kv('compareAndSet', 'k', null, 3)).toEqual({ value: true })
    expect(await kv('get', 'k')).toEqual({ value: 3 })
  })

  test('lets one of many win', async () => {
    const kv = fresh()
    const results = await Promise.all(Array.from({ length: 20 }, (_, index) => kv('compareAndSet', 'k', null, index)))
    expect(results.filter((result) => (result as { value: boolean }).value)).toHaveLength(1)
  })
})

describe('the quota of a tenant', () => {
  const quota = (keys: number, storedBytes: number) => ({
    code: 'QUOTA_EXCEEDED',
    message: `a tenant may keep ${keys} keys and ${storedBytes} bytes in kv`,
  })

  test('of keys refuses one more by every way of writing, and changes of those that are there are fine', async () => {
    const kv = fresh({ ...GRANT, keys: 2 })
    await kv('put', 'a', 1)
    await kv('put', 'b', 1)
    expect(await kv('put', 'c', 1)).toEqual(quota(2, 100_000))
    expect(await kv('increment', 'c')).toEqual(quota(2, 100_000))
    expect(await kv('compareAndSet', 'c', null, 1)).toEqual(quota(2, 100_000))
    expect(await kv('put', 'a', 2)).toEqual({ value: undefined })
    expect(await kv('delete', 'b')).toEqual({ value: true })
    expect(await kv('put', 'c', 1)).toEqual({ value: undefined })
  })

  test('of bytes counts keys and values, exactly', async () => {
    const kv = fresh({ ...GRANT, storedBytes: bytes(10) })
    expect(await kv('put', 'key', '12345')).toEqual({ value: undefined })
    expect(await kv('put', 'k', '')).toEqual(quota(1_000, 10))
    expect(await kv('put', 'key', '123456')).toEqual(quota(1_000, 10))
    expect(await kv('get', 'key')).toEqual({ value: '12345' })
  })
})

test('two tenants with the same key see nothing of each other', async () => {
  const [ann, bob] = [fresh(), fresh()]
  await ann('put', 'k', 'of ann')
  expect(await bob('get', 'k')).toEqual({ value: null })
  expect(await bob('list')).toEqual({ value: { keys: [] } })
  expect(await bob('delete', 'k')).toEqual({ value: false })
  expect(await bob('compareAndSet', 'k', 'of ann', 'of bob')).toEqual({ value: false })
  expect(await bob('increment', 'k')).toEqual({ value: 1 })
  expect(await ann('get', 'k')).toEqual({ value: 'of ann' })
})

test('none of what is tried here is a fault of the host', () => {
  expect(world.faults).toEqual([])
})
