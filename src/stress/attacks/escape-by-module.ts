import { type Attack, attack } from '../attack.ts'

/** Ways to objects of the host or the cell by way of modules: imports of every kind, names of modules, WebAssembly. */
export const ESCAPE_BY_MODULE: readonly Attack[] = [
  attack('A-197', 'import of Node’s modules', {
    code: `const got = []
      for (const name of ['fs', 'node:fs', 'node:child_process', 'node:ffi', 'node:vm', 'process', 'isolated-vm', 'module', 'worker_threads'])
        try { await import(name); got.push(name) } catch {}
      return got`,
    ends: ['ok'],
    returns: [],
  }),
  attack('A-198', 'import of files and addresses', {
    code: `const got = []
      for (const name of ['/etc/passwd', 'file:///etc/passwd', '../../../../etc/passwd', 'data:text/javascript,export default 1', 'http://127.0.0.1:8787/healthz', 'blob:x', './main.js?x'])
        try { await import(name); got.push(name) } catch {}
      return got`,
    ends: ['ok'],
    returns: [],
  }),
  attack('A-199', 'a static import of a module of Node', {
    code: 'import fs from "node:fs"; export default () => fs.readFileSync("/etc/passwd", "utf8")',
    ends: ['error', 'INVALID_REQUEST'],
  }),
  attack('A-200', 'a module with the name of a file outside', {
    modules: { 'main.js': 'import x from "../../../../etc/passwd"; export default () => x' },
    ends: ['error', 'INVALID_REQUEST'],
  }),
  attack(
    'A-201',
    'module names that leave their folder',
    {
      modules: { 'main.js': 'export default () => 1', '../../outside.js': 'export default 1' },
      ends: ['INVALID_REQUEST'],
    },
    { stop: 'refusal' },
  ),
  attack('A-202', 'a module named __proto__', {
    modules: JSON.parse(
      '{"main.js":"import \\"./__proto__\\"; export default () => 1","__proto__":"export default 1"}',
    ),
    ends: ['ok', 'error', 'INVALID_REQUEST'],
    returns: 1,
  }),
  attack('A-203', 'import.meta', {
    code: 'export default () => [Object.getPrototypeOf(import.meta) === null, Reflect.ownKeys(import.meta).map(String).filter((k) => /file:|\\/(home|root|usr|tmp)\\//.test(String(import.meta[k]))), import.meta.url]',
    ends: ['ok'],
    returns: [true, [], 'cloister:///main.js'],
  }),
  attack('A-204', 'import with attributes and of WebAssembly', {
    code: `const got = []
      for (const load of [() => import('./x.json', { with: { type: 'json' } }), () => import('./x.wasm'), () => import.source?.('./x.wasm')])
        try { if ((await load()) !== undefined) got.push(String(load)) } catch {}
      return got`,
    ends: ['ok', 'error'],
    returns: [],
  }),
  attack('A-205', 'a function of the host, imported by WebAssembly', {
    code: `const names = WebAssembly.Module.imports(new WebAssembly.Module(new Uint8Array([0,97,115,109,1,0,0,0,1,4,1,96,0,0,2,19,1,7,112,114,111,99,101,115,115,7,98,105,110,100,105,110,103,0,0])))
      try { new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array([0,97,115,109,1,0,0,0,1,4,1,96,0,0,2,19,1,7,112,114,111,99,101,115,115,7,98,105,110,100,105,110,103,0,0])), globalThis); return 'linked' } catch { return 'nothing' }`,
    ends: ['ok', 'error'],
    returns: 'nothing',
  }),
]
