import { type Attack, attack } from '../attack.ts'

/** Gives the code of what a call rejected with, or `done`. */
const CODE_OF = 'const codeOf = (call) => Promise.resolve().then(call).then(() => "done", (e) => e.code ?? e.name);'
const KV = { kv: { operations: 1_000 } }

/** Abuse of `kv`, the one capability that a guest can be granted. */
export const CAPABILITY: readonly Attack[] = [
  attack('A-216', 'keys that are not text', {
    code: `${CODE_OF} const keys = [undefined, null, 1, {}, [], ['k'], { toString: () => 'k' }, true, '', { toJSON: () => 5 }]
      return [...new Set(await Promise.all(keys.map((key) => codeOf(() => context.kv.get(key)))))]`,
    ends: ['ok'],
    returns: ['INVALID_ARGUMENT'],
  }),
  attack('A-217', 'keys and values that JSON cannot hold', {
    code: `${CODE_OF} const loop = {}; loop.loop = loop
      return [...new Set(await Promise.all([Symbol('k'), 1n, () => 1, loop].flatMap((v) => [codeOf(() => context.kv.get(v)), codeOf(() => context.kv.put('k', v))])))]`,
    ends: ['ok'],
    returns: ['INVALID_ARGUMENT'],
  }),
  attack('A-218', 'a key of half a megabyte', {
    code: `${CODE_OF} return [await codeOf(() => context.kv.get('k'.repeat(5e5))), await codeOf(() => context.kv.put('k'.repeat(513), 1)), await codeOf(() => context.kv.put('é'.repeat(300), 1))]`,
    ends: ['ok'],
    returns: ['INVALID_ARGUMENT', 'INVALID_ARGUMENT', 'INVALID_ARGUMENT'],
  }),
  attack('A-219', 'keys with NUL, halves of pairs, line ends and marks of direction', {
    code: `${CODE_OF} const keys = ['a\\u0000b', 'a', '\\u202e', 'x\\r\\ny', '\\u0000']
      for (const [i, key] of keys.entries()) await context.kv.put(key, i)
      const back = []; for (const key of keys) back.push(await context.kv.get(key))
      return [back, await codeOf(() => context.kv.put('\\ud800', 1)), (await context.kv.list()).keys.length]`,
    ends: ['ok'],
    returns: [[0, 1, 2, 3, 4], 'INVALID_ARGUMENT', 5],
  }),
  attack('A-220', 'keys that are names of prototypes', {
    code: `const keys = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype', '__defineGetter__']
      const before = []; for (const key of keys) before.push(await context.kv.get(key))
      for (const key of keys) await context.kv.put(key, { polluted: key })
      const after = []; for (const key of keys) after.push((await context.kv.get(key)).polluted)
      return [before, after, ({}).polluted ?? null]`,
    ends: ['ok'],
    returns: [
      [null, null, null, null, null, null],
      ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype', '__defineGetter__'],
      null,
    ],
  }),
  attack('A-221', 'SQL in keys, values, prefixes and cursors', {
    code: `${CODE_OF} const sql = ["' OR 1=1 --", "'; DROP TABLE kv; --", '" OR ""="', "1' UNION SELECT hash FROM keys --", '%', '_', '*', '?', '\\\\', ':tenant', '$1', '?1']
      for (const text of sql) await context.kv.put(text, text)
      const back = []; for (const text of sql) back.push((await context.kv.get(text)) === text && (await context.kv.list({ prefix: text })).keys.every(({ key }) => key.startsWith(text)))
      for (const text of sql) await context.kv.list({ cursor: text })
      return [back.every(Boolean), (await context.kv.list()).keys.length, await context.kv.get('nothing')]`,
    ends: ['ok'],
    returns: [true, 12, null],
  }),
  attack('A-222', 'options that are not what they should be', {
    code: `${CODE_OF} const calls = [() => context.kv.list({ limit: -1 }), () => context.kv.list({ limit: 1e9 }), () => context.kv.list({ limit: '5' }), () => context.kv.list({ limit: 1.5 }),
      () => context.kv.list({ cursor: {} }), () => context.kv.list({ prefix: [] }), () => context.kv.list({ tenant: 'quiet' }), () => context.kv.list([]), () => context.kv.list('x'),
      () => context.kv.put('k', 1, { ttlSeconds: -1 }), () => context.kv.put('k', 1, { ttlSeconds: 1e300 }), () => context.kv.put('k', 1, { ttlSeconds: NaN }), () => context.kv.put('k', 1, { ttlSeconds: '9' }),
      () => context.kv.put('k', 1, { tenant: 'quiet' }), () => context.kv.increment('k', NaN), () => context.kv.increment('k', '1'), () => context.kv.increment('k', {})]
      return [...new Set(await Promise.all(calls.map(codeOf)))]`,
    ends: ['ok'],
    returns: ['INVALID_ARGUMENT'],
  }),
  attack('A-223', 'sums past what a number can hold', {
    code: `${CODE_OF} await context.kv.put('text', 'x'); await context.kv.put('big', Number.MAX_SAFE_INTEGER)
      return [await codeOf(() => context.kv.increment('text')), await codeOf(() => context.kv.increment('big', 1)), await context.kv.get('big') === Number.MAX_SAFE_INTEGER]`,
    ends: ['ok'],
    returns: ['INVALID_ARGUMENT', 'INVALID_ARGUMENT', true],
  }),
  attack('A-224', 'values of two megabytes', {
    code: `${CODE_OF} return [await codeOf(() => context.kv.put('k', 'x'.repeat(262_143))), await codeOf(() => context.kv.put('k', 'x'.repeat(2e6))), await codeOf(() => context.kv.compareAndSet('k', 'x'.repeat(3e6), 1)), await context.kv.get('k')]`,
    ends: ['ok'],
    returns: ['INVALID_ARGUMENT', 'INVALID_ARGUMENT', 'INVALID_ARGUMENT', null],
  }),
  attack('A-225', 'a value nested two hundred thousand deep', {
    code: `${CODE_OF} let v = []; for (let i = 0; i < 2000; i++) v = [v]
      let deep = { toJSON: () => 1 }; for (let i = 0; i < 200_000; i++) deep = [deep]
      return [await codeOf(() => context.kv.put('k', v)), await codeOf(() => context.kv.put('d', deep))]`,
    ends: ['ok'],
    returns: ['done', 'INVALID_ARGUMENT'],
  }),
  attack('A-226', 'a value whose toJSON makes calls of its own', {
    code: `let depth = 0; const v = { toJSON() { if (depth++ < 50) context.kv.put('inner' + depth, v).catch(() => {}); return depth } }
      await context.kv.put('outer', v); return typeof (await context.kv.get('outer'))`,
    ends: ['ok'],
    returns: 'number',
  }),
  attack(
    'A-227',
    'more operations than granted',
    {
      code: `${CODE_OF} const codes = new Map(); for (let i = 0; i < 120; i++) { const c = await codeOf(() => context.kv.get('k')); codes.set(c, (codes.get(c) ?? 0) + 1) } return [...codes]`,
      ends: ['ok'],
      returns: [
        ['done', 100],
        ['QUOTA_EXCEEDED', 20],
      ],
    },
    { policy: { capabilities: { kv: { operations: 100 } } } },
  ),
  attack(
    'A-228',
    'more operations than granted, all at the same moment',
    {
      code: `${CODE_OF} const all = await Promise.all(Array.from({ length: 200 }, (_, i) => codeOf(() => context.kv.increment('n'))))
      return [all.filter((c) => c === 'done').length, all.filter((c) => c === 'QUOTA_EXCEEDED').length]`,
      ends: ['ok'],
      returns: [100, 100],
    },
    { policy: { capabilities: { kv: { operations: 100 } } } },
  ),
  attack('A-229', 'ten thousand calls without waiting for an answer', {
    code: `${CODE_OF} const all = await Promise.all(Array.from({ length: 10_000 }, () => codeOf(() => context.kv.get('k'))))
      return [all.filter((c) => c === 'done').length <= 1000, all.includes('TOO_MANY_CALLS')]`,
    ends: ['ok'],
    returns: [true, true],
  }),
  attack(
    'A-230',
    'more keys than a tenant may keep',
    {
      code: `${CODE_OF} const codes = []; for (let i = 0; i < 12; i++) codes.push(await codeOf(() => context.kv.put('k' + i, i)))
      await context.kv.delete('k0'); codes.push(await codeOf(() => context.kv.put('again', 1))); return codes.map((c) => c[0]).join('')`,
      ends: ['ok'],
      returns: 'ddddddddddQQd',
    },
    { policy: { capabilities: { kv: { keys: 10 } } } },
  ),
  attack(
    'A-231',
    'more bytes than a tenant may keep, by runs at the same moment',
    [
      {
        code: `${CODE_OF} return [...new Set(await Promise.all(Array.from({ length: 20 }, (_, i) => codeOf(() => context.kv.put(context.runId + i, 'x'.repeat(1000))))))].every((c) => c === 'done' || c === 'QUOTA_EXCEEDED')`,
        ends: ['ok'],
        returns: true,
        atOnce: 8,
      },
      {
        code: `let bytes = 0, cursor; do { const page = await context.kv.list({ cursor }); for (const { key } of page.keys) bytes += key.length + JSON.stringify(await context.kv.get(key)).length; cursor = page.cursor } while (cursor); return bytes <= 50_000 && bytes > 45_000`,
        ends: ['ok'],
        returns: true,
      },
    ],
    { policy: { capabilities: { kv: { storedBytes: 50_000 } } } },
  ),
  attack('A-232', 'an increment that races with itself in many runs', [
    {
      code: `await Promise.all(Array.from({ length: 25 }, () => context.kv.increment('n'))); return 1`,
      ends: ['ok'],
      returns: 1,
      atOnce: 8,
    },
    { code: `return await context.kv.get('n')`, ends: ['ok'], returns: 200 },
  ]),
  attack('A-233', 'the data of another tenant, by the same key', [
    { code: `await context.kv.put('secret', 'mine'); return 1`, as: 'accomplice', ends: ['ok'], returns: 1 },
    {
      code: `return [await context.kv.get('secret'), (await context.kv.list()).keys, await context.kv.delete('secret')]`,
      ends: ['ok'],
      returns: [null, [], false],
    },
    { code: `return await context.kv.get('secret')`, as: 'accomplice', ends: ['ok'], returns: 'mine' },
  ]),
  attack('A-234', 'the data of another tenant, by names in the key', [
    { code: `await context.kv.put('secret', context.tenant); return 1`, as: 'accomplice', ends: ['ok'], returns: 1 },
    {
      code: `const name = context.tenant.replace(/a$/, 'b'), got = []
        for (const key of [name + '/secret', '../' + name + '/secret', name + '\\u0000secret', name + ':secret', '/v1/tenants/' + name + '/kv/secret', '1/secret', '2\\u0000secret'])
          got.push(await context.kv.get(key), ...(await context.kv.list({ prefix: key })).keys)
        return got.filter((x) => x !== null)`,
      ends: ['ok'],
      returns: [],
    },
  ]),
  attack('A-235', 'the methods of kv with another this and more arguments', {
    code: `const { get, put, list } = context.kv, other = { tenant: 'quiet', grant: { keys: 1e9 } }
      await put.call(other, 'k', 1, {}, other); return [await get.call(other, 'k', other), (await list.call(other, undefined, other)).keys.length, Object.isFrozen(context.kv)]`,
    ends: ['ok'],
    returns: [1, 1, true],
  }),
  attack(
    'A-236',
    'a capability of a run that is over',
    [
      {
        code: `if (globalThis.old) try { await old.kv.put('late', 1); return 'worked' } catch (e) { if (e.code !== 'RUN_OVER') return e.code }
          globalThis.old = context; return 'nothing'`,
        ends: ['ok'],
        returns: 'nothing',
        times: 4,
      },
      { code: `return await context.kv.get('late')`, ends: ['ok'], returns: null },
    ],
    { policy: { instance: { reuse: 'function', maxCells: 1 } } },
  ),
  attack('A-237', 'a call in the getter of a result', {
    code: `return { get x() { context.kv.put('late', 1).catch(() => {}); return 1 } }`,
    ends: ['ok'],
    returns: { x: 1 },
  }),
  attack('A-238', 'calls that are on their way while the run is killed', [
    { code: `for (let i = 0; i < 200; i++) context.kv.put('k' + i, i).catch(() => {}); for (;;);`, ends: ['timeout'] },
    {
      code: `const { keys } = await context.kv.list({ limit: 1000 }); for (const { key } of keys) if ((await context.kv.get(key)) !== Number(key.slice(1))) return key; return 'whole'`,
      ends: ['ok'],
      returns: 'whole',
    },
  ]),
  attack(
    'A-239',
    'kv where the policy does not grant it',
    {
      code: `return [typeof context.kv, Object.keys(context).includes('kv'), typeof Object.getPrototypeOf(context)?.kv]`,
      ends: ['ok'],
      returns: ['undefined', false, 'undefined'],
    },
    { policy: { capabilities: { kv: null } } },
  ),
  attack(
    'A-240',
    'a kv that the guest puts on every object',
    {
      code: `Object.defineProperty(Object.prototype, 'kv', { value: { get: () => 'forged' }, configurable: true }); return Object.hasOwn(context, 'kv')`,
      ends: ['ok'],
      returns: false,
    },
    { policy: { capabilities: { kv: null } } },
  ),
  attack(
    'A-241',
    'a page of keys that another run changes meanwhile',
    [
      {
        code: `for (let i = 0; i < 40; i++) await context.kv.put('k' + (i % 20), i); return 1`,
        ends: ['ok'],
        returns: 1,
        atOnce: 4,
      },
      {
        code: `const seen = []; let cursor; do { const page = await context.kv.list({ limit: 3, cursor }); seen.push(...page.keys.map(({ key }) => key)); cursor = page.cursor } while (cursor); return [seen.length, new Set(seen).size]`,
        ends: ['ok'],
        returns: [20, 20],
      },
    ],
    { policy: { capabilities: KV } },
  ),
  attack('A-242', 'entries that expire while they are read', {
    code: `await context.kv.put('k', 1, { ttlSeconds: 1 }); await new Promise((r) => setTimeout(r, 1_100)); return [await context.kv.get('k'), (await context.kv.list()).keys, await context.kv.compareAndSet('k', 1, 2)]`,
    ends: ['ok'],
    returns: [null, [], false],
  }),
]
