/**
 * Code of a guest that looks for a way out: `walk(roots)` visits every object that can be reached from the roots, by own
 * properties of any kind, getters and prototypes. It returns the paths of what should not be there.
 */
export const WALK = `
  const FORBIDDEN = ['Isolate', 'Context', 'Reference', 'ExternalCopy', 'Callback', 'Script', 'Module', 'NativeModule', 'InspectorSession',
    'Buffer', 'Socket', 'EventEmitter', 'process']
  function walk(roots) {
    const { ownKeys, getPrototypeOf, getOwnPropertyDescriptor, apply } = Reflect
    const thrower = getOwnPropertyDescriptor(Function.prototype, 'caller').get
    const stack = getOwnPropertyDescriptor(new Error(), 'stack')
    const known = new Set([Function.prototype, thrower, stack.get, stack.set])
    const seen = new Set(), queue = [], names = new Set(), forbidden = [], foreign = [], nameless = []
    const add = (value, path) => {
      if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return
      seen.add(value)
      queue.push([value, path])
    }
    const look = (object, path) => {
      const proto = getPrototypeOf(object)
      const own = [path.split('.').at(-1), getOwnPropertyDescriptor(proto ?? {}, 'constructor')?.value?.name]
      if (typeof object === 'function') {
        const name = getOwnPropertyDescriptor(object, 'name')?.value
        own.push(name)
        const isNative = apply(Function.prototype.toString, object, []).includes('[native code]')
        if (isNative && !name && !known.has(object)) nameless.push(path)
      }
      // The language has a Module of its own.
      if (object !== WebAssembly.Module) for (const name of own) if (FORBIDDEN.includes(name)) forbidden.push(path + ': ' + name)
      for (const name of own) if (typeof name === 'string') names.add(name)
      // Another realm has an Object.prototype of its own, at the end of the prototypes of all its objects.
      if (proto === null && object !== Object.prototype && Object.hasOwn(object, 'hasOwnProperty')) foreign.push(path)
      add(proto, path + '.<prototype>')
    }
    for (const [path, root] of Object.entries(roots)) add(root, path)
    for (let at = 0; at < queue.length; at++) {
      const [object, path] = queue[at]
      look(object, path)
      for (const key of ownKeys(object)) {
        const name = path + '.' + String(key)
        const { value, get, set } = getOwnPropertyDescriptor(object, key)
        add(value, name)
        add(get, name + '.<get>')
        add(set, name + '.<set>')
        if (get) try { add(apply(get, object, []), name + '.<got>') } catch (error) { add(error, name + '.<thrown>') }
      }
    }
    return { objects: queue.length, forbidden, foreign, nameless, names: [...names] }
  }`

/** Code of a guest that fills \`roots\` with all that the runtime hands to functions of the guest, one way or another. */
export const SPY = `
  const roots = { globalThis, context, input }
  const { apply, construct, ownKeys, getPrototypeOf } = Reflect
  let count = 0
  const keep = (how, value) => { roots[how + '.' + count++] = value }
  const attempt = (how, action) => { try { keep(how, action()) } catch (error) { keep(how + '.thrown', error) } }
  // Sloppy code, so that it may look for its caller.
  const spy = new Function('keep, attempt, apply', \`return (how, answer) => function spy() {
    keep(how + '.this', this)
    for (let at = 0; at < arguments.length; at++) keep(how + '.argument', arguments[at])
    attempt(how + '.caller', () => arguments.callee.caller)
    attempt(how + '.caller', () => spy.caller)
    attempt(how + '.caller', () => arguments.callee.caller.arguments)
    return answer === undefined ? undefined : apply(answer, this, arguments)
  }\`)(keep, attempt, apply)
  /** What the frames of a stack give, seen from inside a call that the runtime makes. */
  const frames = (how) => {
    Error.prepareStackTrace = (error, sites) => {
      keep(how + '.sites', sites)
      for (let at = 0; at < sites.length; at++) {
        const methods = ownKeys(getPrototypeOf(sites[at]))
        for (let n = 0; n < methods.length; n++) if (methods[n] !== 'constructor') attempt(how + '.frame', () => sites[at][methods[n]]())
      }
      return ''
    }
    keep(how + '.stack', new Error().stack)
    Error.prepareStackTrace = undefined
  }
  const watch = (how, answer) => spy(how, function (...args) { frames(how); return answer?.(...args) })

  // What the runtime calls of the guest's.
  setTimeout(watch('timeout'), 1, roots)
  queueMicrotask(watch('microtask'))
  await context.kv.put('k', { toJSON: watch('toJSON', () => 1) })
  console.log({ toJSON: watch('shown') }, new Proxy({}, { get: spy('proxy get'), ownKeys: spy('proxy keys', () => []) }))
  console.log('%s', { get x() { frames('getter') } })
  context.waitUntil({ then: watch('then', (resolve) => resolve()) })
  await new Promise((resolve) => setTimeout(resolve, 20))

  // What the runtime gives.
  keep('answer', await context.kv.list())
  keep('promise', context.kv.get('k'))
  for (const call of [() => context.kv.put('k', undefined), () => context.kv.put('k', 5n), () => context.kv.get('')])
    await call().catch((error) => keep('refusal', error))
  attempt('type error', () => setTimeout(5))
  attempt('syntax error', () => JSON.parse('{'))
  attempt('own error', () => null.x)
  await import('./x.js').catch((error) => keep('import error', error))
  for (const [how, call] of [['timer', () => setTimeout(() => {}, 1)], ['log', () => console.log('x')], ['queued', () => queueMicrotask(() => {})]]) attempt(how, call)
  for (const made of [async () => {}, function* () {}, async function* () {}]) keep('constructor', made.constructor)
  keep('meta', import.meta)`

