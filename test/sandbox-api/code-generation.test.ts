import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Guest, openGuest } from './guest.ts'
import { FUNCTION_SHAPES } from './shapes.ts'

let guest: Guest
beforeAll(async () => {
  guest = await openGuest()
})
afterAll(() => guest[Symbol.asyncDispose]())

const WITHOUT = { engine: { eval: false } } as const

/** Every way to make code of a text that is known. `K` is a kind of function's constructor. */
const WAYS = `
  const kinds = { plain: () => {}, async: async () => {}, generator: function* () {}, asyncGenerator: async function* () {}, sloppyMethod: { m() {} }.m, bound: (() => {}).bind(),
    getter: Object.getOwnPropertyDescriptor({ get x() { return 1 } }, 'x').get, class: class {}, native: Array, callback: console.log, timer: setTimeout, proxy: new Proxy(() => {}, {}) }
  const ways = { 'eval': () => eval('1'), 'indirect eval': () => (0, eval)('1'), 'globalThis.eval': () => globalThis.eval('1'), 'Reflect.apply of eval': () => Reflect.apply(eval, undefined, ['1']),
    'eval without text': () => eval(), 'Function': () => Function('return 1')(), 'new Function': () => new Function('return 1')(), 'Function.prototype.constructor': () => Function.prototype.constructor('return 1')(),
    'Object.constructor': () => Object.constructor('return 1')(), 'constructor of a constructor': () => Function.constructor.constructor('return 1')(), '[].at.constructor': () => [].at.constructor('return 1')() }
  for (const [name, sample] of Object.entries(kinds)) {
    const K = sample.constructor
    ways['constructor of ' + name] = () => K('yield 1')
    ways['new constructor of ' + name] = () => new K('')
    ways['constructor of the prototype of ' + name] = () => Object.getPrototypeOf(sample).constructor('')
    ways['Reflect.construct of ' + name] = () => Reflect.construct(K, [''])
    ways['Reflect.construct for another of ' + name] = () => Reflect.construct(K, [''], Object)
    ways['class extends ' + name] = () => new (class extends K {})('')
    ways['heritage of ' + name] = () => Object.getPrototypeOf(class extends K {})('')
    ways['bound ' + name] = () => K.bind(null, '')()
    ways['call of ' + name] = () => K.call(sample, '')
    ways['prototype of the constructor of ' + name] = () => (Object.getPrototypeOf(K) === Function.prototype ? K : Object.getPrototypeOf(K))('')
    ways['species of ' + name] = () => (K[Symbol.species] ?? K)('')
  }
  const ends = Object.entries(ways).map(([name, way]) => { try { return [name, typeof way()] } catch (error) { return [name, error.name + ': ' + error.message, error instanceof EvalError] } })`

const REFUSAL = 'EvalError: text cannot be turned into code here: engine.eval of the policy is false'

/** Names of the native functions among all that can be reached that make code of text, wherever they are. */
const SEARCH = `
  const seen = new Set(), found = []
  const look = (value) => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return
    seen.add(value)
    if (typeof value === 'function' && /^function (eval|Function|GeneratorFunction|AsyncFunction|AsyncGeneratorFunction)\\(\\) \\{ \\[native/.test(Function.prototype.toString.call(value))) found.push(value.name)
    const all = [Object.getPrototypeOf(value)]
    for (const key of Reflect.ownKeys(value)) {
      const { value: held, get, set } = Object.getOwnPropertyDescriptor(value, key)
      all.push(held, get, set)
      if (get) try { all.push(Reflect.apply(get, value, [])) } catch (error) { all.push(error) }
    }
    all.forEach(look)
  }
  const thrown = []
  for (const f of [() => eval('1'), () => null.x, () => Function('')]) try { f() } catch (error) { thrown.push(error) }
  Error.prepareStackTrace = (error, sites) => sites
  look([globalThis, context, thrown, async () => {}, function* () {}, async function* () {}, new Error().stack])
  Error.prepareStackTrace = undefined
  return found.sort()`

