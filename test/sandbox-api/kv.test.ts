import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Guest, KV, openGuest } from './guest.ts'

let guest: Guest
const tenants = Array.from({ length: 30 }, (_, index) => `t${index}`)
beforeAll(async () => {
  guest = await openGuest(tenants)
})
afterAll(() => guest[Symbol.asyncDispose]())

/** Runs code for a tenant that has no data yet. */
const fresh = (code: string, options = {}) => guest.value(code, { tenant: tenants.pop()!, ...options })
/** Code that returns `code`, `message` and kind of what a promise rejects with. */
const refusal = (call: string): string =>
  `try { await ${call}; return 'done' } catch (e) { return [e.code, e.message, e instanceof Error, Object.keys(e)] }`
const refused = (message: string) => ['INVALID_ARGUMENT', message, true, ['code']]

describe('kv', () => {
  test('keeps what JSON can hold, from run to run', async () => {
    const tenant = tenants.pop()!
    const value = { a: [1, 'ä€😀', null, { '__proto__ ': true }], empty: '' }
    expect(
      await guest.value(`return (await context.kv.put('k', ${JSON.stringify(value)})) === undefined`, { tenant }),
    ).toBe(true)
    expect(await guest.value(`return await context.kv.get('k')`, { tenant })).toEqual(value)
  })

  test('gives null for what is not there, and values of the guest’s own realm', async () => {
    const code = `await context.kv.put('k', { a: [] }); const found = await context.kv.get('k')
      return [await context.kv.get('none'), found instanceof Object, found.a instanceof Array, context.kv.get('k') instanceof Promise]`
    expect(await fresh(code)).toEqual([null, true, true, true])
  })

  test('deletes, increments, compares and lists', async () => {
    const kv = 'context.kv'
    const code = `return [await ${kv}.delete('a'), await ${kv}.increment('n'), await ${kv}.increment('n', 2.5), await ${kv}.delete('n'), await ${kv}.get('n'),
      await ${kv}.compareAndSet('c', null, 1), await ${kv}.compareAndSet('c', undefined, 2), await ${kv}.compareAndSet('c', 1, { v: 3 }), await ${kv}.get('c'),
      await ${kv}.put('d', 1), await ${kv}.list(), await ${kv}.list({ limit: 1 }), await ${kv}.list({ prefix: 'd', cursor: 'c' })]`
    expect(await fresh(code)).toEqual([
      false,
      1,
      3.5,
      true,
      null,
      true,
      false,
      true,
      { v: 3 },
      null,
      { keys: [{ key: 'c' }, { key: 'd' }] },
      { keys: [{ key: 'c' }], cursor: 'c' },
      { keys: [{ key: 'd' }] },
    ])
  })

  test('takes a time to live and shows when it ends', async () => {
    const code = `await context.kv.put('k', 1, { ttlSeconds: 60 }); const { keys } = await context.kv.list()
      return Date.parse(keys[0].expiresAt) - Date.now()`
    const leftMs = await fresh(code)
    expect(leftMs).toBeGreaterThan(30_000)
    expect(leftMs).toBeLessThanOrEqual(60_001)
  })

  test('puts, gets and deletes in batches, with metadata', async () => {
    const kv = 'context.kv'
    const code = `await ${kv}.putMany([{ key: 'a', value: 1, metadata: { m: 1 } }, { key: 'b', value: [2] }])
      return [await ${kv}.getMany(['b', 'none', 'a']), await ${kv}.getWithMetadata('a'), await ${kv}.list(), await ${kv}.deleteMany(['a', 'none'])]`
    expect(await fresh(code)).toEqual([
      [[2], null, 1],
      { value: 1, metadata: { m: 1 } },
      { keys: [{ key: 'a', metadata: { m: 1 } }, { key: 'b' }] },
      1,
    ])
  })

  test('has methods that need no `this`', async () => {
    expect(await fresh(`const { put, get } = context.kv; await put('k', 5); return await get('k')`)).toBe(5)
  })

  test('is the tenant’s own', async () => {
    const [one, two] = [tenants.pop()!, tenants.pop()!]
    await guest.value(`await context.kv.put('k', 'of one')`, { tenant: one })
    const code = `return [await context.kv.get('k'), await context.kv.list(), await context.kv.delete('k')]`
    expect(await guest.value(code, { tenant: two })).toEqual([null, { keys: [] }, false])
  })
})

