import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Guest, openGuest } from './guest.ts'

let guest: Guest
beforeAll(async () => {
  guest = await openGuest()
})
afterAll(() => guest[Symbol.asyncDispose]())

/** Modules in base64: one that exports `add`, one that imports `m.f` and calls it when it starts. */
const BYTES = `
  const add = Uint8Array.fromBase64('AGFzbQEAAAABBwFgAn9/AX8DAgEABwcBA2FkZAAACgkBBwAgACABags=')
  const starter = Uint8Array.fromBase64('AGFzbQEAAAABBAFgAAACBwEBbQFmAAAIAQA=')`

test('a module is compiled and instantiated behind promises, by either overload', async () => {
  const code = `${BYTES}
    const module = await WebAssembly.compile(add.buffer)
    const own = await WebAssembly.instantiate(module), both = await WebAssembly.instantiate(add)
    return [module instanceof WebAssembly.Module, own instanceof WebAssembly.Instance, Object.keys(both), both.instance.exports.add(2, 3), both.module instanceof WebAssembly.Module]`
  expect(await guest.value(code)).toEqual([true, true, ['module', 'instance'], 5, true])
  expect(await guest.value(code, { engine: { sharedMemory: true } })).toEqual([
    true,
    true,
    ['module', 'instance'],
    5,
    true,
  ])
})

test('what is wrong rejects the promise with the error that the constructor has, and throws nothing', async () => {
  const code = `${BYTES}
    const attempts = [() => WebAssembly.compile(new Uint8Array(4)), () => WebAssembly.compile(), () => WebAssembly.compile('x'), () => WebAssembly.instantiate(starter),
      () => WebAssembly.instantiate(starter, { m: {} }), () => WebAssembly.instantiate(starter, { m: { f() { throw new RangeError('mine') } } }), () => WebAssembly.instantiate(add, 1)]
    const ends = []
    for (const attempt of attempts) { const promise = attempt(); await promise.catch((error) => ends.push(error.name)) }
    return ends`
  const names = ['CompileError', 'TypeError', 'TypeError', 'TypeError', 'LinkError', 'RangeError', 'TypeError']
  expect(await guest.value(code)).toEqual(names)
})

test('a start function runs after the code that instantiates, and all of it at the top level of a module, too', async () => {
  const code = `${BYTES}
    const seen = [], waiting = WebAssembly.instantiate(starter, { m: { f: () => seen.push('start') } })
    seen.push('called'); await waiting; export default () => seen`
  expect(await guest.value(code)).toEqual(['called', 'start'])
})

test('a response that is still to come is compiled if it is of WebAssembly', async () => {
  const code = `${BYTES}
    const respond = (type, more) => ({ ok: true, headers: new Map([['content-type', type]]), arrayBuffer: async () => add.buffer, ...more })
    const ends = [(await WebAssembly.instantiateStreaming(Promise.resolve(respond('Application/Wasm')))).instance.exports.add(1, 2), await WebAssembly.compileStreaming(respond('application/wasm')) instanceof WebAssembly.Module]
    for (const wrong of [respond('text/plain'), respond('application/wasm;a=b'), respond('application/wasm', { ok: false }), {}, undefined, Promise.reject(new RangeError('gone'))])
      await WebAssembly.compileStreaming(wrong).catch((error) => ends.push(error.name))
    return ends`
  expect(await guest.value(code)).toEqual([3, true, ...Array.from({ length: 5 }, () => 'TypeError'), 'RangeError'])
})

test('they look like built-ins of the namespace, and are made for those who ask only', async () => {
  const code = `return ['compile', 'instantiate', 'compileStreaming', 'instantiateStreaming'].map((name) => {
      const { value, ...rest } = Object.getOwnPropertyDescriptor(WebAssembly, name); let made = 'constructor'; try { new value() } catch (error) { made = error.name }
      return [value.name, value.length, made, JSON.stringify(rest)] })`
  const rest = '{"writable":true,"enumerable":true,"configurable":true}'
  const names = ['compile', 'instantiate', 'compileStreaming', 'instantiateStreaming']
  expect(await guest.value(code)).toEqual(names.map((name) => [name, 1, 'TypeError', rest]))
  expect(await guest.value('return typeof WebAssembly', { engine: { wasm: false } })).toBe('undefined')
})

test('a memory that a module exports stays guarded when it came by way of a promise', async () => {
  const code = `const shared = Uint8Array.fromBase64('AGFzbQEAAAAFBAEDAQEHBQEBbQIA')
    const { instance } = await WebAssembly.instantiate(shared); try { return String(instance.exports.m.buffer) } catch (error) { return error.message }`
  expect(await guest.value(code)).toContain('shared memory cannot be used here')
})
