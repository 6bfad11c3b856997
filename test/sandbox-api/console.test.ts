import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytes } from '../../src/core/quantity.ts'
import { type Guest, openGuest } from './guest.ts'

let guest: Guest
beforeAll(async () => {
  guest = await openGuest()
})
afterAll(() => guest[Symbol.asyncDispose]())

describe('a line', () => {
  test('has the level of the method that wrote it', async () => {
    const code =
      'for (const method of ["log", "info", "debug", "trace", "warn", "error", "dirxml"]) console[method](method)'
    expect(await guest.logs(code)).toEqual([
      'info: log',
      'info: info',
      'debug: debug',
      'debug: trace',
      'warn: warn',
      'error: error',
      'info: dirxml',
    ])
  })

  test('shows a thousand items of a list, however long it is', async () => {
    const [list, bytes] = await guest.logs(
      'console.log(new Array(10_000_000).fill(1)); console.log(new Uint8Array(10_000_000))',
    )
    expect(list).toBe(`info: [${'1,'.repeat(1_000)}"… 9999000 more"]`)
    expect(bytes).toBe(`info: [${'0,'.repeat(1_000)}"… 9999000 more"]`)
  })

  test.each([
    ['nothing', '', ''],
    ['text as it is', '"a", "b c", ""', 'a b c '],
    ['numbers', '1, -0.5, NaN, Infinity, 10n', '1 -0.5 NaN Infinity 10n'],
    ['undefined and null', 'undefined, null, true', 'undefined null true'],
    ['symbols', 'Symbol("s")', 'Symbol(s)'],
    ['functions by name', 'function foo() {}, () => {}, class A {}', '[function foo] [function ] [function A]'],
    ['objects and lists as JSON', '{ a: [1, { b: "x" }] }, [], {}', '{"a":[1,{"b":"x"}]} [] {}'],
    ['typed arrays as lists', 'new Uint8Array(3), [new Float32Array([1.5])]', '[0,0,0] [[1.5]]'],
    ['a circle through a list', '((list) => (list.push(list), list))([1])', '[1,"[circular]"]'],
    ['what JSON leaves out', '{ a: undefined, f() {} }, [undefined]', '{} [null]'],
    ['dates', 'new Date(0)', '"1970-01-01T00:00:00.000Z"'],
    ['BigInts inside', '{ a: [1n] }', '{"a":["1n"]}'],
    ['objects without a prototype', 'Object.create(null)', '{}'],
    ['objects that show nothing', '{ toJSON() {} }', '[object]'],
    ['objects that throw', '{ get a() { throw 1 } }, { toJSON() { throw 1 } }', '[cannot be shown] [cannot be shown]'],
    ['hostile functions', 'Object.defineProperty(() => {}, "name", { get() { throw 1 } })', '[cannot be shown]'],
    ['objects that tell their own form', '{ toJSON: () => "mine" }', '"mine"'],
  ])('shows %s', async (_, args, expected) => {
    expect(await guest.logs(`console.log(${args})`)).toEqual([`info: ${expected}`])
  })

  test('shows a circle once, and the same object twice where there is no circle', async () => {
    const code = `const inner = { n: 1 }; const a = { inner, again: [inner] }; a.self = a; a.deep = { a, list: [a, inner] }
      const list = [1]; list.push(list); console.log(a); console.log(list)`
    expect(await guest.logs(code)).toEqual([
      'info: {"inner":{"n":1},"again":[{"n":1}],"self":"[circular]","deep":{"a":"[circular]","list":["[circular]",{"n":1}]}}',
      'info: [1,"[circular]"]',
    ])
  })

  test('shows an error by its stack, with the tenant’s own frames only, also inside an object', async () => {
    const code = 'const e = new TypeError("bad"); console.error(e); console.log({ e })'
    const stack = 'TypeError: bad\\n    at default (main.js:1:11)'
    expect(await guest.logs(code)).toEqual([`error: ${stack.replace('\\n', '\n')}`, `info: {"e":"${stack}"}`])
  })

  test('shows an error whose stack is anything', async () => {
    const code = `const e = new Error('m'); e.stack = undefined; console.log(e)
      e.stack = { toString() { throw 1 } }; console.log(e); e.stack = ''; console.log(e, 1)`
    expect(await guest.logs(code)).toEqual(['info: Error: m', 'info: [cannot be shown]', 'info:  1'])
  })

  test('shows an error although the guest has replaced Error', async () => {
    const code =
      'const e = new TypeError("bad"); e.stack = "its stack"; globalThis.Error = null; console.log(e); console.log([e])'
    expect(await guest.logs(code)).toEqual(['info: its stack', 'info: ["its stack"]'])
  })

  test('is cut when it is very long', async () => {
    const [line] = await guest.logs('console.log("€".repeat(1e6))')
    expect(line).toBe(`info: ${'€'.repeat(16_384)}`)
  })
})

