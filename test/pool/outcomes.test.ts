import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { millis } from '../../src/core/quantity.ts'
import { type PoolHarness, openPool } from './harness.ts'

let cells: PoolHarness
beforeAll(async () => {
  cells = await openPool()
})
afterAll(() => cells[Symbol.asyncDispose]())

describe('what code may be', () => {
  test('code without an export is the body of an async function', async () => {
    expect(await cells.value('return input.a + (await 2)', { input: { a: 1 } })).toBe(3)
  })

  test('a module’s default function gets input and context', async () => {
    const code = 'export default async (input, context) => [input, context.tenant, typeof context.remainingMs()]'
    expect(await cells.value(code, { input: 'x' })).toEqual(['x', 'ann', 'number'])
  })

  test('TypeScript runs with its types stripped', async () => {
    expect(
      await cells.value('const n: number = input.n; return n as number', { input: { n: 5 }, typescript: true }),
    ).toBe(5)
  })

  test('modules import each other, JSON and text by relative paths', async () => {
    const modules = {
      'lib/a.js': 'import b from "../b.json"; export const a = b.n + 1',
      'b.json': '{"n":1}',
      'c.txt': 'hey',
    }
    const code = 'import { a } from "./lib/a.js"; import c from "./c.txt"; export default () => [a, c]'
    expect(await cells.value(code, { modules })).toEqual([2, 'hey'])
  })

  test('an import that leads nowhere names who imports what', async () => {
    const { status, error } = await cells.run('import x from "left-pad"; export default () => x')
    expect(status).toBe('error')
    expect(error?.message).toContain("main.js imports 'left-pad'")
  })

  test('code without a default function is an error that says what to write', async () => {
    const { error } = await cells.run('export const x = 1')
    expect(error?.message).toContain('export default async function')
  })

  test('nothing that is not granted exists in the guest', async () => {
    const names = ['process', 'require', 'Buffer', 'SharedArrayBuffer', 'global', '__dirname']
    expect(await cells.value(`return ${JSON.stringify(names)}.filter((name) => name in globalThis)`)).toEqual([])
    expect(await cells.value('return Object.keys(context)')).not.toContain('kv')
  })
})

describe('errors of the guest', () => {
  test('a thrown error carries its name, message and the tenant’s own lines', async () => {
    const { status, error } = await cells.run('const a = 1\n  throw new TypeError("bad " + a)')
    expect(status).toBe('error')
    expect(error).toEqual({
      name: 'TypeError',
      message: 'bad 1',
      stack: 'TypeError: bad 1\n    at default (main.js:2:9)',
    })
  })

  test('a syntax error says file, line and column of the tenant’s own source', async () => {
    const { error } = await cells.run('return 1\n  const = 2')
    expect(error?.name).toBe('SyntaxError')
    expect(error?.message).toMatch(/\[main\.js:2:9\]$/)
  })

  test('syntax that cannot be stripped is a syntax error with the file’s name', async () => {
    const { error } = await cells.run('enum A { b }', { typescript: true })
    expect(error?.message).toContain('[main.ts:')
  })

  test('no stack shows a path of the host or a frame of the runtime', async () => {
    const { error } = await cells.run('JSON.parse("{"); ')
    expect(error?.stack).not.toMatch(/cloister:|node:|\/(?!\/)|isolated-vm/)
  })

  test.each([
    ['a number', 'throw 5', 'Error', '5'],
    ['undefined', 'throw undefined', 'Error', 'undefined'],
    ['a symbol', 'throw Symbol("s")', 'Error', 'a symbol was thrown'],
    ['an object', 'throw { a: 1 }', 'Object', '{"a":1}'],
    ['an object without a prototype', 'throw Object.create(null)', 'Error', '{}'],
    [
      'an error with a hostile message',
      'throw { get message() { throw 1 }, name: "Evil" }',
      'Evil',
      expect.any(String),
    ],
    [
      'an error whose stack has a hostile toString',
      'const e = new Error("m"); e.stack = { toString() { throw 1 } }; throw e',
      'Error',
      'm',
    ],
    ['an error with a message of 10 million characters', 'throw new Error("x".repeat(1e7))', 'Error', 'x'.repeat(4096)],
  ])('throwing %s is a clear error', async (_, code, name, message) => {
    const { status, error } = await cells.run(code)
    expect(status).toBe('error')
    expect(error).toMatchObject({ name, message })
  })

  test('an error in a timer or a microtask ends the run', async () => {
    const inTimer = await cells.run(
      'setTimeout(() => { throw new Error("late") }, 1); await new Promise(() => setTimeout(() => {}, 1e6))',
    )
    expect(inTimer).toMatchObject({ status: 'error', error: { message: 'late' } })
    const inMicrotask = await cells.run(
      'queueMicrotask(() => { throw new Error("soon") }); await new Promise((r) => setTimeout(r, 1e6))',
    )
    expect(inMicrotask).toMatchObject({ status: 'error', error: { message: 'soon' } })
  })

  test('a rejection that nobody handles is logged and does not change the result', async () => {
    const { status, logs } = await cells.run('Promise.reject(new Error("lost")); return 1')
    expect(status).toBe('ok')
    expect(logs).toEqual([{ level: 'error', message: '[cloister] unhandled rejection: Error: lost' }])
  })

  test('a rejection that nobody handles does not end a run that goes on', async () => {
    const code = 'Promise.reject(new Error("lost")); await new Promise((r) => setTimeout(r, 5)); return 2'
    const { status, result, logs } = await cells.run(code)
    expect([status, String(result)]).toEqual(['ok', '2'])
    expect(logs).toEqual([{ level: 'error', message: '[cloister] unhandled rejection: Error: lost' }])
  })

  test('thousands of rejections that nobody handles are logged in part and harm nobody', async () => {
    const code = `for (let i = 0; i < 1500; i++) { Promise.reject(i); await new Promise((r) => setTimeout(r, 0)) } return 3`
    const { status, logs } = await cells.run(code)
    expect(status).toBe('ok')
    expect(logs.length).toBeLessThan(50)
  })

  test('waiting for what can never happen is an error at once, not a timeout', async () => {
    const { status, error } = await cells.run('await new Promise(() => {})')
    expect(status).toBe('error')
    expect(error?.message).toContain('nothing can settle')
  })
})