/** Code that goes on where SPY ends: the guest replaces all that the runtime could touch, and watches it at work. */
export const REPLACE = `
  const holders = [Object.prototype, Array.prototype, String.prototype, Function.prototype, Promise.prototype, globalThis, Object, Promise, Reflect, JSON, Error]
  const define = Object.defineProperty, saved = []
  for (const holder of holders) {
    const table = Object.assign(Object.create(null), Object.getOwnPropertyDescriptors(holder))
    for (const key of ownKeys(table)) table[key] = Object.assign(Object.create(null), table[key])
    saved.push(table)
  }
  const restore = () => {
    for (let at = 0; at < holders.length; at++) {
      const holder = holders[at], table = saved[at], now = ownKeys(holder), before = ownKeys(table)
      for (let n = 0; n < now.length; n++) if (table[now[n]] === undefined) delete holder[now[n]]
      for (let n = 0; n < before.length; n++) if (table[before[n]].configurable || table[before[n]].writable) define(holder, before[n], table[before[n]])
    }
  }
  const accessor = (holder, name) =>
    define(holder, name, { __proto__: null, get: spy('get ' + String(name)), set: spy('set ' + String(name)), configurable: true })
  const { then } = Promise.prototype, NativePromise = Promise
  for (const name of ['kv', 'value', 'name', 'message', 'json', 'fault', 'outer', 'depth', 'get', 'set', 'toJSON', 'writable', 'enumerable', 'a', 'call', '3'])
    accessor(Object.prototype, name)
  for (const index of [0, 1, 2]) accessor(Array.prototype, index)
  String.prototype.slice = spy('slice', () => '')
  String.prototype.indexOf = spy('indexOf', () => 0)
  for (const name of ['apply', 'call', 'bind']) Function.prototype[name] = spy(name)
  Reflect.apply = spy('Reflect.apply')
  JSON.stringify = spy('stringify', () => '1')
  JSON.parse = spy('parse', () => ({}))
  Object.freeze = spy('freeze', (value) => value)
  Object.defineProperty = spy('defineProperty', (value) => value)
  Promise.prototype.then = spy('replaced then', function (...args) { return apply(then, this, args) })
  define(Promise.prototype, 'constructor', { __proto__: null, get: spy('species', () => NativePromise), configurable: true })
  for (const name of ['Promise', 'Error', 'String', 'Number', 'Object', 'Array', 'JSON', 'Date']) globalThis[name] = spy('global ' + name)
  // Last, because the loops above need it.
  Array.prototype[Symbol.iterator] = spy('iterator', () => ({ next: () => ({ done: true }) }))
  const pending = [context.kv.get('k'), context.kv.put('k', { b: [1, { c: 2 }] }), context.kv.put('k'), context.kv.increment('k', {})]
  for (let at = 0; at < 4; at++) apply(then, pending[at], [() => {}, () => {}])
  console.log('%s %d', {}, [1], roots.constructor); console.group('x'); console.count(); console.time(); console.timeEnd()
  queueMicrotask(spy('late microtask'))
  setTimeout(spy('late timeout'), 0)
  context.waitUntil(pending[0])
  for (let at = 0; at < 4; at++) try { keep('late answer', await pending[at]) } catch (error) { keep('late refusal', error) }
  restore()`
