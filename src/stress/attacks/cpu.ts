import { type Attack, attack } from '../attack.ts'

/** An empty module, but for one function `f` with the body that is given as bytes. */
const wasm = (...body: number[]): string => {
  const head = '0,97,115,109,1,0,0,0,1,4,1,96,0,0,3,2,1,0,7,5,1,1,102,0,0'
  const code = [10, body.length + 4, 1, body.length + 2, 0, ...body, 11]
  return `new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array([${head},${code.join()}]))).exports.f()`
}

/** Loops in every place where a guest's code can run. */
export const CPU: readonly Attack[] = [
  attack('A-01', 'a loop', { code: 'for (;;);', ends: ['timeout'] }),
  attack('A-02', 'a loop after an await', { code: 'await null; for (;;);', ends: ['timeout'] }),
  attack('A-03', 'a loop in a timer', {
    code: 'await new Promise((r) => setTimeout(r, 1)); for (;;);',
    ends: ['timeout'],
  }),
  attack('A-04', 'endless microtasks', {
    code: 'const f = () => Promise.resolve().then(f); await f()',
    ends: ['timeout'],
  }),
  attack('A-06', 'a timer that is renewed for ever', {
    code: 'await new Promise(() => setInterval(() => {}, 1))',
    ends: ['timeout'],
  }),
  attack('A-13', 'a regular expression that backtracks', {
    code: '/^(a+)+$/.test("a".repeat(40) + "!")',
    ends: ['timeout'],
  }),
  attack('A-15', 'a loop while the module is evaluated', {
    code: 'for (;;); export default () => 1',
    ends: ['timeout'],
  }),
  attack(
    'A-18',
    'CPU time spread over many short entries',
    {
      code: 'for (;;) { for (let i = 0; i < 3e6; i++); await new Promise((r) => setTimeout(r, 1)) }',
      ends: ['cpu-exceeded'],
    },
    { stop: 'kill', policy: { limits: { wallMs: 20_000, cpuMs: 200 } } },
  ),
  attack('A-34', 'a generator that never ends', {
    code: 'function* endless() { for (;;) yield 1 } for (const _ of endless());',
    ends: ['timeout'],
  }),
  attack('A-35', 'an asynchronous generator that never ends', {
    code: 'async function* endless() { for (;;) yield 1 } for await (const _ of endless());',
    ends: ['timeout'],
  }),
  attack('A-36', 'a loop in the comparator of a sort', {
    code: 'return [3, 1, 2].sort(() => { for (;;); })',
    ends: ['timeout'],
  }),
  attack('A-37', 'a microtask that queues itself', {
    code: 'const again = () => queueMicrotask(again); again(); await new Promise(() => {})',
    ends: ['timeout'],
  }),
  attack('A-38', 'a regular expression with a lookahead that backtracks', {
    code: 'return /^(?=((a|a)*)b)c/.test("a".repeat(40))',
    ends: ['timeout'],
  }),
  attack('A-39', 'a loop in the reviver of JSON.parse', {
    code: 'return JSON.parse("[1, 2]", () => { for (;;); })',
    ends: ['timeout'],
  }),
  attack('A-40', 'a loop in the callback of a replacement', {
    code: 'return "abc".replace(/b/, () => { for (;;); })',
    ends: ['timeout'],
  }),
  attack('A-41', 'a loop in the trap of a proxy', {
    code: 'return "x" in new Proxy({}, { has() { for (;;); } })',
    ends: ['timeout'],
  }),
  attack('A-42', 'a loop in a conversion to a number', {
    code: 'return +{ [Symbol.toPrimitive]() { for (;;); } }',
    ends: ['timeout'],
  }),
  attack('A-43', 'a loop in evaluated text', { code: 'return (0, eval)("for (;;);")', ends: ['timeout'] }),
  attack('A-44', 'a loop in a function made from text', {
    code: 'return new Function("for (;;);")()',
    ends: ['timeout'],
  }),
  attack('A-45', 'a loop in WebAssembly', { code: `return ${wasm(3, 64, 12, 0, 11)}`, ends: ['timeout'] }),
  attack('A-46', 'a wait on shared memory that nobody ends', {
    code: 'const { buffer } = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }); return Atomics.wait(new Int32Array(buffer), 0, 0)',
    // An engine without shared memory gives none to wait on.
    ends: ['timeout', 'error'],
  }),
  attack('A-47', 'a loop in an imported module', {
    modules: { 'main.js': 'import "./lib.js"; export default () => 1', 'lib.js': 'for (;;);' },
    ends: ['timeout'],
  }),
  attack('A-48', 'a module that waits at its top level for ever', {
    code: 'await new Promise(() => {}); export default () => 1',
    ends: ['error', 'timeout'],
  }),
  attack(
    'A-49',
    'CPU time spread over capability calls',
    {
      code: 'for (;;) { for (let i = 0; i < 3e6; i++); await context.kv.get("x") }',
      ends: ['cpu-exceeded'],
    },
    { stop: 'kill', policy: { limits: { wallMs: 20_000, cpuMs: 200 } } },
  ),
  attack('A-50', 'a recursion that fans out', {
    code: 'const f = (n) => (n < 2 ? n : f(n - 1) + f(n - 2)); return f(70)',
    ends: ['timeout'],
  }),
  attack('A-51', 'an endless row of compilations', {
    code: 'for (let i = 0; ; i++) new Function(`return ${"[".repeat(500)}${i}${"]".repeat(500)}`)()',
    ends: ['timeout'],
  }),
  attack('A-52', 'a loop in a static block of a class', {
    code: 'class Trap { static { for (;;); } } return Trap.name',
    ends: ['timeout'],
  }),
  attack('A-53', 'a loop in the getter of an input’s prototype', {
    code: 'Object.defineProperty(Object.prototype, "x", { get() { for (;;); } }); return input.x',
    input: '{}',
    ends: ['timeout'],
  }),
  attack('A-54', 'a loop in the callback of waitUntil', {
    code: 'context.waitUntil((async () => { await null; for (;;); })()); return 1',
    ends: ['timeout'],
  }),
  attack('A-55', 'a run that only waits, with nothing to wake it', {
    code: 'await new Promise(() => {})',
    ends: ['error'],
  }),
  attack('A-56', 'a thousand timers that all loop', {
    code: 'for (let i = 0; i < 1000; i++) setTimeout(() => { for (;;); }, 1); await new Promise(() => {})',
    ends: ['timeout'],
  }),
]