describe('a call that cannot be made', () => {
  test.each([
    ['put("k", undefined)', 'value must be JSON; it is undefined'],
    ['put("k", undefined, {})', 'argument 2 is undefined, which JSON cannot hold'],
    ['put("k", () => 1)', 'argument 2 is function, which JSON cannot hold'],
    ['put("k", Symbol())', 'argument 2 is symbol, which JSON cannot hold'],
    ['put("k", 5n)', 'argument 2 cannot be turned into JSON: Do not know how to serialize a BigInt'],
    ['put("k", { get a() { throw new Error("mine") } })', 'argument 2 cannot be turned into JSON: mine'],
    ['put("k", { toJSON() {} })', 'argument 2 is object, which JSON cannot hold'],
    ['put()', 'key must be a string that is not empty'],
    ['put("k")', 'value must be JSON; it is undefined'],
    ['put("k", 1, { ttlSeconds: NaN })', 'options.ttlSeconds must be a number from 1 to 315360000'],
    ['put("k", 1, { ttl: 1 })', 'options.ttl is not known; there is ttlSeconds, metadata'],
    ['put("\\ud800", 1)', 'key holds half of a surrogate pair'],
    ['put("k", "x".repeat(2 ** 20))', 'value has 1048578 bytes as JSON; at most 1048576 are allowed'],
    ['put("k", "x".repeat(3e6))', 'the arguments of a call have more than 2162688 characters as JSON'],
    ['increment("k", NaN)', 'by must be a finite number'],
    ['increment("k", Infinity)', 'by must be a finite number'],
    ['get({ toString: () => "k" })', 'key must be a string that is not empty'],
    ['compareAndSet("k", null)', 'value must be JSON; it is undefined'],
    ['list({ limit: 0 })', 'options.limit must be a whole number from 1 to 1000'],
    ['list({ prefix: "\\udc00" })', 'options.prefix holds half of a surrogate pair'],
  ])('rejects: %s', async (call, message) => {
    expect(await guest.value(refusal(`context.kv.${call}`), { tenant: 't0' })).toEqual(refused(message))
  })

  test('rejects, and never throws: its caller has a promise in any case', async () => {
    const code = `const promise = context.kv.put('k', 5n); promise.catch(() => {}); return promise instanceof Promise`
    expect(await fresh(code)).toBe(true)
  })

  test('leaves kv usable', async () => {
    const code = `for (let n = 0; n < 300; n++) await context.kv.put('k', 5n).catch(() => {}); await context.kv.put('k', 5); return await context.kv.get('k')`
    expect(await fresh(code, { limits: { pendingCalls: 2 } })).toBe(5)
  })

  test('with a value in which the policy’s largest fits twice is no reason to end the cell', async () => {
    const code = `const [a, b] = ['€'.repeat(349000), 'x'.repeat(2 ** 20 - 2)]; await context.kv.put('k', a)
      return [await context.kv.compareAndSet('k', a, b), await context.kv.compareAndSet('k', b, a), (await context.kv.get('k')).length]`
    expect(await fresh(code)).toEqual([true, true, 349_000])
  })
})

describe('bounds of a run', () => {
  test('more calls than may wait are refused as TOO_MANY_CALLS, the others are answered, and later ones too', async () => {
    const code = `const all = await Promise.allSettled(Array.from({ length: 10 }, (_, n) => context.kv.put('k' + n, n)))
      return [all.map(({ reason }) => reason?.code ?? 'done'), all[9].reason.message, (await context.kv.list()).keys.length]`
    const codes = [...Array.from({ length: 4 }, () => 'done'), ...Array.from({ length: 6 }, () => 'TOO_MANY_CALLS')]
    expect(await fresh(code, { limits: { pendingCalls: 4 } })).toEqual([
      codes,
      'more than 4 calls are waiting for an answer',
      4,
    ])
  })

  test('calls that are made while another one is turned into JSON count as well', async () => {
    const code = `let depth = 0; const all = []
      const nested = () => ({ toJSON() { if (depth++ < 9) all.push(context.kv.put('k', nested())); return 1 } })
      all.push(context.kv.put('k', nested())); return (await Promise.allSettled(all)).map(({ reason }) => reason?.code ?? 'done').toSorted()`
    const codes = [...Array.from({ length: 7 }, () => 'TOO_MANY_CALLS'), 'done', 'done', 'done']
    expect(await fresh(code, { limits: { pendingCalls: 3 } })).toEqual(codes)
  })

  test('more operations than the policy grants are QUOTA_EXCEEDED', async () => {
    const code = `await context.kv.get('a'); await context.kv.get('a'); ${refusal('context.kv.get("a")')}`
    expect(await fresh(code, { grants: { kv: { ...KV, operations: 2 } } })).toEqual([
      'QUOTA_EXCEEDED',
      'a run may use kv 2 times (capabilities.kv.operations)',
      true,
      ['code'],
    ])
  })

  test('what the tenant may keep is QUOTA_EXCEEDED too', async () => {
    const code = `await context.kv.put('a', 1); ${refusal('context.kv.put("b", 1)')}`
    expect(await fresh(code, { grants: { kv: { ...KV, keys: 1 } } })).toEqual([
      'QUOTA_EXCEEDED',
      'a tenant may keep 1 keys and 67108864 bytes in kv',
      true,
      ['code'],
    ])
  })

  test('the host counts what was called, and knows whether it had an effect', async () => {
    await fresh(`await context.kv.get('a'); await context.kv.get('b'); await context.kv.list()`)
    expect(guest.cells.sessions.at(-1)).toMatchObject({ operations: { 'kv.get': 2, 'kv.list': 1 }, hadEffects: false })
    await fresh(`await context.kv.put('a', 1)`)
    expect(guest.cells.sessions.at(-1)).toMatchObject({ operations: { 'kv.put': 1 }, hadEffects: true })
  })

  test('a call that nobody waits for is made all the same', async () => {
    const tenant = tenants.pop()!
    await guest.value(`context.waitUntil(context.kv.put('k', 1))`, { tenant })
    expect(await guest.value(`return await context.kv.get('k')`, { tenant })).toBe(1)
  })
})