describe('with engine.eval false', () => {
  test.each(['context', 'run', 'function'] as const)(
    'every way to make code of text throws an EvalError that names the field, with reuse "%s"',
    async (reuse) => {
      for (const _ of [1, 2]) {
        const ends = (await guest.value(`${WAYS}\n return ends`, { ...WITHOUT, reuse })) as [string, string, boolean][]
        expect(ends.length).toBeGreaterThan(120)
        expect(ends.filter(([, end, isOwn]) => end !== REFUSAL || !isOwn)).toEqual([])
      }
    },
  )

  test('none of the native constructors can be reached by any path', async () => {
    expect(await guest.value(SEARCH, WITHOUT)).toEqual([])
    const all = ['AsyncFunction', 'AsyncGeneratorFunction', 'Function', 'GeneratorFunction', 'eval']
    expect(await guest.value(SEARCH)).toEqual(all)
  })

  test('they cannot be had back by deleting what hides them', async () => {
    const code = `delete Function.prototype.constructor; delete globalThis.Function; delete globalThis.eval
      return [typeof Function, typeof eval, (() => {}).constructor === Object]`
    expect(await guest.value(code, WITHOUT)).toEqual(['undefined', 'undefined', true])
  })

  test('ordinary code goes on: classes, generators, closures, async iteration, JSON, regular expressions', async () => {
    const code = `class A { #x = 1; static s = 2; get x() { return this.#x } static { this.t = 3 } }
      class B extends A { constructor() { super(); this.y = super.x + 1 } }
      const sum = []
      for await (const n of (async function* () { yield 1; yield* [2, 3] })()) sum.push(n)
      const { value } = (function* () { yield 4 })().next()
      const tagged = ((strings, ...values) => strings.raw.join('|') + values)\`a\${1}b\`
      return [new B().y, A.s, A.t, sum, value, tagged, 'x-1'.replace(/(\\d)/, (all, d) => +d + 1), JSON.parse('{"a":1}').a, [3, 1].sort((a, b) => a - b),
        (() => {}) instanceof Function, Object.getPrototypeOf(async () => {}) instanceof Function, typeof Function.prototype, await new Promise((r) => setTimeout(r, 1, 5))]`
    const expected = [2, 2, 3, [1, 2, 3], 4, 'a|b1', 'x-2', 1, [1, 3], true, true, 'function', 5]
    expect(await guest.value(code, WITHOUT)).toEqual(expected)
  })

  test('the runtime goes on: console, timers, kv, waitUntil, errors, other modules', async () => {
    const code = `console.log('%s', () => {}); await context.kv.put('k', [1]); context.waitUntil(context.kv.get('k')); queueMicrotask(() => {})
      try { await context.kv.get('') } catch (error) { console.warn(error.code) }
      return await new Promise((resolve) => setTimeout(async () => resolve(await context.kv.get('k')), 1))`
    const { status, logs, result } = await guest.run(code, WITHOUT)
    expect([status, Buffer.from(result ?? []).toString()]).toEqual(['ok', '[1]'])
    expect(logs.map(({ message }) => message)).toEqual(['[function ]', 'INVALID_ARGUMENT'])
    const modules = { 'b.js': 'export const f = async () => 7' }
    expect(await guest.value(`import { f } from './b.js'; export default f`, { ...WITHOUT, modules })).toBe(7)
    const typed = 'export default async (input: number): Promise<number> => input satisfies number'
    expect(await guest.value(typed, { ...WITHOUT, typescript: true, input: 3 })).toBe(3)
    expect(await guest.run('throw new TypeError("own")', WITHOUT)).toMatchObject({ error: { name: 'TypeError' } })
  })

  test('all kinds of functions look as the language has them', async () => {
    expect(await guest.value(FUNCTION_SHAPES, WITHOUT)).toEqual(await guest.value(FUNCTION_SHAPES))
  })
})

test('with engine.eval true text can be turned into code', async () => {
  const ends = (await guest.value(`${WAYS}\n return ends`)) as [string, string][]
  expect(ends.filter(([, end]) => end.includes('engine.eval'))).toEqual([])
  expect(
    await guest.value(
      'return [eval("1 + 1"), Function("return 3")(), new (async () => {}).constructor("return 4") instanceof Function]',
    ),
  ).toEqual([2, 3, true])
})
