import { randomOf } from './gate.ts'

/** One step from an object to the next: `value`, `get` and `set` of a property, what its getter gives, or its prototype. */
type Step = readonly [how: 'value' | 'get' | 'set' | 'got' | 'proto', key: string]
/** A function that a guest can reach: from which root, by which steps. */
export interface Builtin {
  readonly root: string
  readonly steps: readonly Step[]
}

/** Where a guest can start from: its globals, what it is given, and the syntax that makes objects no global names. */
const ROOTS = `const ROOTS = {
  globalThis, context, input,
  'a generator': (function* () {})(), 'an async generator': (async function* () {})(), 'an async function': async () => {},
  'a list iterator': [][Symbol.iterator](), 'a map iterator': new Map()[Symbol.iterator](), 'a set iterator': new Set()[Symbol.iterator](),
  'a string iterator': ''[Symbol.iterator](), 'a match iterator': 'a'.matchAll(/a/g), 'an iterator helper': [].values().map(String),
  'a wrapped iterator': Iterator.from({ next: () => ({ done: true }) }), 'a tag': ((strings) => strings)\`a\`,
  'an error': new Error('x'), 'a date': new Date(0), 'arguments': (function () { return arguments })(), 'a promise': Promise.resolve(),
  'a segmenter’s segments': new Intl.Segmenter().segment('ab'), 'resolvers': Promise.withResolvers(), 'a revocable': Proxy.revocable({}, {}),
}
const keyOf = (key) => key.startsWith('@@') ? Symbol[key.slice(2)] : key
`

/** Run as a guest, it finds every function that can be reached and says by which way, the shortest first. */
export const FIND_BUILTINS = `${ROOTS}
const { ownKeys, getPrototypeOf, getOwnPropertyDescriptor, apply } = Reflect
const symbols = new Map(ownKeys(Symbol).filter((key) => typeof Symbol[key] === 'symbol').map((key) => [Symbol[key], '@@' + key]))
const seen = new Set(), queue = [], found = []
const add = (value, root, steps) => {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return
  seen.add(value)
  queue.push([value, root, steps])
  if (typeof value === 'function' && apply(Function.prototype.toString, value, []).includes('[native code]')) found.push({ root, steps })
  else if (typeof value === 'function' && (root === 'globalThis' || root === 'context')) found.push({ root, steps })
}
for (const root of Object.keys(ROOTS)) add(ROOTS[root], root, [])
for (let at = 0; at < queue.length; at++) {
  const [object, root, steps] = queue[at]
  if (steps.length > 6) continue
  add(getPrototypeOf(object), root, [...steps, ['proto', '']])
  for (const key of ownKeys(object)) {
    const name = typeof key === 'symbol' ? symbols.get(key) : key
    if (name === undefined) continue
    const { value, get, set } = getOwnPropertyDescriptor(object, key)
    add(value, root, [...steps, ['value', name]])
    add(get, root, [...steps, ['get', name]])
    add(set, root, [...steps, ['set', name]])
    if (get) try { add(apply(get, object, []), root, [...steps, ['got', name]]) } catch {}
  }
}
return found`

