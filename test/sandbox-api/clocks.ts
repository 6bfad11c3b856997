/** Code of a guest that looks for a clock. */

/** Keeps the thread busy for some milliseconds without a look at any clock. */
const WORK = `
  const work = (times) => { let sum = 0; for (let n = 0; n < times; n++) sum = (sum * 31 + n) % 1000003; return sum }`

/**
 * Every way to the time that is known, each as a function that gives text. Those that are not there throw, and their name is
 * in \`missing\`.
 */
const SOURCES = `
  const fine = { minute: 'numeric', second: 'numeric', fractionalSecondDigits: 3, timeZone: 'UTC' }
  class Sub extends Date {}
  class Deeper extends Sub { constructor() { super() } }
  function Old() { return Reflect.construct(Date, [], Old) }
  Old.prototype = Object.create(Date.prototype)
  const format = new Intl.DateTimeFormat('en', fine)
  const getFormat = Object.getOwnPropertyDescriptor(Intl.DateTimeFormat.prototype, 'format').get
  const parts = (list) => list.map(({ value }) => value).join('')
  /** What the frames of a stack give, seen from a sloppy function that a built-in calls. */
  const caught = []
  const spy = Function('caught', \`return function spy() {
    Error.prepareStackTrace = (error, sites) => sites
    for (const site of new Error().stack) for (const found of [site.getFunction(), site.getThis()]) if (typeof found === 'function' && found !== spy) caught.push(found)
    if (spy.caller) caught.push(spy.caller)
    Error.prepareStackTrace = undefined
    return 1
  }\`)(caught)
  new Date({ valueOf: spy }); format.format({ valueOf: spy }); new Sub({ [Symbol.toPrimitive]: spy })
  const sources = {
    'Date.now': () => Date.now(),
    'Date.now without this': () => (0, Date.now)(),
    'new Date': () => +new Date(),
    'new Date of nothing at all': () => +new Date(...[]),
    'Date.bind': () => +new (Date.bind(null))(),
    'subclass': () => +new Sub(),
    'subclass of a subclass': () => +new Deeper(),
    'Reflect.construct': () => +Reflect.construct(Date, []),
    'Reflect.construct for another': () => +Date.prototype.getTime.call(Reflect.construct(Date, [], Map)),
    'function with Date.prototype': () => Date.prototype.getTime.call(new Old()),
    'Date.prototype.constructor': () => +new Date.prototype.constructor(),
    'constructor of an instance': () => new Date(0).constructor.now(),
    'constructor of a subclass': () => Object.getPrototypeOf(Sub).now(),
    'toTemporalInstant': () => String(new Date().toTemporalInstant()),
    'DateTimeFormat.format()': () => format.format(),
    'DateTimeFormat.format(undefined)': () => format.format(undefined),
    'format of the getter': () => getFormat.call(format)(),
    'formatToParts()': () => parts(format.formatToParts()),
    'formatToParts(undefined)': () => parts(format.formatToParts(undefined)),
    'format of a subclass': () => new (class extends Intl.DateTimeFormat {})('en', fine).format(),
    'format of a legacy object': () => Intl.DateTimeFormat.call(Object.create(Intl.DateTimeFormat.prototype), 'en', fine).format(),
    'remainingMs': () => context.remainingMs(),
    'frames': () => caught.map((found) => { try { return String(found()) } catch { return String(new found()) } }).join(),
    'Temporal.Now.instant': () => String(Temporal.Now.instant()),
    'Temporal.Now.instant, nanoseconds': () => String(Temporal.Now.instant().epochNanoseconds),
    'Temporal.Now.zonedDateTimeISO': () => String(Temporal.Now.zonedDateTimeISO()),
    'Temporal.Now.zonedDateTimeISO elsewhere': () => String(Temporal.Now.zonedDateTimeISO('Asia/Tokyo')),
    'Temporal.Now.plainDateTimeISO': () => String(Temporal.Now.plainDateTimeISO()),
    'Temporal.Now.plainTimeISO': () => String(Temporal.Now.plainTimeISO()),
    'constructor of an instant': () => String(new Date().toTemporalInstant().constructor.Now?.instant()),
  }
  /** These tell whole seconds or less, or throw where there is no date. */
  const coarse = {
    'Date()': () => Date(),
    'Date.call': () => Date.call(new Date(0), 0),
    'toString': () => String(new Date()),
    'Temporal.Now.plainDateISO': () => String(Temporal.Now.plainDateISO()),
    'formatRange': () => format.formatRange(),
    'formatRange(undefined)': () => format.formatRange(undefined, undefined),
    'formatRangeToParts': () => parts(format.formatRangeToParts(undefined, undefined)),
    'toLocaleString of no date': () => new Date(NaN).toLocaleString(),
  }`

/** Reads every source again and again during some 50 ms of work, and counts the values that each of them gave. */
export const COUNT = `${WORK}${SOURCES}
  const seen = {}, all = { ...sources, ...(input?.only === 'fine' ? {} : coarse) }
  for (const name of Object.keys(all)) seen[name] = new Set()
  for (let round = 0; round < (input?.rounds ?? 50); round++) {
    work(50000)
    for (const name of Object.keys(all)) { try { seen[name].add(all[name]()) } catch (error) { seen[name].add('thrown: ' + error.message) } }
  }
  return Object.fromEntries(Object.entries(seen).map(([name, values]) => [name, values.size]))`