describe('results', () => {
  test.each([
    ['undefined', 'return', null],
    ['a date', 'return new Date(0)', '1970-01-01T00:00:00.000Z'],
    ['a thenable', 'return { then(resolve) { resolve(5) } }', 5],
    ['a typed array', 'return new Float16Array(2)', { 0: 0, 1: 0 }],
    [
      'a function with a hostile length inside an object',
      'const f = () => 1; Object.defineProperty(f, "length", { value: "3" }); return [f]',
      [null],
    ],
    ['half a surrogate pair', 'return "\\ud800"', '\ud800'],
    ['an own __proto__', 'return JSON.parse(\'{"__proto__":{"x":1}}\')', JSON.parse('{"__proto__":{"x":1}}')],
  ])('%s comes out as JSON does it', async (_, code, expected) => {
    expect(await cells.value(code)).toEqual(expected)
  })

  test.each([
    ['a BigInt', 'return { x: [{ y: 1n }] }', 'result.x[0].y is a BigInt'],
    ['a cycle', 'const a = { b: {} }; a.b.c = [1, a]; return a', 'result.b.c[1] refers back to result'],
    ['a function', 'return () => 1', 'result is a function'],
    ['a symbol', 'return Symbol()', 'result is a symbol'],
    ['a throwing getter', 'return { a: { get b() { throw new Error("no") } } }', 'result.a.b cannot be read: no'],
  ])('%s is an error that says which path cannot be JSON', async (_, code, message) => {
    const { status, error } = await cells.run(code)
    expect(status).toBe('error')
    expect(error?.message).toContain(message)
  })

  test('replacing JSON, Promise and Object in the realm changes nothing of what crosses', async () => {
    const code = `JSON.stringify = () => '"forged"'; Promise.prototype.then = () => { throw 1 }; Object.prototype.toJSON = undefined
      Array.prototype[Symbol.iterator] = null; Reflect.apply = null; return { real: true }`
    expect(await cells.value(code)).toEqual({ real: true })
  })
})

describe('limits', () => {
  test('a result over limits.outputBytes is output-exceeded and names both sizes', async () => {
    const { status, error, result } = await cells.run('return "x".repeat(2e6)')
    expect(status).toBe('output-exceeded')
    expect(error?.message).toMatch(/2000002 .* 1048576/)
    expect(result).toBeUndefined()
  })

  test('a result whose UTF-8 is over the limit although its length is not is output-exceeded too', async () => {
    expect((await cells.run('return "€".repeat(5e5)')).status).toBe('output-exceeded')
  })

  test('waiting past the wall limit ends as timeout, and the cell lives on', async () => {
    const tenant = 'sleeper'
    const { status, wall } = await cells.run('await new Promise((r) => setTimeout(r, 1e8))', { wallMs: 100, tenant })
    expect(status).toBe('timeout')
    expect(wall).toBeGreaterThanOrEqual(99_000)
    expect(cells.pool.cells().filter((cell) => cell.tenant === tenant)).toHaveLength(1)
  })

  test('after every kind of death the tenant’s next run works at once', async () => {
    await cells.run('for (;;);', { limits: { cpu: millis(100) } })
    expect(await cells.value('return 1')).toBe(1)
  })

  test('logs past the limit are dropped and a last line says so', async () => {
    const { logs } = await cells.run('for (let i = 0; i < 5000; i++) console.log("line " + i)')
    expect(logs).toHaveLength(1001)
    expect(logs[0]).toEqual({ level: 'info', message: 'line 0' })
    expect(logs.at(-1)?.message).toContain('further log lines are dropped')
  })

  test('too many timers are refused in the guest', async () => {
    const code = 'for (let i = 0; i < 2000; i++) setTimeout(() => {}, 1e6)'
    expect((await cells.run(code)).error?.message).toContain('1000 timers')
  })
})

describe('cancelling', () => {
  test('a run that waits ends as cancelled and its cell lives on', async () => {
    const abort = new AbortController()
    const running = cells.run('console.log("up"); await new Promise((r) => setTimeout(r, 1e8))', {
      signal: abort.signal,
      tenant: 'cat',
    })
    await vi.waitFor(() =>
      expect(cells.pool.cells().some(({ tenant, runs }) => tenant === 'cat' && runs === 1)).toBe(true),
    )
    abort.abort()
    expect((await running).status).toBe('cancelled')
    expect(cells.pool.cells().filter(({ tenant }) => tenant === 'cat')).toHaveLength(1)
  })

  test('a run that loops is killed', async () => {
    const { status, killReason } = await cells.run('for (;;);', { signal: AbortSignal.timeout(100), tenant: 'cat' })
    expect({ status, killReason }).toEqual({ status: 'cancelled', killReason: 'cancel' })
  })
})
