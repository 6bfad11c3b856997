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

describe('a key', () => {
  const calls: [operation: string, args: (key: unknown) => unknown[]][] = [
    ['get', (key) => [key]],
    ['put', (key) => [key, 1]],
    ['delete', (key) => [key]],
    ['increment', (key) => [key]],
    ['compareAndSet', (key) => [key, null, 1]],
  ]
  test.each(calls)('is checked by %s', async (operation, args) => {
    const kv = fresh()
    for (const key of [undefined, null, '', 5, true, ['k'], { key: 'k' }]) {
      expect(await kv(operation, ...args(key))).toEqual(refused('key must be a string that is not empty'))
    }
    expect(await kv(operation, ...args('\ud800'))).toEqual(refused('key holds half of a surrogate pair'))
    expect(await kv(operation, ...args('x'.repeat(17)))).toEqual(refused('key has 17 bytes; at most 16 are allowed'))
    // Nine of three bytes each.
    expect(await kv(operation, ...args('€'.repeat(9)))).toEqual(refused('key has 27 bytes; at most 16 are allowed'))
    expect(await kv(operation, ...args('x'.repeat(16)))).toHaveProperty('value')
  })

  test.each([
    '__proto__',
    'constructor',
    'toString',
    'a\0b',
    ' ',
    '😀',
    "'; drop --",
    '%',
    '_',
    '../..',
    'ä',
    'a\u0308',
  ])('may be %j and is no other', async (key) => {
    const kv = fresh()
    expect(await kv('get', key)).toEqual({ value: null })
    expect(await kv('put', key, { its: key })).toEqual({ value: undefined })
    expect(await kv('get', key)).toEqual({ value: { its: key } })
    expect(await kv('list', {})).toEqual({ value: { keys: [{ key }] } })
    expect(await kv('delete', key)).toEqual({ value: true })
    expect(await kv('delete', key)).toEqual({ value: false })
    expect(await kv('get', key)).toEqual({ value: null })
  })
})

describe('a value', () => {
  test.each(['put', 'compareAndSet'])('of undefined, or one that is too long, is refused by %s', async (operation) => {
    const kv = fresh()
    const args = operation === 'put' ? ['k'] : ['k', null]
    expect(await kv(operation, ...args)).toEqual(refused('value must be JSON; it is undefined'))
    // Its quotes count.
    expect(await kv(operation, ...args, 'x'.repeat(63))).toEqual(
      refused('value has 65 bytes as JSON; at most 64 are allowed'),
    )
    expect(await kv(operation, ...args, '€'.repeat(21))).toEqual(
      refused('value has 65 bytes as JSON; at most 64 are allowed'),
    )
    expect(await kv('get', 'k')).toEqual({ value: null })
    expect(await kv(operation, ...args, 'x'.repeat(62))).toHaveProperty('value')
  })

  test.each([null, false, 0, -0.5, '', 'text', '\ud800', [], [[]], {}, { a: { b: [1, 'c', null] } }])(
    'of %j comes back as it was',
    async (value) => {
      const kv = fresh()
      await kv('put', 'k', value)
      expect(await kv('get', 'k')).toEqual({ value })
    },
  )

  test('with an own __proto__ comes back with it and changes no prototype', async () => {
    const kv = fresh()
    await kv('put', 'k', JSON.parse('{"__proto__":{"x":1}}'))
    const answer = (await kv('get', 'k')) as { value: object }
    expect(Object.keys(answer.value)).toEqual(['__proto__'])
    expect(Reflect.has({}, 'x')).toBe(false)
  })

  test('that is nested a hundred thousand deep is stored, or refused in words, but is no fault of the host', async () => {
    const kv = fresh({ ...GRANT, valueBytes: bytes(1 << 20), storedBytes: bytes(1 << 24) })
    let value: unknown[] = []
    for (let depth = 0; depth < 100_000; depth += 1) value = [value]
    expect(await kv('put', 'k', value)).not.toHaveProperty('code', 'UNAVAILABLE')
  })
})

