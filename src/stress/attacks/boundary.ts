import { type Attack, attack } from '../attack.ts'

/** Values that hurt whoever reads them, on each of the ways out of an isolate and on the way in. */
export const BOUNDARY: readonly Attack[] = [
  attack('A-146', 'a result that refers to itself', { code: 'const a = {}; a.a = a; return a', ends: ['error'] }),
  attack('A-147', 'a BigInt, a symbol or a function as result', {
    code: 'return [1n, Symbol("s"), () => 1][input]',
    input: '0',
    ends: ['error'],
  }),
  attack(
    'A-148',
    'a result of shared references that doubles thirty times',
    {
      code: 'let a = ["lol"]; for (let i = 0; i < 30; i++) a = [a, a]; return a',
      ends: ['output-exceeded', 'memory-exceeded', 'error', 'timeout'],
    },
    { stop: 'kill' },
  ),
  attack(
    'A-149',
    'a toJSON that gives a gigabyte',
    {
      code: 'return { toJSON: () => "x".repeat(5e8) }',
      ends: ['error', 'output-exceeded', 'memory-exceeded'],
    },
    { stop: 'kill' },
  ),
  attack('A-150', 'a result one character over its bound', {
    code: 'return "x".repeat(1048576)',
    ends: ['output-exceeded'],
  }),
  attack('A-151', 'a revoked proxy as result', {
    code: 'const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy',
    ends: ['error'],
  }),
  attack('A-152', 'a proxy as result, all of whose traps throw', {
    code: 'const bomb = new Proxy({}, { get() { throw bomb } }); return new Proxy({}, bomb)',
    ends: ['error'],
  }),
  attack('A-153', 'a getter that throws undefined while the result is read', {
    code: 'return { get x() { throw undefined } }',
    ends: ['error'],
  }),
  attack('A-154', 'a thenable that resolves to itself again and again', {
    code: 'const t = { then(r) { r({ then: t.then }) } }; return t',
    ends: ['timeout'],
  }),
  attack('A-155', 'a result with a field named __proto__', {
    code: 'return JSON.parse(\'{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}\')',
    ends: ['ok'],
    returns: JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'),
  }),
  attack('A-156', 'halves of surrogate pairs, NUL and line separators in a result', {
    code: 'return "\\ud800 \\u0000 \\u2028 \\udc00"',
    ends: ['ok'],
    returns: '\ud800 \u0000 \u2028 \udc00',
  }),
  attack('A-157', 'a result that looks like the answer itself', {
    code: 'return \'"},"status":"ok","usage":{"units":0,"billed":false},"x":{"y":"\'',
    ends: ['ok'],
    returns: '"},"status":"ok","usage":{"units":0,"billed":false},"x":{"y":"',
  }),
  attack('A-158', 'a JSON.stringify that was replaced', {
    code: 'JSON.stringify = () => \'1,"status":"forged"\'; return 7',
    ends: ['ok'],
    returns: 7,
  }),
  attack('A-159', 'a toJSON on every array, string and number', {
    code: 'for (const C of [Array, String, Number, Boolean]) C.prototype.toJSON = () => ({ forged: true }); return 7',
    ends: ['ok'],
    // The language's own JSON asks the prototype of a primitive, too: it is the guest's own answer that it changes.
    returns: 7,
  }),
  attack('A-160', 'built-ins of strings, promises and reflection that were replaced', {
    code: `const lie = () => { throw new Error('called') }
      for (const name of ['slice', 'indexOf', 'split', 'replace', 'charCodeAt']) String.prototype[name] = lie
      for (const name of ['apply', 'ownKeys', 'getPrototypeOf', 'defineProperty']) Reflect[name] = lie
      Promise.prototype.then = lie; Promise.resolve = lie; Object.freeze = lie; Array.isArray = lie; Date.now = lie
      Array.prototype[Symbol.iterator] = lie; globalThis.Promise = globalThis.Error = globalThis.String = globalThis.JSON = lie
      console.log('still %s', 'here'); return 7`,
    ends: ['ok'],
    returns: 7,
    logs: ['still here'],
  }),
  attack('A-161', 'setters on Object.prototype for every name that the runtime uses', {
    code: `const seen = []
      for (const name of ['name', 'message', 'stack', 'json', 'fault', 'value', 'get', 'set', 'kv', 'code', '0', '1', 'resolve', 'reject', 'outer'])
        Object.defineProperty(Object.prototype, name, { __proto__: null, set(v) { seen.push(name) }, get() { return undefined }, configurable: true })
      console.log({}); try { await context.kv.get('') } catch {}
      return seen.length`,
    ends: ['ok'],
    returns: 0,
  }),
  attack('A-162', 'undefined, thrown', { code: 'throw undefined', ends: ['error'] }),
  attack('A-163', 'a symbol, thrown', { code: 'throw Symbol("s")', ends: ['error'] }),
  attack('A-164', 'a function, thrown', { code: 'throw function named() {}', ends: ['error'] }),
  attack('A-165', 'a revoked proxy, thrown', {
    code: 'const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); throw proxy',
    ends: ['error'],
  }),
  attack('A-166', 'an object, thrown, whose every field throws the object', {
    code: 'const bomb = new Proxy({}, { get() { throw bomb }, has() { throw bomb }, getPrototypeOf() { throw bomb } }); throw bomb',
    ends: ['error'],
  }),
  attack('A-167', 'an error with a message of ten megabytes', {
    code: 'throw new Error("x".repeat(1e7))',
    ends: ['error'],
  }),
  attack('A-168', 'an error whose name, message and stack forge lines and repaint a terminal', {
    code: 'const e = new Error("a\\n{\\"level\\":60}\\u001b[2J\\u202e"); e.name = "x\\r\\nset-cookie: a=b"; e.stack = "\\u0000".repeat(100); throw e',
    ends: ['error'],
  }),
  attack('A-169', 'an unhandled rejection with a message of ten megabytes', {
    code: 'Promise.reject(new Error("x".repeat(1e7))); await new Promise((r) => setTimeout(r, 5)); return 1',
    ends: ['ok', 'memory-exceeded'],
    returns: 1,
  }),
  attack('A-170', 'an unhandled rejection with a value that cannot be copied', {
    code: 'Promise.reject(new Float16Array(4)); Promise.reject(Object.defineProperty(() => 1, "length", { value: "3" })); await new Promise((r) => setTimeout(r, 5)); return 1',
    ends: ['ok'],
    returns: 1,
  }),
  attack('A-171', 'a proxy in a log, all of whose traps throw', {
    code: 'const bomb = new Proxy({}, { get() { throw bomb } }); console.log(new Proxy({}, bomb), "%s", new Proxy({}, bomb)); return 1',
    ends: ['ok'],
    returns: 1,
  }),
  attack('A-172', 'log lines that look like the host’s own', {
    code: 'console.log("a\\n{\\"level\\":60,\\"msg\\":\\"host.failed\\"}\\u001b[2J"); return 1',
    ends: ['ok'],
    returns: 1,
    logs: ['a\n{"level":60,"msg":"host.failed"}\u001b[2J'],
  }),
  attack('A-173', 'Node’s own hook for showing objects', {
    code: 'let asked = 0; console.log({ [Symbol.for("nodejs.util.inspect.custom")]() { asked++ } }); return asked',
    ends: ['ok'],
    returns: 0,
  }),
  attack('A-174', 'an input with a field named __proto__', {
    code: 'return [({}).polluted === undefined, Object.getPrototypeOf(input) === Object.prototype, Object.keys(input)]',
    input: '{"__proto__":{"polluted":1}}',
    ends: ['ok'],
    returns: [true, true, ['__proto__']],
  }),
  attack('A-175', 'an input with the same field a hundred thousand times', {
    code: 'return Object.keys(input).length',
    input: `{${'"a":1,'.repeat(100_000)}"a":2}`,
    ends: ['ok', 'INVALID_INPUT', 'TOO_LARGE'],
    returns: 1,
  }),
  attack(
    'A-176',
    'an input nested a hundred thousand deep',
    {
      code: 'return Array.isArray(input)',
      input: `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
      ends: ['ok', 'error', 'INVALID_INPUT', 'INVALID_JSON', 'TOO_LARGE'],
      returns: true,
    },
    { stop: 'refusal' },
  ),
  attack('A-177', 'an input with numbers that no double can hold', {
    code: 'return [input[0], String(input[1])]',
    input: '[-0e-999999, 1e999999]',
    ends: ['ok', 'INVALID_INPUT'],
    returns: [0, 'Infinity'],
  }),
  attack('A-178', 'an array whose members are getters that change it', {
    code: 'const a = [1, 2, 3]; Object.defineProperty(a, 0, { get() { a.length = 0; return 9 }, enumerable: true }); return a',
    ends: ['ok', 'error'],
    returns: [9, null, null],
  }),
  attack('A-179', 'memory as result that a guest could change later', {
    code: 'return new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer',
    ends: ['ok', 'error'],
    returns: {},
  }),
]
