import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Guest, openGuest } from '../guest.ts'

let guest: Guest
beforeAll(async () => {
  guest = await openGuest()
})
afterAll(() => guest[Symbol.asyncDispose]())

const next = 'const next = (port) => new Promise((resolve) => { port.onmessage = resolve })'

describe('a message channel', () => {
  test('delivers each message in a turn of its own, in order, after all microtasks', async () => {
    const code = `const { port1, port2 } = new MessageChannel(); const seen = []
      const all = new Promise((resolve) => { port2.onmessage = ({ data }) => { seen.push(data); queueMicrotask(() => seen.push(-data)); if (data === 40) setTimeout(resolve) } })
      for (let i = 1; i <= 40; i++) port1.postMessage(i); await null; seen.push('before'); await all; return seen`
    const pairs = Array.from({ length: 40 }, (_, index) => [index + 1, -index - 1])
    expect(await guest.value(code)).toEqual(['before', ...pairs.flat()])
  })

  test('keeps what is sent to a port that is not started, and moves it with the port', async () => {
    const code = `${next}; const a = new MessageChannel(), b = new MessageChannel(); a.port1.postMessage('early')
      b.port1.postMessage('take', [a.port2]); const { ports: [moved] } = await next(b.port2); const { data } = await next(moved)
      moved.postMessage('back'); return [data, (await next(a.port1)).data, moved instanceof MessagePort, moved === a.port2]`
    expect(await guest.value(code)).toEqual(['early', 'back', true, false])
  })

  test('tells the other end when one is closed, after what was sent before', async () => {
    const code = `const { port1, port2 } = new MessageChannel(); const seen = []; port2.onmessage = ({ data }) => seen.push(data)
      const closed = new Promise((resolve) => { port2.onclose = () => { seen.push('closed'); resolve() } })
      port1.postMessage('last'); port1.close(); port1.postMessage('never'); await closed; return seen`
    expect(await guest.value(code)).toEqual(['last', 'closed'])
  })

  test('works on in the next run of a function that is kept, whatever the last one left', async () => {
    const code = `${next}; globalThis.channel ??= new MessageChannel(); const { port1, port2 } = channel
      if (!globalThis.again) { globalThis.again = true; port2.onmessage = () => {}; for (let i = 0; i < 100; i++) port1.postMessage(i); return 'left' }
      let last; const done = new Promise((resolve) => { port2.onmessage = ({ data }) => { if (data === 'new') resolve(data) } }); port1.postMessage('new'); return await done`
    expect(await guest.value(code, { reuse: 'function' })).toBe('left')
    expect(await guest.value(code, { reuse: 'function' })).toBe('new')
  })

  test('fills no more than the memory of its run', async () => {
    const code = `const { port1 } = new MessageChannel(); for (;;) port1.postMessage(new Uint8Array(2 ** 20))`
    expect((await guest.run(code)).status).toBe('memory-exceeded')
  })
})

describe('a structured clone', () => {
  test('keeps cycles, doubles, kinds and buffers that are shared by views', async () => {
    const code = `const buffer = new ArrayBuffer(8, { maxByteLength: 16 }); const date = new Date(5)
      const value = { date, same: date, map: new Map([[date, new Set([1n])]]), views: [new Uint8Array(buffer, 4), new DataView(buffer)], boxed: Object('x'), regexp: /a/gi, hole: [, 1] }
      value.self = value; value.error = new RangeError('r', { cause: value })
      const clone = structuredClone(value); const [view, data] = clone.views; data.setUint8(4, 9)
      return [clone !== value, clone.self === clone, clone.date === clone.same, clone.map.get(clone.date).has(1n), view[0], new Uint8Array(buffer)[4], view.buffer.maxByteLength,
        clone.boxed instanceof String, String(clone.regexp), 0 in clone.hole, clone.error instanceof RangeError, clone.error.cause === clone, clone.error.stack === value.error.stack]`
    expect(await guest.value(code)).toEqual([true, true, true, true, 9, 0, 16, true, '/a/gi', false, true, true, true])
  })

  test('moves what is transferred, or leaves everything as it was', async () => {
    const code = `const buffer = new ArrayBuffer(8); const failed = (() => { try { structuredClone({ buffer, f() {} }, { transfer: [buffer] }) } catch (error) { return error.name } })()
      const before = buffer.byteLength; const { view } = structuredClone({ view: new Uint8Array(buffer, 2) }, { transfer: [buffer] }); return [failed, before, buffer.detached, view.length]`
    expect(await guest.value(code)).toEqual(['DataCloneError', 8, true, 6])
  })

  test.each([
    ['a function', '() => 1'],
    ['a symbol', 'Symbol()'],
    ['a promise', 'Promise.resolve()'],
    ['a weak map', '[new WeakMap()]'],
    ['an object of the platform’s', '{ deep: new AbortController().signal }'],
    ['an object of a class that extends one', 'new (class extends EventTarget {})()'],
    ['a port that is not transferred', 'new MessageChannel().port1'],
  ])('of %s is refused', async (_, value) => {
    const code = `try { structuredClone(${value}) } catch (error) { return [error.name, error.code, error instanceof DOMException] }`
    expect(await guest.value(code)).toEqual(['DataCloneError', 25, true])
  })

  test('of an object of a guest’s own class is plain, even if it goes by the name of one of the platform’s', async () => {
    const code = `class Event { get [Symbol.toStringTag]() { return 'Event' } x = 1 } class File { y = 2 }; File.prototype[Symbol.toStringTag] = 'Event'
      return [structuredClone(new Event()), structuredClone(new File()), Object.getPrototypeOf(structuredClone(new File())) === Object.prototype]`
    expect(await guest.value(code)).toEqual([{ x: 1 }, { y: 2 }, true])
  })

  test('of a value that is nested too deep is an error that can be caught', async () => {
    const code = `let deep = {}; for (let i = 0; i < 1e5; i++) deep = { deep }; try { structuredClone(deep) } catch (error) { return error.name }`
    expect(await guest.value(code)).toBe('RangeError')
  })
})
