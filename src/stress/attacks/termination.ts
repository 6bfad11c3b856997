import { type Attack, attack } from '../attack.ts'

const LOOP = '{ for (;;); }'
/** As long as an array-like can be: a walk over it takes centuries. */
const ENDLESS = '{ length: 2 ** 53 - 1 }'

/** Programs that the isolate's own timeout reaches late or never, and programs that go on after their answer. */
export const TERMINATION: readonly Attack[] = [
  attack('A-05', 'a loop in finally', { code: `try ${LOOP} finally ${LOOP}`, ends: ['timeout'] }),
  attack('A-07', 'a getter that loops while the result is read', {
    code: `return { get x() ${LOOP} }`,
    ends: ['timeout'],
  }),
  attack('A-08', 'a toJSON that loops', { code: `return { toJSON() ${LOOP} }`, ends: ['timeout'] }),
  attack('A-09', 'a thrown proxy that loops when it is read', {
    code: `throw new Proxy({}, { get() ${LOOP} })`,
    ends: ['timeout'],
  }),
  attack(
    'A-10',
    'a rejected proxy that hangs whoever reads it',
    { code: `Promise.reject(new Proxy({}, { get() ${LOOP} })); return 1`, ends: ['timeout'] },
    { stop: 'kill' },
  ),
  attack(
    'A-11',
    'a search that never looks whether it should stop',
    { code: `return Array.prototype.indexOf.call(${ENDLESS}, 1)`, ends: ['timeout'] },
    { stop: 'kill' },
  ),
  attack(
    'A-12',
    'a loop of normalizations that look rarely',
    { code: 'const s = "é".repeat(1e6); for (;;) s.normalize("NFKD")', ends: ['timeout'] },
    { stop: 'kill' },
  ),
  attack(
    'A-14',
    'squaring a BigInt',
    { code: 'let a = 3n ** 100000n; for (;;) a *= a', ends: ['timeout', 'memory-exceeded'] },
    { stop: 'kill' },
  ),
  attack('A-16', 'a thenable that loops', { code: `return { then() ${LOOP} }`, ends: ['timeout'] }),
  attack('A-17', 'a loop in Error.prepareStackTrace', {
    code: `Error.prepareStackTrace = () => ${LOOP}; throw new Error('x').stack`,
    ends: ['timeout'],
  }),
  attack(
    'A-19',
    'a timer that is left running after the answer',
    [
      {
        code: 'setInterval(() => { globalThis.ticks = (globalThis.ticks ?? 0) + 1 }, 1); const seen = globalThis.ticks ?? 0; return seen',
        ends: ['ok'],
        returns: 0,
        times: 4,
      },
    ],
    { policy: { instance: { reuse: 'function' } } },
  ),
  attack(
    'A-57',
    'includes over an endless array-like',
    { code: `return Array.prototype.includes.call(${ENDLESS}, 1)`, ends: ['timeout'] },
    { stop: 'kill' },
  ),
  attack(
    'A-58',
    'lastIndexOf over an endless array-like',
    { code: `return Array.prototype.lastIndexOf.call(${ENDLESS}, 1)`, ends: ['timeout'] },
    { stop: 'kill' },
  ),
  attack(
    'A-59',
    'reverse of an endless array-like',
    { code: `return Array.prototype.reverse.call(${ENDLESS})`, ends: ['timeout'] },
    { stop: 'kill' },
  ),
  attack(
    'A-60',
    'copyWithin over an endless array-like',
    { code: `return Array.prototype.copyWithin.call(${ENDLESS}, 0, 1)`, ends: ['timeout'] },
    { stop: 'kill' },
  ),
  attack(
    'A-61',
    'unshift into an endless array-like',
    { code: 'return Array.prototype.unshift.call({ length: 2 ** 53 - 2 }, 1)', ends: ['timeout'] },
    { stop: 'kill' },
  ),
  attack(
    'A-62',
    'splice of an endless array-like',
    { code: 'return Array.prototype.splice.call({ length: 2 ** 53 - 2 }, 0, 1, 2, 3)', ends: ['timeout', 'error'] },
    { stop: 'kill' },
  ),
  attack(
    'A-63',
    'join of an endless array-like',
    {
      code: `return Array.prototype.join.call({ length: 2 ** 32 - 2 }, '').length`,
      ends: ['timeout', 'memory-exceeded', 'error'],
    },
    { stop: 'kill' },
  ),
  attack(
    'A-64',
    'flat of an endless array-like',
    { code: `return Array.prototype.flat.call(${ENDLESS})`, ends: ['timeout'] },
    { stop: 'kill' },
  ),
  attack(
    'A-65',
    'a list of locales without end',
    { code: `return new Intl.NumberFormat(${ENDLESS}).format(1)`, ends: ['timeout'] },
    { stop: 'kill' },
  ),
  attack(
    'A-66',
    'canonical locales without end',
    { code: `return Intl.getCanonicalLocales(${ENDLESS})`, ends: ['timeout'] },
    { stop: 'kill' },
  ),
  attack(
    'A-67',
    'the decimal digits of a huge BigInt',
    { code: 'return (3n ** 6_000_000n).toString().length', ends: ['timeout'] },
    { stop: 'kill' },
  ),
  attack(
    'A-68',
    'a loop of comparisons of long strings',
    {
      code: 'const s = "é".repeat(1e6), t = "é".repeat(1e6) + "f"; for (;;) s.localeCompare(t)',
      ends: ['timeout'],
    },
    { stop: 'kill' },
  ),
  attack(
    'A-69',
    'a loop of decodings of a long text',
    { code: 'const s = "%41".repeat(1e6); for (;;) decodeURIComponent(s)', ends: ['timeout', 'memory-exceeded'] },
    { stop: 'kill' },
  ),
  attack(
    'A-70',
    'a loop of parsings of a long JSON text',
    { code: 'const s = `[${"1,".repeat(1e6)}1]`; for (;;) JSON.parse(s)', ends: ['timeout', 'memory-exceeded'] },
    { stop: 'kill' },
  ),
  attack(
    'A-71',
    'a loop of sorts of a large typed array',
    { code: 'const a = new Float64Array(2e6); for (;;) { a[0]++; a.sort() }', ends: ['timeout'] },
    { stop: 'kill' },
  ),
  attack(
    'A-72',
    'a loop of parsings of a date of a million characters',
    { code: 'const s = "(".repeat(1e6); for (;;) Date.parse(s)', ends: ['timeout'] },
    { stop: 'kill' },
  ),
  attack('A-73', 'a loop that catches its own end', {
    code: `for (;;) try ${LOOP} catch {}`,
    ends: ['timeout'],
  }),
  attack('A-74', 'a thrown object whose name loops', { code: `throw { get name() ${LOOP} }`, ends: ['timeout'] }),
  attack('A-75', 'a thrown object whose message loops', {
    code: `throw { get message() ${LOOP} }`,
    ends: ['timeout'],
  }),
  attack('A-76', 'a thrown error whose stack loops', {
    code: `const e = new Error('x'); Object.defineProperty(e, 'stack', { get() ${LOOP} }); throw e`,
    ends: ['timeout'],
  }),
  attack(
    'A-77',
    'an unhandled rejection whose message loops',
    { code: `Promise.reject({ get message() ${LOOP} }); return 1`, ends: ['timeout'] },
    { stop: 'kill' },
  ),
  attack(
    'A-78',
    'a rejected proxy, made in a timer',
    {
      code: `setTimeout(() => { Promise.reject(new Proxy({}, { get() ${LOOP} })) }, 1); await new Promise((r) => setTimeout(r, 50)); return 1`,
      ends: ['timeout'],
    },
    { stop: 'kill' },
  ),
  attack('A-79', 'finalizers that loop after the answer', [
    {
      code: `globalThis.registry = new FinalizationRegistry(() => ${LOOP})
        for (let i = 0; i < 1e5; i++) registry.register({}, i)
        let waste = []; for (let i = 0; i < 2e5; i++) { waste.push([i]); if (i % 1000 === 0) waste = [] }
        await new Promise((r) => setTimeout(r, 20))
        return 'left'`,
      ends: ['ok', 'timeout'],
      returns: 'left',
    },
    { code: 'return 1', ends: ['ok'], returns: 1 },
  ]),
  attack('A-80', 'a getter of then that loops', { code: `return { get then() ${LOOP} }`, ends: ['timeout'] }),
  attack('A-81', 'a promise whose constructor loops', {
    code: `const p = Promise.resolve(1); Object.defineProperty(p, 'constructor', { get() ${LOOP} }); return p`,
    ends: ['timeout'],
  }),
  attack('A-82', 'a loop in the test of what is an error, met by console', {
    code: `Object.defineProperty(Error, Symbol.hasInstance, { value() ${LOOP} }); console.log({}); return 1`,
    ends: ['timeout'],
  }),
  attack('A-83', 'a toJSON on every object that loops', {
    code: `Object.defineProperty(Object.prototype, 'toJSON', { get() ${LOOP} }); return {}`,
    ends: ['timeout'],
  }),
  attack('A-84', 'a loop in the end of an iterator', {
    code: `const it = { [Symbol.iterator]: () => ({ next: () => ({ done: false }), return() ${LOOP} }) }; for (const _ of it) break`,
    ends: ['timeout'],
  }),
  attack('A-85', 'a promise held by waitUntil that nobody settles', {
    code: 'context.waitUntil(new Promise(() => {})); return 1',
    ends: ['error'],
  }),
  attack('A-86', 'a disposer that loops', {
    code: `{ using held = { [Symbol.dispose]() ${LOOP} } } return 1`,
    ends: ['timeout'],
  }),
  attack('A-87', 'a rejection that rejects again for ever', {
    code: 'const f = () => { Promise.reject(new Error("again")).catch(f) }; f(); await new Promise(() => {})',
    ends: ['timeout'],
  }),
  attack('A-88', 'continuations of a capability’s answer that loop after the answer', [
    { code: `context.kv.get('x').then(() => ${LOOP}); return 'gone'`, ends: ['ok', 'timeout'], returns: 'gone' },
    { code: 'return 1', ends: ['ok'], returns: 1 },
  ]),
]
