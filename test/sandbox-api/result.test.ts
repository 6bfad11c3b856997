import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytes } from '../../src/core/quantity.ts'
import { type Guest, openGuest } from './guest.ts'

let guest: Guest
beforeAll(async () => {
  guest = await openGuest()
})
afterAll(() => guest[Symbol.asyncDispose]())

describe('an error of the largest size', () => {
  test.each([
    ['control characters', '\\u0001'],
    ['halves of surrogate pairs', '\\ud800'],
    ['characters of three bytes', '€'],
  ])('made of %s is an error, and its cell lives on', async (_, character) => {
    const tenant = 'ann'
    const code = `const text = '${character}'.repeat(1e5); throw Object.assign(new Error(text), { name: text, stack: text })`
    const { status, error, killReason } = await guest.run(code, { tenant })
    expect({ status, killReason }).toEqual({ status: 'error' })
    expect([error?.name.length, error?.message.length, error?.stack.length]).toEqual([200, 4_096, 8_192])
    expect(guest.cells.pool.cells().filter((cell) => cell.tenant === tenant)).toHaveLength(1)
  })
})

describe('a result of the largest size', () => {
  const limits = { output: bytes(8 << 20) }
  test('is whole, also in characters of three bytes', async () => {
    const { status, result } = await guest.run('return "€".repeat(2796200)', { limits })
    expect([status, result?.length]).toEqual(['ok', 3 * 2_796_200 + 2])
  })

  test('that is too long only in bytes is output-exceeded, however long it is then', async () => {
    const { status, error, killReason } = await guest.run('return "€".repeat(2 ** 23 - 2)', { limits })
    expect({ status, killReason }).toEqual({ status: 'output-exceeded' })
    expect(error?.message).toMatch(/25165820 bytes.*8388608/)
  })
})

describe('what is thrown', () => {
  test.each([
    ['a function', 'throw () => 1', 'Error', 'a function was thrown'],
    [
      'a function that cannot be text',
      'throw Object.assign(() => 1, { toString() { throw 1 } })',
      'Error',
      'a function was thrown',
    ],
    [
      'a proxy',
      'throw new Proxy(() => 1, { get() { throw 1 }, getPrototypeOf() { throw 1 } })',
      'Error',
      'a function was thrown',
    ],
    [
      'a proxy that throws at every turn',
      'throw new Proxy({}, { get() { throw 1 }, ownKeys() { throw 1 }, getPrototypeOf() { throw 1 } })',
      'Error',
      'an object was thrown that cannot be shown',
    ],
    ['null', 'throw null', 'Error', 'null'],
    ['a BigInt', 'throw 10n ** 30n', 'Error', `1${'0'.repeat(30)}`],
    [
      'an error whose name is no text',
      'const e = new Error("m"); e.name = { toString: () => "x" }; throw e',
      'Error',
      'm',
    ],
    ['an object of a class', 'throw new (class Odd { a = 1 })', 'Odd', '{"a":1}'],
  ])('is told as text: %s', async (_, code, name, message) => {
    const { status, error } = await guest.run(code)
    expect({ status, error }).toMatchObject({ status: 'error', error: { name, message } })
  })

  test('late, in a timer or a microtask, is told the same way', async () => {
    const thrown = 'throw Object.assign(() => 1, { toString() { throw 1 } })'
    for (const start of ['setTimeout', 'queueMicrotask']) {
      const { status, error } = await guest.run(
        `${start}(() => { ${thrown} }); await new Promise((r) => setTimeout(r, 1e6))`,
      )
      expect({ status, error }).toMatchObject({ status: 'error', error: { message: 'a function was thrown' } })
    }
  })
})

