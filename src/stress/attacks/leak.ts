import { type Attack, type Step, attack } from '../attack.ts'

const one = (code: string, more: Partial<Step> = {}): Step => ({ code, ends: ['ok'], returns: 1, ...more })
const DIRTY = `globalThis.left = 'secret'; Array.prototype.left = 'secret'; Object.prototype.left = 'secret'; Function.prototype.left = 'secret'; JSON.left = 'secret'; Symbol.prototype.left = 'secret'; return 1`
const CLEAN = `return ['left' in globalThis, 'left' in [], 'left' in {}, 'left' in (() => 1), 'left' in JSON].some(Boolean)`
/** Fills a lot of memory with a pattern that is easy to find. */
const FILL = `const a = []; for (let i = 0; i < 20; i++) a.push(new Uint8Array(1e6).fill(0xa5)); return 1`
const scan = (make: string): string =>
  `let found = 0; for (let i = 0; i < 10; i++) { const bytes = ${make}; for (let n = 0; n < bytes.length; n++) if (bytes[n] !== 0) found++ } return found`

/** What one run could find of another, of its own tenant or of somebody else's. */
export const LEAK: readonly Attack[] = [
  attack('A-256', 'globals and prototypes of the run before, with fresh contexts', [
    one(DIRTY),
    { code: CLEAN, ends: ['ok'], returns: false, times: 4 },
  ]),
  attack(
    'A-257',
    'globals and prototypes of the run before, with fresh isolates',
    [one(DIRTY), { code: CLEAN, ends: ['ok'], returns: false, times: 2 }],
    {
      policy: { instance: { reuse: 'run' } },
    },
  ),
  attack(
    'A-258',
    'globals of other code of the same tenant, with kept isolates',
    [one(DIRTY), { code: CLEAN, ends: ['ok'], returns: false, times: 2 }],
    {
      policy: { instance: { reuse: 'function' } },
    },
  ),
  attack('A-259', 'globals of another tenant', [
    one(DIRTY, { as: 'accomplice' }),
    { code: CLEAN, ends: ['ok'], returns: false, times: 2 },
  ]),
  attack('A-260', 'built-ins that the run before has replaced', [
    one(
      `JSON.stringify = () => '"forged"'; JSON.parse = () => 'forged'; Promise.prototype.then = Array.prototype.map = Object.keys = () => 'forged'; Error.prepareStackTrace = () => 'forged'; Date.now = () => 5; return 1`,
    ),
    {
      code: `return [JSON.parse('[2]'), [1].map((x) => x), Object.keys({ a: 1 }), Error.prepareStackTrace === undefined, Date.now() > 5]`,
      ends: ['ok'],
      returns: [[2], [1], ['a'], true, true],
    },
  ]),
  attack('A-261', 'the input of the run before', [
    one('globalThis.kept ??= input; return 1', { input: '{"card":"4111"}' }),
    { code: 'globalThis.kept ??= input; return kept.card ?? null', input: '{}', ends: ['ok'], returns: null },
  ]),
  attack('A-262', 'the last match of a regular expression of the run before', [
    one('/(secret) (word)/.test("the secret word"); return 1'),
    { code: 'return [RegExp.$1, RegExp.lastMatch, RegExp.input, RegExp["$&"]].join("")', ends: ['ok'], returns: '' },
  ]),
  attack('A-263', 'the state of a module of the run before', [
    {
      modules: {
        'main.js': 'import { next } from "./lib.js"; export default () => next()',
        'lib.js': 'let n = 0; export const next = () => ++n',
      },
      ends: ['ok'],
      returns: 1,
      times: 3,
    },
  ]),
  attack('A-264', 'timers of the run before', [
    one('setTimeout(() => { globalThis.late = 1; Object.prototype.late = 1 }, 5); return 1'),
    {
      code: 'await new Promise((r) => setTimeout(r, 30)); return globalThis.late ?? ({}).late ?? null',
      ends: ['ok'],
      returns: null,
      times: 2,
    },
  ]),
  attack('A-265', 'rejections of the run before, in the logs of the next', [
    one(
      'setTimeout(() => Promise.reject(new Error("secret")), 0); Promise.reject(new Error("handled later")).catch(() => {}); return 1',
    ),
    { code: 'await new Promise((r) => setTimeout(r, 10)); return 1', ends: ['ok'], returns: 1, logs: [], times: 2 },
  ]),
  attack('A-266', 'a log group and counters of the run before', [
    one('console.group("secret"); console.count("c"); console.time("t"); return 1', { logs: ['secret', '  c: 1'] }),
    { code: 'console.count("c"); return 1', ends: ['ok'], returns: 1, logs: ['c: 1'] },
  ]),
  attack(
    'A-267',
    'an answer of a capability that belongs to the run before',
    [
      {
        code: 'context.kv.put("k", "secret").then(() => { globalThis.late = 1 }); context.kv.get("k").then((v) => { globalThis.late = v }); return globalThis.late ?? 0',
        ends: ['ok'],
        returns: 0,
        times: 3,
      },
    ],
    { policy: { instance: { reuse: 'function' } } },
  ),
  attack('A-268', 'memory that another tenant has freed, in a new buffer', [
    one(FILL, { as: 'accomplice' }),
    { code: scan('new Uint8Array(1e6)'), ends: ['ok'], returns: 0 },
  ]),
  attack('A-269', 'memory that the run before has freed, in a new buffer', [
    one(FILL),
    { code: scan('new Uint8Array(1e6)'), ends: ['ok'], returns: 0 },
  ]),
  attack('A-270', 'freed memory, in a buffer that was resized', [
    one(FILL),
    {
      code: scan(
        '(() => { const b = new ArrayBuffer(10, { maxByteLength: 1e6 }); b.resize(1e6); return new Uint8Array(b) })()',
      ),
      ends: ['ok'],
      returns: 0,
    },
  ]),
  attack('A-271', 'freed memory, in a buffer that changed its owner and grew', [
    one(FILL),
    { code: scan('new Uint8Array(new ArrayBuffer(10).transfer(1e6))'), ends: ['ok'], returns: 0 },
  ]),
  attack('A-272', 'freed memory, in a memory of WebAssembly', [
    one(FILL),
    {
      code: `if (typeof WebAssembly === 'undefined') return 0; ${scan('(() => { const m = new WebAssembly.Memory({ initial: 1 }); m.grow(15); return new Uint8Array(m.buffer) })()')}`,
      ends: ['ok'],
      returns: 0,
    },
  ]),
  attack('A-273', 'freed memory, in holes of arrays and in numbers', [
    one(FILL),
    {
      code: 'let found = 0; for (const a of [new Array(1e6), new Float64Array(1e6), new BigUint64Array(1e5)]) for (let i = 0; i < a.length; i++) if (a[i]) found++; return found',
      ends: ['ok'],
      returns: 0,
    },
  ]),
  attack('A-274', 'a secret of a neighbour in any string that can be reached', {
    code: `const seen = new Set(), queue = [globalThis, context], hits = []
      for (let at = 0; at < queue.length && at < 50_000; at++) { const o = queue[at]
        for (const k of Reflect.ownKeys(o)) { if (/canary/.test(String(k))) hits.push(String(k)); let v; try { v = o[k] } catch { continue }
          if (typeof v === 'string' && /canary/.test(v)) hits.push(v); if (((typeof v === 'object' && v) || typeof v === 'function') && !seen.has(v)) { seen.add(v); queue.push(v) } } }
      return hits`,
    ends: ['ok'],
    returns: [],
  }),
  attack('A-275', 'a secret of a neighbour in freed strings', {
    code: `const junk = []; for (let i = 0; i < 2e5; i++) junk.push('x'.repeat(i % 64)); return junk.filter((s) => s.includes('canary')).length`,
    ends: ['ok'],
    returns: 0,
  }),
  attack('A-276', 'a secret of a neighbour in an error or a log of the runtime', {
    code: `for (const call of [() => context.kv.get(), () => context.kv.list({ x: 1 }), () => JSON.parse('{'), () => null.x, () => new Intl.NumberFormat('zz-zz-zz')]) try { await call() } catch (e) { console.log(String(e.stack)) } return 1`,
    ends: ['ok'],
    returns: 1,
  }),
  attack('A-277', 'the name of a tenant that is there, told apart from one that is not', {
    code: `const codes = []; for (const name of ['quiet', 'nobody']) try { codes.push(await context.kv.get('/' + name)) } catch (e) { codes.push(e.code) } return codes[0] === codes[1]`,
    ends: ['ok'],
    returns: true,
  }),
  attack(
    'A-278',
    'the same answer after a crash: nothing of the cell before',
    [
      {
        code: 'globalThis.left = 1; await context.kv.put("k", 1); return "x".padStart(5e8).split("").length',
        ends: ['memory-exceeded', 'crashed'],
      },
      { code: 'return [typeof globalThis.left, await context.kv.get("k")]', ends: ['ok'], returns: ['undefined', 1] },
    ],
    { stop: 'kill' },
  ),
]
