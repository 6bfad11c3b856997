import { type Attack, attack } from '../attack.ts'
import { ESCAPE_BY_MODULE } from './escape-by-module.ts'

/** Walks everything that can be reached from some roots; calls `found(value, path)` for each object, and `text(value, path)` for each string. */
const WALK = `
  function walk(roots, found, text = () => {}) {
    const seen = new Set(), queue = []
    const add = (value, path) => {
      if (typeof value === 'string') text(value, path)
      if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return
      seen.add(value); queue.push([value, path])
    }
    for (const [path, root] of Object.entries(roots)) add(root, path)
    for (let at = 0; at < queue.length && at < 50_000; at++) {
      const [object, path] = queue[at]
      found(object, path)
      add(Reflect.getPrototypeOf(object), path + '.<prototype>')
      for (const key of Reflect.ownKeys(object)) {
        const { value, get, set } = Reflect.getOwnPropertyDescriptor(object, key), name = path + '.' + String(key)
        add(value, name); add(get, name + '.<get>'); add(set, name + '.<set>')
        if (get) try { add(Reflect.apply(get, object, []), name + '.<got>') } catch (error) { add(error, name + '.<thrown>') }
      }
    }
  }`

/** What a program of Node, a browser or isolated-vm has, and a guest must not. */
const NAMES = [
  'process',
  'require',
  'module',
  'exports',
  'Buffer',
  'global',
  '__dirname',
  '__filename',
  'Deno',
  'Bun',
  'ivm',
  '_ivm',
  '$isolate',
  'isolate',
  'Isolate',
  'Reference',
  'ExternalCopy',
  'gc',
  'd8',
  '$262',
  'ShadowRealm',
  'Worker',
  'SharedWorker',
  'inspector',
  'window',
  'document',
  'importScripts',
  'setImmediate',
  'SharedArrayBuffer',
  'load',
  'read',
  'quit',
  'internalBinding',
  'primordials',
  'bridge',
  'boot',
]

/** Tries an expression and says `nothing` unless it gives an object with a pid, a version or an environment. */
const reach = (expression: string): string => `
  const judge = (it) => (it && (it.pid || it.versions || it.env?.PATH || it.mainModule || it.binding) ? 'the host' : 'nothing')
  try { return judge(await (${expression})) } catch { return 'nothing' }`

const nothing = { ends: ['ok'], returns: 'nothing' } as const