describe('whatever the guest has made of its built-ins', () => {
  test.each([
    ['toJSON that gives nothing', 'Object.prototype.toJSON = () => undefined'],
    ['toJSON that gives something else', 'Object.prototype.toJSON = () => 5'],
    ['toJSON that gives too much', 'Object.prototype.toJSON = () => ({ name: "x".repeat(1e6) })'],
    ['toJSON that throws', 'Object.prototype.toJSON = () => { throw 1 }'],
    ['JSON', 'JSON.stringify = JSON.parse = () => { throw 1 }'],
    ['strings', 'String.prototype.slice = String.prototype.split = () => { throw 1 }; globalThis.String = null'],
    ['species', 'Object.defineProperty(Promise, Symbol.species, { get() { throw 1 } })'],
  ])('(%s) its error arrives as it is', async (_, poison) => {
    const { status, error } = await guest.run(`${poison}\nthrow new RangeError('real')`)
    expect({ status, error }).toMatchObject({ status: 'error', error: { name: 'RangeError', message: 'real' } })
  })

  test.each([
    [
      'fields of every object',
      `for (const name of ['fault', 'json', 'code', 'get', 'set']) Object.prototype[name] = 'forged'`,
    ],
    [
      'setters of every object',
      `for (const name of ['kv', 'json', 'outer', 'resolve']) Object.defineProperty(Object.prototype, name, { set() {}, configurable: true })`,
    ],
    [
      'setters of every list',
      `for (const index of [0, 1]) Object.defineProperty(Array.prototype, index, { set() { throw 1 }, configurable: true })`,
    ],
    ['toJSON of lists', 'Array.prototype.toJSON = undefined'],
    ['iteration', 'Array.prototype[Symbol.iterator] = null'],
  ])('(%s) its result and its calls arrive as they are', async (_, poison) => {
    const code = `${poison}\nawait context.kv.put('k', { real: [1] }); const found = await context.kv.get('k')
      let refused; try { await context.kv.get('') } catch (e) { refused = Object.getOwnPropertyDescriptor(e, 'code').value }
      return { found, refused }`
    expect(await guest.value(code)).toEqual({ found: { real: [1] }, refused: 'INVALID_ARGUMENT' })
  })

  test.each([
    ['result', '({ real: input })', { status: 'ok' }],
    ['error', '{ throw new RangeError("real") }', { status: 'error', error: { name: 'RangeError', message: 'real' } }],
  ])('its %s arrives as it is, although every promise has a hostile constructor', async (_, body, expected) => {
    const poison = `Object.defineProperty(Promise.prototype, 'constructor', { get() { throw 1 } })`
    const { status, error, result } = await guest.run(`${poison}\nexport default (input) => ${body}`, { input: 5 })
    expect({ status, error }).toMatchObject(expected)
    if (status === 'ok') expect(Buffer.from(result ?? []).toString()).toBe('{"real":5}')
  })

  test('a context of a later run has its kv, although the guest has laid a trap for it', async () => {
    const code = `if (!globalThis.laid) {
        Object.defineProperty(Object.prototype, 'kv', { set() { globalThis.caught = true }, configurable: true })
        Object.prototype.get = Object.prototype.set = 'trap'; globalThis.laid = true
      }
      return [typeof Object.getOwnPropertyDescriptor(context, 'kv')?.value, globalThis.caught]`
    const options = { reuse: 'function' } as const
    for (let run = 0; run < 2; run += 1) expect(await guest.value(code, options)).toEqual(['object', null])
  })
})

describe('a result that JSON cannot hold', () => {
  test.each([
    [
      'a cycle under a trap for lists',
      'Object.defineProperty(Array.prototype, 0, { set() { throw 1 } }); const a = {}; a.a = a; return a',
      'result.a refers back to result',
    ],
    ['a BigInt in a class', 'return new (class { list = [{ n: 1n }] })', 'result.list[0].n is a BigInt'],
    [
      'a BigInt 70 levels down',
      'let v = 1n; for (let n = 0; n < 70; n++) v = [v]; return v',
      'is nested deeper than 64 levels',
    ],
    [
      'a proxy that hides its keys',
      'return { p: new Proxy({}, { ownKeys() { throw new Error("no") } }) }',
      'result.p cannot be read: no',
    ],
    [
      'a toJSON that throws',
      'return { d: { toJSON() { throw new Error("no") } } }',
      'result cannot be turned into JSON: no',
    ],
    [
      'the same object twice and then a cycle',
      'const x = {}; const a = { x, y: x, z: {} }; a.z.back = a.z; return a',
      'result.z.back refers back to result.z',
    ],
  ])('is named: %s', async (_, code, message) => {
    const { status, error } = await guest.run(code)
    expect(status).toBe('error')
    expect(error).toMatchObject({ name: 'TypeError', message: expect.stringContaining(message) })
  })

  test('is found, or not, within the run’s own time', async () => {
    const code = 'const wide = Array.from({ length: 3e5 }, () => ({})); wide.push(1n); return wide'
    const { status, error } = await guest.run(code)
    expect(status).toBe('error')
    expect(error?.message).toContain('cannot be turned into JSON: Do not know how to serialize a BigInt')
  })
})