test('a key made of escapes with two values of the largest size is not too much to be parsed', async () => {
  const kv = fresh({ ...GRANT, keyBytes: bytes(512) })
  const [key, one, two] = ['\u0001'.repeat(512), 'x'.repeat(62), 'y'.repeat(62)]
  await kv('put', key, one)
  expect(await kv('compareAndSet', key, one, two, { ttlSeconds: 315_360_000 })).toEqual({ value: true })
  expect(await kv('list', { prefix: key, cursor: key, limit: 1_000 })).toEqual({ value: { keys: [] } })
})

describe('a time to live', () => {
  test.each([null, 0, 0.5, -1, 315_360_001, 1e300, '60', true, [], {}])('of %j is refused', async (ttlSeconds) => {
    const kv = fresh()
    const message = 'options.ttlSeconds must be a number from 1 to 315360000'
    expect(await kv('put', 'k', 1, { ttlSeconds })).toEqual(refused(message))
    expect(await kv('compareAndSet', 'k', null, 1, { ttlSeconds })).toEqual(refused(message))
  })

  test('ends the entry for every operation at its end, not before', async () => {
    const kv = fresh()
    await kv('put', 'k', 7, { ttlSeconds: 1.5 })
    world.pass(1_499)
    expect(await kv('get', 'k')).toEqual({ value: 7 })
    world.pass(1)
    expect(await kv('get', 'k')).toEqual({ value: null })
    expect(await kv('list')).toEqual({ value: { keys: [] } })
    expect(await kv('delete', 'k')).toEqual({ value: false })
    expect(await kv('compareAndSet', 'k', 7, 8)).toEqual({ value: false })
    expect(await kv('increment', 'k')).toEqual({ value: 1 })
  })

  test('is shown by list, goes with a put without one, and stays when a number is incremented', async () => {
    const kv = fresh()
    await kv('put', 'a', 1, { ttlSeconds: 60 })
    await kv('put', 'b', 1, { ttlSeconds: 60 })
    await kv('put', 'b', 2)
    await kv('increment', 'a')
    const expiresAt = new Date(world.nowMs() + 60_000).toISOString()
    expect(await kv('list')).toEqual({ value: { keys: [{ key: 'a', expiresAt }, { key: 'b' }] } })
  })
})

describe('options', () => {
  test.each([
    ['put', ['k', 1]],
    ['compareAndSet', ['k', null, 1]],
    ['list', []],
  ])('of %s must be an object of known fields', async (operation, args) => {
    const kv = fresh()
    const known = operation === 'list' ? 'prefix, limit, cursor' : 'ttlSeconds, metadata'
    for (const options of [5, 'x', true, [], [1]]) {
      expect(await kv(operation, ...args, options)).toEqual(refused('options must be an object'))
    }
    expect(await kv(operation, ...args, { ttl: 5 })).toEqual(refused(`options.ttl is not known; there is ${known}`))
    expect(await kv(operation, ...args, { ['x'.repeat(900)]: 5 })).toEqual(
      refused(`options.${'x'.repeat(50)} is not known; there is ${known}`),
    )
    expect(await kv(operation, ...args, JSON.parse('{"__proto__":{"limit":1}}'))).toEqual(
      refused(`options.__proto__ is not known; there is ${known}`),
    )
    expect(await kv(operation, ...args, null)).toHaveProperty('value')
  })
})

describe('metadata', () => {
  test('is kept beside the value, shown by list, and null if there is none', async () => {
    const kv = fresh()
    await kv('put', 'a', 1, { metadata: { by: 'ann' } })
    await kv('put', 'b', 2, { metadata: null })
    expect(await kv('getWithMetadata', 'a')).toEqual({ value: { value: 1, metadata: { by: 'ann' } } })
    expect(await kv('getWithMetadata', 'b')).toEqual({ value: { value: 2, metadata: null } })
    expect(await kv('getWithMetadata', 'c')).toEqual({ value: { value: null, metadata: null } })
    expect(await kv('list')).toEqual({ value: { keys: [{ key: 'a', metadata: { by: 'ann' } }, { key: 'b' }] } })
  })

  test('of more than 1024 bytes is refused', async () => {
    const kv = fresh()
    const message = 'options.metadata has 1025 bytes as JSON; at most 1024 are allowed'
    expect(await kv('put', 'k', 1, { metadata: 'x'.repeat(1_023) })).toEqual(refused(message))
    expect(await kv('put', 'k', 1, { metadata: 'x'.repeat(1_022) })).toHaveProperty('value')
  })
})

