import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Guest, openGuest } from '../guest.ts'

let guest: Guest
beforeAll(async () => {
  guest = await openGuest()
})
afterAll(() => guest[Symbol.asyncDispose]())

/** Code in which an error escapes in every place from which one can, each after a turn of its own. */
const THROWERS = [
  ['a timer', 'setTimeout(() => { throw new RangeError("lost") }, 1)'],
  ['a microtask', 'queueMicrotask(() => { throw new RangeError("lost") })'],
  [
    'a listener',
    'const t = new EventTarget(); t.addEventListener("x", () => { throw new RangeError("lost") }); t.dispatchEvent(new Event("x"))',
  ],
  ['reportError', 'reportError(new RangeError("lost"))'],
  [
    'a message’s listener',
    'const { port1, port2 } = new MessageChannel(); port1.onmessage = () => { throw new RangeError("lost") }; port2.postMessage(1)',
  ],
] as const
const sleep = 'await new Promise((resolve) => setTimeout(resolve, 20));'

describe('an error that nobody catches', () => {
  test.each(THROWERS)('in %s ends the run with its own message and the line where it was thrown', async (_, code) => {
    // The web's API is open, so that its events are asked first.
    const { status, error } = await guest.run(`addEventListener('error', () => {}); ${code}; ${sleep} return 1`)
    expect(status).toBe('error')
    expect(error).toMatchObject({ name: 'RangeError', message: 'lost', stack: expect.stringContaining('main.js:1:') })
  })

  test.each(THROWERS)('in %s lets the run go on if a listener prevents that', async (_, code) => {
    const listen = `const seen = []; addEventListener('error', (event) => { seen.push([event.constructor === ErrorEvent, event.isTrusted,
      event.target === globalThis, event.error instanceof RangeError, event.message, event.filename, event.lineno]); event.preventDefault() })`
    const found = await guest.value(`${listen}\n${code}\n${sleep} return seen`)
    expect(found).toEqual([[true, true, true, true, 'Uncaught RangeError: lost', 'main.js', 3]])
  })

  test('is given to onerror in parts, and true of it lets the run go on', async () => {
    const code = `let seen; onerror = (...parts) => { seen = parts; return true }; reportError('text'); return seen`
    expect(await guest.value(code)).toEqual(['Uncaught text', '', 0, 0, 'text'])
  })

  test('in an error listener ends the run and is not told of again', async () => {
    const code = `let calls = 0; onerror = () => { calls += 1; console.log(calls); throw new Error('second') }; reportError(new Error('first')); ${sleep}`
    const { status, error, logs } = await guest.run(code)
    expect([status, error?.message, logs]).toEqual(['error', 'second', [{ level: 'info', message: '1' }]])
  })

  test('ends the run even if the guest has spoilt what events are made with', async () => {
    const code = `addEventListener('error', () => {}); WeakMap.prototype.get = Map.prototype.get = Array.prototype.slice = () => { throw 1 }
      setTimeout(() => { throw new Error('lost') }, 1); ${sleep} return 1`
    expect(await guest.run(code)).toMatchObject({ status: 'error' })
  })
})

describe('a rejection that nobody handles', () => {
  test('is told of with an error of the same class, name, message and stack, and is then logged', async () => {
    const code = `addEventListener('unhandledrejection', ({ reason, promise, isTrusted }) => promise.catch((same) =>
      console.log(reason instanceof TypeError, String(reason), /main.js/.test(reason.stack), same === reason, isTrusted)))
      Promise.reject(new TypeError('lost')); ${sleep}`
    expect(await guest.logs(code)).toEqual([
      'error: [cloister] unhandled rejection: TypeError: lost',
      'info: true TypeError: lost true true true',
    ])
  })

  test.each([
    ['a text', '"text"', '"text"'],
    ['a number', '7', '7'],
    ['null', 'null', 'null'],
    ['undefined', 'undefined', undefined],
    ['an object', '{ a: 1 }', '{}'],
  ])('with %s has that for its reason, as far as the cell is told', async (_, reason, shown) => {
    const code = `let seen; onunhandledrejection = (event) => { seen = event.reason; event.preventDefault() }
      Promise.reject(${reason}); ${sleep} return [JSON.stringify(seen)]`
    const { result, logs } = await guest.run(code)
    expect(JSON.parse(String(result))).toEqual([shown ?? null])
    expect(logs).toEqual([])
  })

  test('of a handler that is told of one does not go round for ever', async () => {
    const code = `onunhandledrejection = () => { Promise.reject(new Error('again')) }; Promise.reject(new Error('once')); ${sleep} return 1`
    const { status, logs } = await guest.run(code)
    expect(status).toBe('ok')
    expect(logs.length).toBeLessThan(50)
  })

  test('in the turn in which the answer is given is still logged', async () => {
    expect(await guest.logs('Promise.reject(5); return 1')).toEqual(['error: [cloister] unhandled rejection: 5'])
  })
})

describe('a run that waits for what nothing can settle', () => {
  test.each([
    ['its function', 'await new Promise(() => {})', 'the function will never settle'],
    [
      'a message that nobody sends',
      'await new Promise((r) => { new MessageChannel().port1.onmessage = r })',
      'never settle',
    ],
    ['waitUntil', 'context.waitUntil(new Promise(() => {})); return 1', 'context.waitUntil will never settle'],
  ])('in %s ends at once and says so', async (_, code, words) => {
    const { status, error } = await guest.run(code)
    expect(status).toBe('error')
    expect(error?.message).toContain(words)
  })
})