/** Whether all of them say the same, to the millisecond: the difference to \`Date.now()\` of those that can be compared. */
export const AGREE = `
  const format = new Intl.DateTimeFormat('en', { fractionalSecondDigits: 3, second: 'numeric', timeZone: 'UTC' })
  const now = Date.now()
  return {
    instant: Temporal.Now.instant().epochMilliseconds - now,
    zoned: Temporal.Now.zonedDateTimeISO().epochMilliseconds - now,
    plain: Temporal.Now.plainDateTimeISO('UTC').toZonedDateTime('UTC').epochMilliseconds - now,
    day: Temporal.Now.plainDateISO('UTC').equals(Temporal.Now.plainDateTimeISO('UTC').toPlainDate()),
    time: Temporal.Now.plainTimeISO('UTC').equals(Temporal.Now.plainDateTimeISO('UTC').toPlainTime()),
    text: Date.parse(Date()) - Math.floor(now / 1000) * 1000,
    format: format.format() === format.format(now),
    parts: JSON.stringify(format.formatToParts()) === JSON.stringify(format.formatToParts(new Date())),
  }`

/**
 * Calls every function that can be reached, with and without \`new\`, before and after some work, and gives the names of those
 * whose answer has changed. It knows nothing of clocks: what it does not find is not there.
 */
export const HUNT = `${WORK}
  const functions = new Map(), seen = new Set(), queue = []
  const add = (value, path) => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return
    seen.add(value)
    queue.push([value, path])
  }
  const zoned = new Date(0).toTemporalInstant?.().toZonedDateTimeISO('UTC')
  const roots = { globalThis, date: new Date(), format: new Intl.DateTimeFormat('en', { fractionalSecondDigits: 3 }), remainingMs: context.remainingMs, zoned }
  for (const [name, root] of Object.entries(roots)) add(root, name)
  for (let at = 0; at < queue.length; at++) {
    const [object, path] = queue[at]
    if (typeof object === 'function') functions.set(path, object)
    add(Object.getPrototypeOf(object), path + '.<prototype>')
    for (const key of Reflect.ownKeys(object)) {
      const { value, get } = Object.getOwnPropertyDescriptor(object, key)
      add(value, path + '.' + String(key))
      if (get) for (const receiver of [object, roots.date, roots.format, roots.zoned]) {
        try { const got = Reflect.apply(get, receiver, []); add(got, path + '.' + String(key)); break } catch {}
      }
    }
  }
  const attempt = (action) => { try { return action() } catch { return 'thrown' } }
  const show = (value) => typeof value !== 'object' || value === null ? String(value) : [() => String(value), () => Number(value), () => JSON.stringify(value)].map(attempt).join()
  // New ones for each call: some functions change what they are called on.
  const receivers = [() => undefined, () => new Date(0), () => new Intl.DateTimeFormat('en', { fractionalSecondDigits: 3 }), () => new Date(0).toTemporalInstant().toZonedDateTimeISO('UTC')]
  const ask = (f) => [...receivers.map((make) => () => Reflect.apply(f, make(), [])), () => new f()].map((call) => attempt(() => show(call()))).join('|')
  const skipped = /setTimeout|setInterval|queueMicrotask|waitUntil|console\\./
  const first = new Map()
  for (const [path, f] of functions) if (!skipped.test(path)) first.set(path, ask(f))
  work(3e7)
  const changed = []
  for (const [path, f] of functions) if (!skipped.test(path) && ask(f) !== first.get(path)) changed.push(path)
  return { functions: functions.size, changed }`

/**
 * Code of a guest that has changed what the runtime could use, and watches it, before it asks for a built-in for the first
 * time: \`stolen\` is what its functions have been handed. Everything is as before when it ends.
 */
export const TAMPER = `
  const stolen = [], undo = []
  const { defineProperty, getOwnPropertyDescriptor } = Object, { apply } = Reflect
  const put = (holder, name, descriptor) => {
    const before = getOwnPropertyDescriptor(holder, name)
    if (before) { before.__proto__ = null; undo.unshift(() => defineProperty(holder, name, before)) } else undo.unshift(() => delete holder[name])
    descriptor.__proto__ = null; descriptor.configurable = true
    defineProperty(holder, name, descriptor)
  }
  const spy = (answer) => function () {
    stolen.push(this); for (let at = 0; at < arguments.length; at++) stolen.push(arguments[at])
    return answer === undefined ? undefined : apply(answer, this, arguments)
  }
  for (const name of ['defineProperty', 'getOwnPropertyDescriptor', 'hasOwn', 'freeze']) put(Object, name, { value: spy(Object[name]), writable: true })
  for (const name of ['defineProperty', 'construct', 'apply', 'ownKeys', 'getOwnPropertyDescriptor']) put(Reflect, name, { value: spy(Reflect[name]), writable: true })
  for (const name of ['get', 'set', 'has']) put(WeakMap.prototype, name, { value: spy(WeakMap.prototype[name]), writable: true })
  for (const name of ['call', 'apply', 'bind']) put(Function.prototype, name, { value: spy(Function.prototype[name]), writable: true })
  put(ArrayBuffer.prototype, 'byteLength', { get: spy(() => 1) })
  put(Array.prototype, Symbol.iterator, { value: spy(Array.prototype[Symbol.iterator]), writable: true })
  for (const name of ['WeakMap', 'Reflect', 'Symbol', 'ArrayBuffer', 'TypeError']) put(globalThis, name, { value: spy(), writable: true })
  for (const name of ['value', 'get', 'set', 'writable', 'enumerable', '0', 'now', 'made', 'native']) put(Object.prototype, name, { get: spy(() => stolen.push), set: spy() })
  const builtIns = [Date, Intl, Temporal, WebAssembly]
  for (let at = 0; at < undo.length; at++) undo[at]()`