describe('a batch', () => {
  test('puts, gets and deletes several entries', async () => {
    const kv = fresh()
    const entries = [
      { key: 'a', value: 1 },
      { key: '__proto__', value: { x: [] }, metadata: 5, ttlSeconds: 60 },
    ]
    expect(await kv('putMany', entries)).toEqual({ value: undefined })
    expect(await kv('getMany', ['__proto__', 'none', 'a'])).toEqual({ value: [{ x: [] }, null, 1] })
    expect(await kv('deleteMany', ['a', 'none', 'a'])).toEqual({ value: 1 })
    expect(await kv('getMany', ['a'])).toEqual({ value: [null] })
  })

  test.each(['getMany', 'putMany', 'deleteMany'])('of %s is a list of 1 to 100', async (operation) => {
    const kv = fresh()
    const what = operation === 'putMany' ? 'entries' : 'keys'
    for (const items of [undefined, null, 'k', {}, { length: 1, 0: 'k' }, [], Array(101).fill('k')]) {
      expect(await kv(operation, items)).toEqual(refused(`${what} must be a list of 1 to 100`))
    }
  })

  test('names the one that is wrong, and writes none', async () => {
    const kv = fresh()
    const good = { key: 'a', value: 1 }
    expect(await kv('putMany', [good, { key: 'b' }])).toEqual(refused('entries[1].value must be JSON; it is undefined'))
    expect(await kv('putMany', [good, 5])).toEqual(refused('entries[1] must be an object'))
    expect(await kv('putMany', [good, { ...good, ttlSeconds: 0 }])).toEqual(
      refused('entries[1].ttlSeconds must be a number from 1 to 315360000'),
    )
    expect(await kv('putMany', [good, { ...good, ttl: 1 }])).toEqual(
      refused('entries[1].ttl is not known; there is key, value, ttlSeconds, metadata'),
    )
    expect(await kv('getMany', ['a', ''])).toEqual(refused('keys[1] must be a string that is not empty'))
    expect(await kv('deleteMany', ['a', 'x'.repeat(17)])).toEqual(
      refused('keys[1] has 17 bytes; at most 16 are allowed'),
    )
    expect(await kv('list')).toEqual({ value: { keys: [] } })
  })

  test('over the quota writes nothing', async () => {
    const kv = fresh({ ...GRANT, keys: 2 })
    const entries = ['a', 'b', 'c'].map((key) => ({ key, value: 1 }))
    expect(await kv('putMany', entries)).toMatchObject({ code: 'QUOTA_EXCEEDED' })
    expect(await kv('list')).toEqual({ value: { keys: [] } })
    expect(await kv('putMany', entries.slice(1))).toEqual({ value: undefined })
  })

  test('counts as many operations as it has keys', async () => {
    const kv = fresh({ ...GRANT, operations: 4 })
    expect(await kv('getMany', ['a', 'b', 'c'])).toEqual({ value: [null, null, null] })
    expect(await kv('deleteMany', ['a', 'b'])).toMatchObject({ code: 'QUOTA_EXCEEDED' })
  })

  test('of values that have more than fits into one answer is refused, with the remedy', async () => {
    const kv = fresh({ ...GRANT, valueBytes: bytes(1 << 19), storedBytes: bytes(1 << 24) })
    for (const key of ['a', 'b', 'c']) await kv('put', key, 'x'.repeat((1 << 19) - 2))
    expect(await kv('getMany', ['a', 'b'])).toHaveProperty('value')
    const message = 'the values of these keys have more than 1048576 bytes together; get fewer at once'
    expect(await kv('getMany', ['a', 'b', 'c'])).toEqual(refused(message))
  })
})

test('none of what is tried here is a fault of the host', () => {
  expect(world.faults).toEqual([])
})