/** Ways to objects of the host, the cell or another realm. */
export const ESCAPE: readonly Attack[] = [
  attack('A-180', 'the names of Node, browsers and isolated-vm', {
    code: `return ${JSON.stringify(NAMES)}.filter((name) => { try { return (0, eval)('typeof ' + name) !== 'undefined' } catch { return true } })`,
    ends: ['ok'],
    returns: [],
  }),
  attack('A-181', 'the constructor of the global object’s constructor', {
    code: reach(`globalThis.constructor.constructor('return process')()`),
    ...nothing,
  }),
  attack('A-182', 'the constructor of the context’s constructor', {
    code: reach(`context.constructor.constructor('return process')()`),
    ...nothing,
  }),
  attack('A-183', 'the constructors of the runtime’s functions', {
    code: `const made = []
      for (const f of [console.log, setTimeout, clearTimeout, queueMicrotask, context.kv.get, context.waitUntil, context.remainingMs])
        try { made.push(f.constructor === Function && f.constructor('return typeof process + typeof require')()) } catch (e) { made.push(e.name) }
      return [...new Set(made)]`,
    ends: ['ok'],
    returns: ['undefinedundefined'],
  }),
  attack('A-184', 'the constructors of asynchronous and generating functions', {
    code: `const made = []
      for (const F of [(async () => {}).constructor, (function* () {}).constructor, (async function* () {}).constructor])
        { const f = F('return typeof process'); const r = await f(); made.push(typeof r === 'string' ? r : (await r.next()).value) }
      return [...new Set(made)]`,
    ends: ['ok'],
    returns: ['undefined'],
  }),
  attack('A-185', 'an error that the host’s side has caused', {
    code: `const errors = []
      for (const call of [() => context.kv.get(''), () => context.kv.put('k', 5n), () => setTimeout(5), () => import('fs')])
        try { await call() } catch (e) { errors.push(e) }
      return errors.map((e) => [e instanceof Error, e.constructor.constructor === Function, /node:|\\.ts|\\.cjs|isolated/.test(String(e.stack))])`,
    ends: ['ok'],
    returns: [
      [true, true, false],
      [true, true, false],
      [true, true, false],
      [true, true, false],
    ],
  }),
  attack('A-186', 'a promise that a capability gave', {
    code: `const p = context.kv.get('x'); return [p instanceof Promise, p.constructor === Promise, p.constructor.constructor === Function]`,
    ends: ['ok'],
    returns: [true, true, true],
  }),
  attack('A-187', 'answers of a capability and the input', {
    code: `await context.kv.put('k', { a: [1] }); const v = await context.kv.get('k'), page = await context.kv.list()
      return [v, v.a, page, page.keys, input].map((o) => Object.getPrototypeOf(o) === Object.prototype || Object.getPrototypeOf(o) === Array.prototype)`,
    input: '{"a":1}',
    ends: ['ok'],
    returns: [true, true, true, true, true],
  }),
  attack('A-188', 'the frames of a stack, seen by Error.prepareStackTrace', {
    code: `const got = []
      const look = () => { Error.prepareStackTrace = (e, sites) => { for (const s of sites) for (const m of ['getThis', 'getFunction', 'getEvalOrigin', 'getTypeName'])
          try { const v = s[m](); if (v !== undefined && v !== null && typeof v === 'object' && v !== globalThis) got.push(m + ' ' + Object.prototype.toString.call(v)) } catch {} ; return '' }
        new Error().stack; Error.prepareStackTrace = undefined }
      look(); await context.kv.put('k', { toJSON() { look(); return 1 } }); setTimeout(look, 1); queueMicrotask(look); console.log({ get x() { look() } })
      await new Promise((r) => setTimeout(r, 10)); return got`,
    ends: ['ok'],
    returns: [],
  }),
  attack('A-189', 'file names in the frames of a stack', {
    code: `const names = new Set(); Error.stackTraceLimit = Infinity
      const look = () => { Error.prepareStackTrace = (e, sites) => { for (const s of sites) names.add(String(s.getFileName() ?? s.getScriptNameOrSourceURL?.())); return '' }; new Error().stack; Error.prepareStackTrace = undefined }
      look(); setTimeout(look, 1); await context.kv.get('x').then(look); await new Promise((r) => setTimeout(r, 10))
      return [...names].filter((name) => /^(file:|node:|\\/|[a-z]:\\\\)/i.test(name))`,
    ends: ['ok'],
    returns: [],
  }),
  attack('A-190', 'the text of a stack, as it is inside', {
    code: `Error.stackTraceLimit = Infinity; await null; return /file:|node:|\\/[a-z]+\\/|\\.cjs/.test(new Error('x').stack)`,
    ends: ['ok'],
    returns: false,
  }),
  attack('A-191', 'the caller of a function that the runtime calls', {
    code: `const got = []
      const spy = new Function('got', 'return function spy() { for (const f of [() => spy.caller, () => arguments.callee.caller, () => spy.caller.arguments]) try { const v = f(); if (v !== null && v !== undefined) got.push(String(v).slice(0, 40)) } catch {} }')(got)
      setTimeout(spy, 1); queueMicrotask(spy); await context.kv.put('k', { toJSON: spy }).catch(() => {}); await new Promise((r) => setTimeout(r, 10)); return got`,
    ends: ['ok'],
    returns: [],
  }),
  attack('A-192', 'the bridge to the cell, caught in replaced built-ins', {
    code: `const caught = []
      const watch = (holder, name) => { const old = holder[name]; holder[name] = function (...args) {
        for (const v of [this, ...args]) if (typeof v === 'function' && v.name === '' && Function.prototype.toString.call(v).includes('native')) caught.push(name)
        return Reflect_apply(old, this, args) } }
      const Reflect_apply = Reflect.apply
      for (const name of ['call', 'apply', 'bind']) watch(Function.prototype, name)
      watch(Reflect, 'apply'); watch(JSON, 'stringify'); watch(JSON, 'parse'); watch(Object, 'defineProperty'); watch(Object, 'freeze')
      console.log('x'); setTimeout(() => {}, 1); await context.kv.get('x'); return caught`,
    ends: ['ok'],
    returns: [],
  }),
  attack('A-193', 'a native function without a name, anywhere', {
    code: `${WALK}
      const nameless = [], known = new Set([Function.prototype]), thrower = Reflect.getOwnPropertyDescriptor(Function.prototype, 'caller').get
      const stack = Reflect.getOwnPropertyDescriptor(new Error(), 'stack'); known.add(thrower).add(stack.get).add(stack.set)
      walk({ globalThis, context, input }, (object, path) => {
        if (typeof object === 'function' && !known.has(object) && !Reflect.getOwnPropertyDescriptor(object, 'name')?.value && Function.prototype.toString.call(object).includes('[native code]')) nameless.push(path) })
      return nameless`,
    ends: ['ok'],
    returns: [],
  }),
  attack('A-194', 'an object of isolated-vm or Node, anywhere', {
    code: `${WALK}
      const bad = new Set(['Isolate', 'Context', 'Reference', 'ExternalCopy', 'Callback', 'NativeModule', 'InspectorSession', 'Buffer', 'Socket', 'EventEmitter', 'Process'])
      const hits = []
      walk({ globalThis, context, input }, (object, path) => { const c = Reflect.getOwnPropertyDescriptor(object, 'constructor')?.value; if (typeof c === 'function' && bad.has(c.name)) hits.push(path) })
      return hits`,
    ends: ['ok'],
    returns: [],
  }),
  attack('A-195', 'an object of another realm, anywhere', {
    code: `${WALK}
      const foreign = []
      walk({ globalThis, context, input, thrown: await context.kv.get('').catch((e) => e) }, (object, path) => {
        if (Reflect.getPrototypeOf(object) === null && object !== Object.prototype && Object.hasOwn(object, 'hasOwnProperty')) foreign.push(path) })
      return foreign`,
    ends: ['ok'],
    returns: [],
  }),
  attack('A-196', 'a path, a key or a variable of the host in any string', {
    code: `${WALK}
      const hits = []
      walk({ globalThis, context, input }, () => {}, (text, path) => { if (/\\/(home|root|usr|tmp|etc|var)\\/|node_modules|CLOISTER_|Bearer |\\.cjs/.test(text)) hits.push(path) })
      return hits`,
    ends: ['ok'],
    returns: [],
  }),
  ...ESCAPE_BY_MODULE,
  attack('A-206', 'a prototype of the global object that watches every look-up', {
    code: `const seen = []
      try { Object.setPrototypeOf(globalThis, new Proxy(Object.prototype, { has(_, k) { seen.push(String(k)); return false }, get(t, k) { seen.push(String(k)); return t[k] } })) } catch { return [] }
      console.log({}); setTimeout(() => {}, 1); await context.kv.get('x'); try { await context.kv.get('') } catch {}
      return seen.filter((k) => !/^(Symbol|then|toJSON|console|setTimeout|context|seen|Object|globalThis)/.test(k))`,
    ends: ['ok'],
    returns: [],
  }),
  attack('A-207', 'a change of what the context says', {
    code: `const before = [context.tenant, context.runId], tries = []
      for (const change of [() => { context.tenant = 'quiet' }, () => Object.defineProperty(context, 'tenant', { value: 'quiet' }), () => Object.setPrototypeOf(context, null), () => { context.kv.get = () => 'forged' }, () => { context.env.x = 1 }])
        try { 'use strict'; change() } catch {}
      return [context.tenant === before[0], context.runId === before[1], typeof context.kv.get, context.env.x === undefined, (await context.kv.get('k')) === null]`,
    ends: ['ok'],
    returns: [true, true, 'function', true, true],
  }),
  attack('A-208', 'the species of arrays and promises that the runtime makes', {
    code: `let made = 0
      class Trap extends Promise { static get [Symbol.species]() { made++; return Promise } }
      Object.defineProperty(Promise.prototype, 'constructor', { get() { made++; return Trap }, configurable: true })
      Object.defineProperty(Array, Symbol.species, { get() { made++; return Array }, configurable: true })
      await context.kv.get('x'); setTimeout(() => {}, 1); console.log([1]); const seen = made
      return typeof seen`,
    ends: ['ok'],
    returns: 'number',
  }),
  attack('A-209', 'a then of promises that was replaced, to catch what the runtime waits for', {
    code: `const foreign = [], { then } = Promise.prototype
      Promise.prototype.then = function (...f) { for (const v of [this, ...f]) if (v && v.constructor && v.constructor.constructor !== Function && typeof v !== 'undefined') foreign.push(typeof v); return then.apply(this, f) }
      await context.kv.get('x'); context.waitUntil(Promise.resolve(1)); await import('./nowhere.js').catch(() => {}); return foreign`,
    ends: ['ok'],
    returns: [],
  }),
  attack('A-210', 'the wrapper around submitted code, closed from inside', {
    code: '}; globalThis.outside = 1; { return typeof process',
    ends: ['error', 'ok'],
    returns: 'undefined',
  }),
  attack('A-211', 'variables of the runtime, by evaluated text', {
    code: `return ['bridge', 'limits', 'calls', 'guest', 'log', 'timers', 'enter', 'boot', 'generation', 'running', 'realm', 'settle'].filter((n) => { try { eval(n); return true } catch { return false } })`,
    ends: ['ok'],
    returns: [],
  }),
  attack('A-212', 'with and a proxy over the global object', {
    code: `const seen = new Set(); const f = new Function('p', 'with (p) { return typeof process + typeof require + typeof module }')
      return f(new Proxy(globalThis, { has(t, k) { seen.add(String(k)); return false }, get: (t, k) => (k === Symbol.unscopables ? undefined : t[k]) }))`,
    ends: ['ok'],
    returns: 'undefinedundefinedundefined',
  }),
  attack('A-213', 'getters of old that look up across prototypes', {
    code: `return [context, context.kv, console, globalThis].map((o) => { try { const g = o.__lookupGetter__('__proto__').call(o); return g === null || g === Object.prototype || Object.getPrototypeOf(g) === Object.prototype || Object.getPrototypeOf(g) === null } catch { return true } })`,
    ends: ['ok'],
    returns: [true, true, true, true],
  }),
  attack('A-214', 'a stack overflow inside the runtime, to catch an error of another realm', {
    code: `let caught
      const dive = () => { try { dive() } catch (e) { try { console.log({}) } catch (inner) { caught ??= inner } throw e } }
      try { dive() } catch (e) { caught ??= e }
      return [caught instanceof Error, caught.constructor.constructor === Function]`,
    ends: ['ok', 'error', 'timeout'],
    returns: [true, true],
  }),
  attack(
    'A-215',
    'a stack overflow inside a capability call',
    {
      code: `let caught, calls = 0
      const dive = () => { try { dive() } catch (e) { try { context.kv.get('x').catch(() => {}); calls++ } catch (inner) { caught ??= inner } throw e } }
      try { dive() } catch {}
      await null; return caught === undefined || (caught instanceof Error && caught.constructor.constructor === Function)`,
      // The stack may end between the count of a call and its message: then the host ends the cell for what it says.
      ends: ['ok', 'error', 'timeout', 'crashed'],
      returns: true,
    },
    { stop: 'kill' },
  ),
]
