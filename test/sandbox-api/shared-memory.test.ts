import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TAMPER } from './clocks.ts'
import { type Guest, openGuest } from './guest.ts'

let guest: Guest
beforeAll(async () => {
  guest = await openGuest()
})
afterAll(() => guest[Symbol.asyncDispose]())

const WITH = { engine: { sharedMemory: true } } as const

/**
 * Modules put together by hand. `maker` defines a shared memory of 1 page and exports it as `m`, with functions that write and read
 * its first word; `user` imports one as `e.m` and exports it again.
 */
const MODULES = `
  const MAGIC = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
  const section = (id, ...bytes) => [id, bytes.length, ...bytes]
  const SHARED = [3, 1, 1]
  const compile = (...sections) => new WebAssembly.Module(new Uint8Array([...MAGIC, ...sections.flat()]))
  const maker = compile(
    section(1, 2, 0x60, 1, 0x7f, 0, 0x60, 0, 1, 0x7f),
    section(3, 2, 0, 1),
    section(5, 1, ...SHARED),
    section(7, 3, 1, 0x6d, 2, 0, 1, 0x77, 0, 0, 1, 0x72, 0, 1),
    section(10, 2, 9, 0, 0x41, 0, 0x20, 0, 0x36, 2, 0, 0x0b, 7, 0, 0x41, 0, 0x28, 2, 0, 0x0b),
  )
  const user = compile(section(2, 1, 1, 0x65, 1, 0x6d, 2, ...SHARED), section(7, 1, 1, 0x6e, 2, 0))`

/** Every way to a shared buffer that is known, each as a function that gives one. */
const WAYS = `${MODULES}
  const { exports } = new WebAssembly.Instance(maker)
  const passed = new WebAssembly.Instance(user, { e: { m: exports.m } }).exports.n
  const own = Object.getOwnPropertyDescriptors(WebAssembly.Memory.prototype)
  const late = { initial: 1, maximum: 1 }
  let asked = 0
  const ways = {
    'SharedArrayBuffer': () => new SharedArrayBuffer(8),
    'globalThis': () => new globalThis.SharedArrayBuffer(8),
    'a shared memory': () => new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer,
    'a memory that turns shared while it is looked at': () => new WebAssembly.Memory({ ...late, get shared() { return asked++ > 0 } }).buffer,
    'the second look': () => new WebAssembly.Memory({ ...late, get shared() { return true } }).buffer,
    'a subclass': () => new (class extends WebAssembly.Memory {})({ ...late, shared: true }).buffer,
    'Reflect.construct': () => own.buffer.get.call(Reflect.construct(WebAssembly.Memory, [{ ...late, shared: true }], Object)),
    'the constructor of a memory': () => new (new WebAssembly.Memory({ initial: 1 }).constructor)({ ...late, shared: true }).buffer,
    'the constructor of an exported memory': () => new exports.m.constructor({ ...late, shared: true }).buffer,
    'an exported memory': () => exports.m.buffer,
    'a memory that was passed on': () => passed.buffer,
    'the getter': () => own.buffer.get.call(exports.m),
    'Reflect.get': () => Reflect.get(WebAssembly.Memory.prototype, 'buffer', exports.m),
    'another prototype': () => { Object.setPrototypeOf(exports.m, { __proto__: WebAssembly.Memory.prototype }); return exports.m.buffer },
    'toFixedLengthBuffer': () => WebAssembly.Memory.prototype.toFixedLengthBuffer.call(exports.m),
    'toResizableBuffer': () => WebAssembly.Memory.prototype.toResizableBuffer.call(exports.m),
    'a view': () => new Uint8Array(exports.m.buffer).buffer,
    'after grow': () => { try { WebAssembly.Memory.prototype.grow.call(exports.m, 0) } catch {} return own.buffer.get.call(passed) },
    'instantiate of bytes': async () => (await WebAssembly.instantiate(maker)).exports.m.buffer,
  }
  const ends = {}
  for (const [name, way] of Object.entries(ways)) { try { ends[name] = Object.prototype.toString.call(await way()) } catch (error) { ends[name] = error.name + ': ' + error.message } }`

const REFUSAL = 'TypeError: shared memory cannot be used here: engine.sharedMemory of the policy is false'
const ABSENT = ['SharedArrayBuffer', 'globalThis']

