import { type Attack, attack } from '../attack.ts'

/** A heap that is nearly full is collected again and again before V8 gives up: the time limit may come first. */
const BY_HEAP = ['memory-exceeded', 'timeout'] as const

/** For what takes memory so slowly that the time limit is met first. */
const SLOW = { policy: { limits: { wallMs: 3_000 } } } as const

/** Every allocator that a guest can reach. */
export const MEMORY: readonly Attack[] = [
  attack('A-20', 'objects', { code: 'const a = []; for (;;) a.push({ x: [1, 2, 3] })', ends: BY_HEAP }),
  attack(
    'A-21',
    'arrays that V8 never gives up on',
    { code: 'const a = []; for (;;) a.push(new Array(1000).fill(1))', ends: ['memory-exceeded'] },
    { stop: 'kill' },
  ),
  attack(
    'A-22',
    'a resizable ArrayBuffer',
    {
      code: 'const b = new ArrayBuffer(0, { maxByteLength: 1e9 }); b.resize(1e9); new Uint8Array(b).fill(1); return 1',
      ends: ['memory-exceeded'],
    },
    { stop: 'kill' },
  ),
  attack(
    'A-23',
    'the memory of WebAssembly',
    {
      code: 'const m = new WebAssembly.Memory({ initial: 16000 }); new Uint8Array(m.buffer).fill(1); return 1',
      ends: ['memory-exceeded'],
    },
    { stop: 'kill' },
  ),
  attack(
    'A-24',
    'an allocation that V8 aborts on',
    { code: 'return "x".padStart(5e8).split("").length', ends: ['memory-exceeded'] },
    { stop: 'kill' },
  ),
  attack('A-25', 'strings', {
    code: 'let s = "x"; const a = []; for (;;) a.push((s += "y".repeat(1e6)).toUpperCase())',
    ends: BY_HEAP,
  }),
  attack(
    'A-26',
    'a thrown error of half a gigabyte',
    { code: 'throw new Error("x".repeat(5e8).toUpperCase())', ends: ['memory-exceeded'] },
    { stop: 'kill' },
  ),
  attack(
    'A-27',
    'many Intl objects',
    { code: 'const a = []; for (;;) a.push(new Intl.DateTimeFormat("en"))', ends: ['memory-exceeded'] },
    { stop: 'kill' },
  ),
  attack('A-89', 'a map that grows', {
    code: 'const m = new Map(); for (let i = 0; ; i++) m.set(i, [i])',
    ends: BY_HEAP,
  }),
  attack('A-90', 'a set of strings', {
    code: 'const s = new Set(); for (let i = 0; ; i++) s.add("key " + i)',
    ends: BY_HEAP,
  }),
  attack('A-91', 'symbols', { code: 'const a = []; for (;;) a.push(Symbol("s"))', ends: BY_HEAP }),
  attack(
    'A-92',
    'symbols of the registry',
    {
      code: 'for (let i = 0; ; i++) Symbol.for("registered symbol number " + i)',
      ends: ['memory-exceeded', 'timeout'],
    },
    SLOW,
  ),
  attack('A-93', 'closures', {
    code: 'const a = []; for (;;) { const big = [1, 2, 3]; a.push(() => big) }',
    ends: BY_HEAP,
  }),
  attack('A-94', 'generators that are never finished', {
    code: 'function* g() { yield 1 } const a = []; for (;;) { const one = g(); one.next(); a.push(one) }',
    ends: BY_HEAP,
  }),
  attack('A-95', 'promises that are never settled', {
    code: 'const a = []; for (;;) a.push(new Promise(() => {}).then(() => 1))',
    ends: BY_HEAP,
  }),
  attack('A-96', 'array buffers of a megabyte', {
    code: 'const a = []; for (;;) a.push(new Uint8Array(1e6).fill(1))',
    ends: ['memory-exceeded'],
  }),
  attack('A-97', 'one array buffer of eight gigabytes', {
    code: 'return new Uint8Array(2 ** 33).fill(1).length',
    ends: ['memory-exceeded'],
  }),
  attack(
    'A-98',
    'many small resizable buffers',
    {
      code: 'const a = []; for (;;) { const b = new ArrayBuffer(0, { maxByteLength: 1e6 }); b.resize(1e6); new Uint8Array(b).fill(1); a.push(b) }',
      ends: ['memory-exceeded', 'error'],
    },
    { stop: 'kill' },
  ),
  attack(
    'A-99',
    'a memory of WebAssembly that grows page by page',
    {
      code: 'const m = new WebAssembly.Memory({ initial: 1 }); for (;;) { m.grow(16); new Uint8Array(m.buffer).fill(1) }',
      ends: ['memory-exceeded', 'error'],
    },
    { stop: 'kill' },
  ),
  attack(
    'A-100',
    'many memories of WebAssembly',
    {
      code: 'const a = []; for (;;) { const m = new WebAssembly.Memory({ initial: 64 }); new Uint8Array(m.buffer).fill(1); a.push(m) }',
      ends: ['memory-exceeded', 'error'],
    },
    { stop: 'kill' },
  ),
  attack(
    'A-101',
    'a table of WebAssembly with ten million places',
    {
      code: 'const a = []; for (;;) a.push(new WebAssembly.Table({ initial: 1e6, element: "externref" }, {}))',
      ends: ['memory-exceeded', 'error'],
    },
    {},
  ),
  attack(
    'A-102',
    'shared memory of WebAssembly',
    {
      code: 'const a = []; for (;;) { const m = new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true }); new Uint8Array(m.buffer).fill(1); a.push(m) }',
      ends: ['memory-exceeded', 'error'],
    },
    { stop: 'kill' },
  ),
  attack(
    'A-103',
    'an array of doubles that is filled at once',
    { code: 'return new Array(5e8).fill(1.1).length', ends: ['memory-exceeded', 'error'] },
    { stop: 'kill' },
  ),
  attack(
    'A-104',
    'an array of a thousand million, filled',
    { code: 'return new Array(1e9).fill(1).length', ends: ['memory-exceeded', 'error'] },
    { stop: 'kill' },
  ),
  attack(
    'A-105',
    'a string spread into its characters',
    { code: 'return [..."é".repeat(4e8)].length', ends: ['memory-exceeded'] },
    { stop: 'kill' },
  ),
  attack('A-106', 'an iterator that is collected for ever', {
    code: 'return Array.from({ [Symbol.iterator]: () => ({ next: () => ({ done: false, value: [1] }) }) })',
    ends: BY_HEAP,
  }),
  attack(
    'A-107',
    'regular expressions, each of them different',
    {
      code: 'const a = []; for (let i = 0; ; i++) { const r = new RegExp("a{1,500}(?:" + i + "|b)+"); r.test("aaa" + i); a.push(r) }',
      ends: ['memory-exceeded', 'timeout'],
    },
    SLOW,
  ),
  attack(
    'A-108',
    'functions made from text, all kept',
    {
      code: 'const a = []; for (let i = 0; ; i++) { const f = new Function("return " + i); f(); a.push(f) }',
      ends: ['memory-exceeded', 'timeout'],
    },
    SLOW,
  ),
  attack(
    'A-109',
    'segmenters and collators of ICU',
    {
      code: 'const a = []; for (;;) a.push(new Intl.Segmenter("th", { granularity: "word" }), new Intl.Collator("zh"), new Intl.NumberFormat("ar"))',
      ends: ['memory-exceeded'],
    },
    { stop: 'kill' },
  ),
  attack(
    'A-110',
    'dates and durations of Temporal',
    {
      code: 'const a = []; for (;;) a.push(Temporal.PlainDate.from("2026-01-01").with({ day: 2 }), new Temporal.Duration(1))',
      // Without Temporal there is nothing to take memory with.
      ends: [...BY_HEAP, 'error'],
    },
    { stop: 'kill' },
  ),
  attack(
    'A-111',
    'weak references and finalizers',
    {
      code: 'const r = new FinalizationRegistry(() => {}), a = []; for (;;) { const o = {}; a.push(new WeakRef(o), o); r.register(o, [1, 2, 3]) }',
      ends: BY_HEAP,
    },
    SLOW,
  ),
  attack('A-112', 'frames of a stack that are kept in errors', {
    code: 'Error.stackTraceLimit = Infinity; const a = []; const f = (n) => { a.push(new Error("x")); f(n + 1) }; for (;;) try { f(0) } catch {}',
    ends: BY_HEAP,
  }),
  attack(
    'A-113',
    'a string that doubles',
    {
      code: 'let s = "ab"; for (;;) { s += s; s.charCodeAt(s.length - 1) }',
      ends: ['error', 'memory-exceeded'],
    },
    { stop: 'kill' },
  ),
  attack(
    'A-114',
    'copies of a buffer that changes its owner',
    {
      code: 'const a = []; for (;;) a.push(new ArrayBuffer(1024).transfer(4e6), new Uint8Array(4e6).fill(7).buffer.slice(0))',
      ends: ['memory-exceeded'],
    },
    {},
  ),
  attack(
    'A-115',
    'properties with ever new names on one object',
    {
      code: 'const o = {}; for (let i = 0; ; i++) o["name" + i] = { i }',
      ends: BY_HEAP,
    },
    SLOW,
  ),
  attack(
    'A-116',
    'memory that is taken a little more in every run of a kept isolate',
    [
      {
        code: 'globalThis.kept ??= []; for (let i = 0; i < 20; i++) kept.push(new Uint8Array(1e6).fill(1)); return kept.length > 0',
        ends: ['ok', 'memory-exceeded'],
        returns: true,
        times: 8,
      },
    ],
    { policy: { instance: { reuse: 'function' } } },
  ),
  attack(
    'A-117',
    'a JSON text of a large typed array',
    {
      code: 'return JSON.stringify(new Uint8Array(3e7)).length',
      ends: ['memory-exceeded', 'error'],
    },
    { stop: 'kill' },
  ),
  attack(
    'A-118',
    'log messages that are built in half a gigabyte',
    {
      code: 'for (;;) console.log("x".repeat(5e8))',
      ends: ['memory-exceeded', 'timeout'],
    },
    SLOW,
  ),
]