describe('a format', () => {
  test.each([
    ['"%s is %s", "a", 1', 'a is 1'],
    ['"%s %s", { a: 1 }, null', '{"a":1} null'],
    ['"%s %s %s", 5n, Symbol("x"), undefined', '5 Symbol(x) undefined'],
    ['"%d %d %d", 1.5, "2", "x"', '1.5 2 NaN'],
    ['"%i %i %i", 1.9, "-2.9", "3px"', '1 -2 3'],
    ['"%f %f", "1.5", "2.5em"', '1.5 2.5'],
    ['"%d %i %f", 1n, 2n, 3n', '1n 2n 3n'],
    ['"%d %i %f", {}, Symbol(), () => {}', 'NaN NaN NaN'],
    ['"%j %o %O", { a: 1 }, [1], "x"', '{"a":1} [1] x'],
    ['"%c%s", "color: red", "x"', 'x'],
    ['"100%% %s", 1', '100% 1'],
    ['"100%"', '100%'],
    ['"%s"', '%s'],
    ['"%s %s", 1', '1 %s'],
    ['"%x %", 1', '%x % 1'],
    ['"%s", 1, "more", { a: 1 }', '1 more {"a":1}'],
    ['"%%s %s", 1', '%s 1'],
    ['"", "%s", 1', ' %s 1'],
    ['1, "%s", 2', '1 %s 2'],
    ['"%s", "%s", 1', '%s 1'],
    ['"%s", { get a() { throw 1 } }', '[cannot be shown]'],
    ['"%d", { valueOf() { throw 1 } }', 'NaN'],
  ])('of (%s) is %j', async (args, expected) => {
    expect(await guest.logs(`console.log(${args})`)).toEqual([`info: ${expected}`])
  })
})

describe('methods', () => {
  test('group indents what follows, groupEnd ends it, however often either is called', async () => {
    const code = `console.group('a'); console.log('in'); console.groupCollapsed(); console.warn('deeper'); console.groupEnd()
      console.groupEnd(); console.groupEnd(); console.log('out')
      for (let n = 0; n < 30; n++) console.group(); console.log('deep'); for (let n = 0; n < 29; n++) console.groupEnd()
      console.log('one'); console.groupEnd(); console.log('none')`
    expect(await guest.logs(code)).toEqual([
      'info: a',
      'info:   in',
      'warn:     deeper',
      'info: out',
      `info: ${' '.repeat(40)}deep`,
      'info:   one',
      'info: none',
    ])
  })

  test('count counts by label, as long as it takes, and countReset starts anew', async () => {
    const code = `console.count(); console.count('x'); console.count(); console.countReset(); console.count(); console.count('__proto__')
      for (let n = 0; n < 150; n++) console.count('loop')`
    const lines = await guest.logs(code)
    expect(lines.slice(0, 5)).toEqual([
      'info: default: 1',
      'info: x: 1',
      'info: default: 2',
      'info: default: 1',
      'info: __proto__: 1',
    ])
    expect(lines.at(-1)).toBe('info: loop: 150')
  })

  test('count with ever new labels does not grow without end', async () => {
    const code = 'for (let n = 0; n < 450; n++) console.count("l" + n); console.count("l0"); console.count("l449")'
    expect((await guest.logs(code)).slice(-2)).toEqual(['info: l0: 1', 'info: l449: 2'])
  })

  test('time, timeLog and timeEnd measure by label', async () => {
    const code = `console.time('t'); const until = Date.now() + 30; while (Date.now() < until); console.timeLog('t'); console.timeEnd('t')
      console.timeEnd('t'); console.timeEnd()`
    const lines = await guest.logs(code, { engine: { clock: 'live' } })
    const times = lines.map((line) => /^info: (t|default): (\d+) ms$/.exec(line)?.[2])
    expect(Number(times[0])).toBeGreaterThanOrEqual(30)
    expect(Number(times[1])).toBeGreaterThanOrEqual(Number(times[0]))
    expect(times.slice(2)).toEqual(['0', '0'])
  })

  test('assert speaks only when it fails', async () => {
    const code = 'console.assert(true, "no"); console.assert(1); console.assert(); console.assert(0, "%s!", "why")'
    expect(await guest.logs(code)).toEqual(['error: Assertion failed', 'error: Assertion failed: why!'])
  })

  test('table and dir show the value, clear nothing', async () => {
    expect(await guest.logs('console.table([{ a: 1 }]); console.dir({ b: 2 }, { depth: 0 }); console.clear()')).toEqual(
      ['info: [{"a":1}]', 'info: {"b":2}'],
    )
  })

  test('work without their object, and all that the web knows are there', async () => {
    const names = `assert clear count countReset debug dir dirxml error group groupCollapsed groupEnd info log table time timeEnd
      timeLog trace warn`
    const code = `const { log } = console; log('alone'); return ${JSON.stringify(names.split(/\s+/))}.filter((name) => typeof console[name] !== 'function')`
    const { logs } = await guest.run(code)
    expect(logs).toEqual([{ level: 'info', message: 'alone' }])
    expect(await guest.value(code)).toEqual([])
  })
})

describe('the share of a run', () => {
  test('in lines is what the policy says, and one more line tells that it is used up', async () => {
    const limits = { logLines: 3 }
    const lines = await guest.logs('for (let n = 0; n < 9; n++) console.log(n)', { limits })
    expect(lines.slice(0, 3)).toEqual(['info: 0', 'info: 1', 'info: 2'])
    expect(lines.slice(3)).toEqual([expect.stringContaining('warn: [cloister] further log lines are dropped')])
  })

  test('in size is what the policy says', async () => {
    const lines = await guest.logs('for (let n = 0; n < 9; n++) console.log("x".repeat(40))', {
      limits: { logs: bytes(100) },
    })
    expect(lines).toHaveLength(3)
    expect(lines[2]).toContain('a run may log 1000 lines and 100 bytes')
  })

  test('is a new one for each run of a function that lives on', async () => {
    const options = { reuse: 'function', limits: { logLines: 1 } } as const
    for (let run = 0; run < 3; run += 1) {
      const lines = await guest.logs('console.log("a"); console.log("b")', options)
      expect(lines).toEqual(['info: a', expect.stringContaining('dropped')])
    }
  })
})