describe('with engine.sharedMemory false', () => {
  test.each(['context', 'run', 'function'] as const)(
    'no way leads to a shared buffer, with reuse "%s"',
    async (reuse) => {
      for (const _ of [1, 2]) {
        const ends = (await guest.value(`${WAYS}\n return ends`, { reuse })) as Record<string, string>
        for (const name of ABSENT) expect(ends[name]).toMatch(/SharedArrayBuffer is not (defined|a constructor)/)
        const others = Object.entries(ends).filter(([name, end]) => !ABSENT.includes(name) && end !== REFUSAL)
        // Whoever asks only once is told the truth; V8 may ask once or twice.
        expect(others.filter(([name]) => name !== 'a memory that turns shared while it is looked at')).toEqual([])
        expect(JSON.stringify(others)).not.toContain('SharedArrayBuffer')
      }
    },
  )

  test('no way leads to one for a guest that has tampered with the language before it first asks', async () => {
    const code = `${TAMPER}\n${WAYS}
      const shared = new Set(stolen).values().filter((found) => { try { return Object.prototype.toString.call(found.buffer ?? found).includes('Shared') } catch { return false } })
      return [ends, [...shared].length]`
    const [ends, found] = (await guest.value(code)) as [Record<string, string>, number]
    expect([JSON.stringify(ends).includes('[object SharedArrayBuffer]'), found]).toEqual([false, 0])
    expect(ends['an exported memory']).toBe(REFUSAL)
  })

  test('a memory that is to be shared is refused when it is made, not only when its buffer is asked for', async () => {
    const code = `try { new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }) } catch (error) { return String(error) }`
    expect(await guest.value(code)).toBe(REFUSAL)
  })

  test('what guards the memory cannot be taken off', async () => {
    const code = `${MODULES}
      const { m } = new WebAssembly.Instance(maker).exports, proto = WebAssembly.Memory.prototype, thrown = []
      for (const name of ['buffer', 'toFixedLengthBuffer', 'toResizableBuffer']) {
        if (!(name in proto)) continue
        for (const act of [() => { delete proto[name] }, () => Object.defineProperty(proto, name, { value: 1 })]) try { act(); thrown.push(name) } catch {}
      }
      return thrown`
    expect(await guest.value(code)).toEqual([])
  })

  test('a module that has shared memory of its own still runs', async () => {
    const code = `${MODULES}
      const { w, r, m } = new WebAssembly.Instance(maker).exports; w(41); return [r() + 1, m instanceof WebAssembly.Memory]`
    expect(await guest.value(code)).toEqual([42, true])
  })

  test('memory that is not shared works as ever', async () => {
    const code = `const memory = new WebAssembly.Memory({ initial: 1, maximum: 3 }), results = []
      new Uint8Array(memory.buffer)[0] = 7
      results.push(memory.grow(1), memory.buffer.byteLength, memory.buffer === memory.buffer, memory instanceof WebAssembly.Memory, Object.prototype.toString.call(memory),
        WebAssembly.Memory.name, WebAssembly.Memory.length, memory.constructor === WebAssembly.Memory, new Uint8Array(memory.buffer)[0], 'buffer' in memory)
      for (const action of [() => WebAssembly.Memory({ initial: 1 }), () => new WebAssembly.Memory(), () => new WebAssembly.Memory({ initial: -1 }), () => WebAssembly.Memory.prototype.buffer])
        try { action(); results.push('fine') } catch (error) { results.push(error.name) }
      if (memory.toResizableBuffer) results.push(memory.toResizableBuffer().resizable, memory.toFixedLengthBuffer().resizable)
      return results`
    const plain = await guest.value(code)
    expect(plain).toEqual(await guest.value(code, WITH))
    expect(plain).toEqual(expect.arrayContaining([131_072, 'TypeError']))
  })
})

test('with engine.sharedMemory true there are shared buffers, so that the ways are known to lead to them', async () => {
  const ends = (await guest.value(`${WAYS}\n return ends`, WITH)) as Record<string, string>
  const shared = Object.entries(ends).filter(([, end]) => end === '[object SharedArrayBuffer]')
  expect(shared.length).toBeGreaterThan(14)
})

test('without WebAssembly nothing of it is there', async () => {
  const code = `return [typeof WebAssembly, 'WebAssembly' in globalThis, typeof SharedArrayBuffer]`
  expect(await guest.value(code, { engine: { wasm: false } })).toEqual(['undefined', false, 'undefined'])
  expect(await guest.value(code, { engine: { wasm: false, sharedMemory: true } })).toEqual([
    'undefined',
    false,
    'function',
  ])
})