/** What a program hands to a built-in as receiver and arguments. Each is made anew in each program. */
const HOSTILE: readonly string[] = [
  'undefined',
  'null',
  '-1',
  'NaN',
  'Infinity',
  '2 ** 53',
  '2 ** 32',
  '1e308',
  '-0',
  '-(2n ** 64n)',
  '10n ** 20000n',
  "''",
  "'\\ud800'",
  "'x'.repeat(2 ** 25)",
  "'x'.padStart(2 ** 29 - 24)",
  "'('.repeat(1e5)",
  "'9'.repeat(1e5)",
  "'a'.repeat(40) + '!'",
  "'__proto__'",
  'Symbol()',
  'Symbol.iterator',
  '({ length: 2 ** 53 - 1 })',
  '({ length: -1, 0: 1 })',
  '({ length: { valueOf() { return 2 ** 31 } } })',
  '({ get length() { for (;;); } })',
  '({ get 0() { throw new Error("got") }, length: 1 })',
  '({ valueOf() { for (;;); }, toString() { for (;;); } })',
  '({ [Symbol.toPrimitive]() { return 1n } })',
  '({ then(resolve) { resolve(this) } })',
  '({ toJSON() { return this } })',
  '({ [Symbol.iterator]: () => ({ next: () => ({ done: false, value: 1 }) }) })',
  '({ next: () => ({ done: false, value: [1, 1] }), [Symbol.iterator]() { return this } })',
  '(() => { const p = new Proxy(function () {}, { get: () => p, apply: () => p, construct: () => p, getPrototypeOf: () => null }); return p })()',
  'new Proxy({}, { get() { for (;;); }, ownKeys() { for (;;); }, has() { for (;;); } })',
  'new Proxy([], { get(list, key) { return key === "length" ? 2 ** 32 : 1 } })',
  '(() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy })()',
  'Object.create(null)',
  'Object.freeze([1, 2, 3])',
  'new Array(2 ** 32 - 1)',
  '[3, 1, , 2]',
  '(() => { const list = []; list[0] = list; return list })()',
  'new Uint8Array(1e6)',
  'new Float64Array([NaN, -0, 1e308])',
  'new BigInt64Array(4)',
  'new Float16Array(4)',
  'new ArrayBuffer(8)',
  'new ArrayBuffer(8, { maxByteLength: 2 ** 28 })',
  'new Uint32Array(new ArrayBuffer(8, { maxByteLength: 2 ** 28 }))',
  '(() => { const buffer = new ArrayBuffer(64); const view = new Uint8Array(buffer); buffer.transfer(); return view })()',
  '(() => { const buffer = new ArrayBuffer(64); buffer.transfer(); return buffer })()',
  'new DataView(new ArrayBuffer(16))',
  'new Map([[NaN, 1]])',
  'new Set("abc")',
  'new WeakMap()',
  'new Date(NaN)',
  '/(a+)+$/',
  '(() => { const pattern = /a/g; pattern.exec = () => ({ index: 0, 0: "", length: 2 ** 53 - 1 }); return pattern })()',
  'Promise.reject(new Error("rejected"))',
  'new (class extends Array { static get [Symbol.species]() { for (;;); } })(3)',
  'new (class { #own = 1; static { this.x = 1 } })()',
  'class {}',
  '() => { throw new Error("called") }',
  'function* () { for (;;) yield 1 }',
  'async () => { for (;;) await null }',
  'globalThis',
  'Object.prototype',
  'Function.prototype',
  'context',
  'eval',
  'new Error("x", { cause: globalThis })',
]

const TO_CALL = [
  'Reflect.apply(target, receiver, args)',
  'Reflect.construct(target, args)',
  'Reflect.apply(target, receiver, args.concat(args, args))',
]
/** What is done with what it gave: handed back as it is, awaited, or only looked at. */
const TO_END = ['return got', 'return await got', 'return typeof got']

/** A program that calls one built-in with hostile values. The same seed makes the same program. */
export function programOf({ root, steps }: Builtin, seed: number): string {
  const random = randomOf(seed)
  const value = (): string => HOSTILE[random(HOSTILE.length)] ?? ''
  const args = Array.from({ length: random(4) }, value)
  const kind = random(10)
  const receiver = kind < 5 ? value() : kind < 6 ? 'own' : 'ofItsKind()'
  const call = TO_CALL[random(8) === 0 ? 2 : random(4) === 0 ? 1 : 0]
  return `${ROOTS}
let target = ROOTS[${JSON.stringify(root)}]
// A method is often called on an object of its own kind.
let own = target
for (const [how, key] of ${JSON.stringify(steps)}) {
  own = target
  const property = how === 'proto' ? undefined : Reflect.getOwnPropertyDescriptor(target, keyOf(key))
  target = how === 'proto' ? Reflect.getPrototypeOf(target) : how === 'got' ? Reflect.apply(property.get, target, []) : property[how]
}
// An object of the kind that the method is for, where that can be made.
const ofItsKind = () => {
  const kind = own?.constructor
  for (const made of [() => new kind(${value()}), () => new kind(8), () => new kind([1, 2, 3]), () => kind('5'), () => kind()])
    try { return made() } catch {}
  return own
}
const receiver = ${receiver}
const args = [${args.join(', ')}]
const got = ${call}
${TO_END[random(TO_END.length)]}`
}
