import { type Attack, attack } from '../attack.ts'

/** A module with one function that calls itself. */
const WASM_RECURSION = '0,97,115,109,1,0,0,0,1,4,1,96,0,0,3,2,1,0,7,5,1,1,102,0,0,10,6,1,4,0,16,0,11'

/** What is known to abort a V8, or to exhaust one of its stacks. */
export const CRASH: readonly Attack[] = [
  attack('A-119', 'a Float16Array as result, which isolated-vm cannot copy', {
    code: 'return new Float16Array(2)',
    ends: ['ok'],
    returns: { 0: 0, 1: 0 },
  }),
  attack('A-120', 'a function as result whose length is a text', {
    code: 'return Object.defineProperty(() => 1, "length", { value: "3" })',
    ends: ['error'],
  }),
  attack('A-121', 'a recursion without end', { code: 'const f = () => f() + 1; return f()', ends: ['error'] }),
  attack('A-122', 'a recursion without end, caught and begun again', {
    code: 'const f = () => { try { f() } finally { f() } }; f()',
    ends: ['timeout', 'error'],
  }),
  attack(
    'A-123',
    'a result nested a million deep',
    {
      code: 'let a = []; for (let i = 0; i < 1e6; i++) a = [a]; return a',
      ends: ['error', 'memory-exceeded'],
    },
    { stop: 'kill' },
  ),
  attack('A-124', 'a chain of a hundred thousand proxies', {
    code: 'let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); return p.x',
    ends: ['error'],
  }),
  attack('A-125', 'a chain of a hundred thousand prototypes', {
    code: 'let o = {}; for (let i = 0; i < 1e5; i++) o = Object.create(o); return String(o.missing)',
    ends: ['ok'],
    returns: 'undefined',
  }),
  attack('A-126', 'a regular expression nested a hundred thousand deep', {
    code: 'return new RegExp("(".repeat(1e5) + ")".repeat(1e5)).test("")',
    ends: ['error'],
  }),
  attack('A-127', 'source text nested a hundred thousand deep', {
    code: `return ${'['.repeat(100_000)}${']'.repeat(100_000)}`,
    ends: ['error'],
  }),
  attack('A-128', 'evaluated text nested a million deep', {
    code: 'return eval("(".repeat(1e6) + "1" + ")".repeat(1e6))',
    ends: ['error'],
  }),
  attack('A-129', 'JSON nested a million deep', {
    code: 'return JSON.parse("[".repeat(1e6) + "]".repeat(1e6)).length',
    ends: ['ok', 'error'],
    returns: 1,
  }),
  attack('A-130', 'a flat of an array nested a million deep', {
    code: 'let a = [1]; for (let i = 0; i < 1e6; i++) a = [a]; return a.flat(Infinity)',
    ends: ['error'],
  }),
  attack('A-131', 'a recursion in WebAssembly', {
    code: `return new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array([${WASM_RECURSION}]))).exports.f()`,
    ends: ['error'],
  }),
  attack('A-132', 'ten thousand functions bound to one another', {
    code: 'let f = () => 1; for (let i = 0; i < 1e5; i++) f = f.bind(null, i); return f()',
    ends: ['ok', 'error'],
    returns: 1,
  }),
  attack('A-133', 'a sparse array as long as arrays can be, as result', {
    code: 'const a = []; a.length = 2 ** 32 - 1; return a',
    ends: ['timeout', 'memory-exceeded', 'output-exceeded', 'error'],
  }),
  attack('A-134', 'a rope of a million strings that is flattened', {
    code: 'let s = ""; for (let i = 0; i < 1e6; i++) s = "a" + s + "b"; return s.indexOf("ab")',
    ends: ['ok'],
    returns: 999_999,
  }),
  attack('A-135', 'a power that no BigInt can hold', { code: 'return String(2n ** (2n ** 40n))', ends: ['error'] }),
  attack('A-136', 'a regular expression that is too large', {
    code: 'return new RegExp("(?:(?:a{0,999}){0,999}){0,999}b").test("a".repeat(99))',
    ends: ['timeout', 'error', 'memory-exceeded'],
  }),
  attack('A-137', 'an argument list of a million', {
    code: 'return Math.max(...new Array(1e7).fill(1))',
    ends: ['error', 'memory-exceeded'],
  }),
  attack('A-138', 'syntax of V8’s own tests', { code: 'return eval("%SystemBreak()")', ends: ['error'] }),
  attack('A-139', 'a debugger statement with nobody to debug', {
    code: 'debugger; return 1',
    ends: ['ok'],
    returns: 1,
  }),
  attack('A-140', 'an error with a million errors in it, thrown', {
    code: 'throw new AggregateError(Array.from({ length: 1e5 }, (_, i) => new Error(String(i))), "many")',
    ends: ['error'],
  }),
  attack('A-141', 'a buffer that is resized under a sort', {
    code: `const b = new ArrayBuffer(800, { maxByteLength: 8000 }), a = new Float64Array(b); let n = 0
      a.sort(() => { b.resize(n++ % 2 ? 8 : 8000); return 1 }); return b.byteLength > 0`,
    ends: ['ok', 'error'],
    returns: true,
  }),
  attack('A-142', 'an array that is emptied under its own methods', {
    code: `const a = Array.from({ length: 1000 }, (_, i) => ({ valueOf() { a.length = 0; return i } }))
      a.sort((x, y) => x - y); a.indexOf({ valueOf() { a.length = 1e6; return 1 } }); return a.splice({ valueOf() { a.length = 0; return 0 } }, 5).length`,
    ends: ['ok', 'error'],
    returns: 5,
  }),
  attack(
    'A-143',
    'a module that imports itself in a circle of two hundred',
    {
      modules: {
        'main.js': 'import "./m0.js"; export default () => 1',
        ...Object.fromEntries(
          Array.from({ length: 200 }, (_, i) => [`m${i}.js`, `import "./m${(i + 1) % 200}.js"; export const x = ${i}`]),
        ),
      },
      ends: ['ok', 'error', 'INVALID_REQUEST'],
      returns: 1,
    },
    { stop: 'refusal' },
  ),
  attack('A-144', 'a class that extends a chain of fifty thousand', {
    code: 'let C = class {}; for (let i = 0; i < 5e4; i++) C = class extends C {}; return typeof new C()',
    ends: ['ok', 'error'],
    returns: 'object',
  }),
  attack(
    'A-145',
    'the same crash ten times in a row',
    {
      code: 'return "x".padStart(5e8).split("").length',
      ends: ['memory-exceeded', 'crashed', 'backed-off'],
      times: 10,
    },
    { stop: 'kill' },
  ),
]
