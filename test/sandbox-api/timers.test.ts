import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Guest, openGuest } from './guest.ts'

let guest: Guest
beforeAll(async () => {
  guest = await openGuest()
})
afterAll(() => guest[Symbol.asyncDispose]())

/** Code that collects in `seen` and returns it when `done()` is called. */
const collecting = (code: string): string =>
  `const seen = []; await new Promise((done) => { const see = (...what) => seen.push(...what); ${code} }); return seen`

describe('a timeout', () => {
  test('fires after its delay, those of equal delay in the order in which they were set', async () => {
    const code = `setTimeout(see, 60, 'd'); setTimeout(see, 30, 'b'); setTimeout(see, 0, 'a'); setTimeout(see, 30, 'c'); setTimeout(done, 90)`
    expect(await guest.value(collecting(code))).toEqual(['a', 'b', 'c', 'd'])
  })

  test('never fires early', async () => {
    const code = `const from = Date.now(); setTimeout(() => { see(Date.now() - from); done() }, 50)`
    // Both clocks have a resolution of 1 ms.
    const [tookMs] = (await guest.value(collecting(code))) as [number]
    expect(tookMs).toBeGreaterThanOrEqual(49)
  })

  test('passes its arguments on, and no `this`', async () => {
    const code = `setTimeout(function (...args) { see(this === undefined, args); done() }, 1, 'a', { b: 1 }, undefined)`
    expect(await guest.value(collecting(code))).toEqual([true, ['a', { b: 1 }, null]])
  })

  test('that was cleared does not fire, also if another one of the same time clears it', async () => {
    const code = `clearTimeout(setTimeout(see, 1, 'x')); setTimeout(() => clearTimeout(second), 5); const second = setTimeout(see, 5, 'y')
      setTimeout(done, 30)`
    expect(await guest.value(collecting(code))).toEqual([])
  })

  test('may be cleared twice, late, or never have been', async () => {
    const code = `const id = setTimeout(see, 1, 'once'); for (const odd of [0, -1, 99999, NaN, null, undefined, '1', {}, Symbol()]) clearTimeout(odd)
      setTimeout(() => { clearTimeout(id); clearTimeout(id); clearInterval(id); done() }, 20)`
    expect(await guest.value(collecting(code))).toEqual(['once'])
  })

  test('may be set from a timer, from a microtask and after an answer', async () => {
    const code = `setTimeout(() => { see(1); setTimeout(() => { see(2); queueMicrotask(() => setTimeout(async () => {
      await context.kv.get('k'); setTimeout(() => { see(3); done() }, 1) }, 1)) }, 1) }, 1)`
    expect(await guest.value(collecting(code))).toEqual([1, 2, 3])
  })

  test.each(['undefined', '-5', 'NaN', 'null', '"x"', 'undefined, 1', '2 ** 31', '2 ** 32', 'Infinity'])(
    'with a delay of %s fires at once',
    async (delay) => {
      expect(await guest.value(collecting(`setTimeout(done, ${delay}); setTimeout(see, 60000, 'late')`))).toEqual([])
    },
  )

  test('waits for the longest delay that a long can have, and wraps around past it', async () => {
    const code = `for (const delay of [2 ** 31 - 1, 2 ** 32 + 60_000]) setTimeout(see, delay, delay)
      setTimeout(() => { see('wrapped'); setTimeout(done, 40) }, 2 ** 32 + 1)`
    expect(await guest.value(collecting(code))).toEqual(['wrapped'])
  })

  test.each(['undefined', '"code()"', '{}', '5'])('of %s is a TypeError', async (callback) => {
    const { status, error } = await guest.run(`setTimeout(${callback}, 1)`)
    expect({ status, error }).toMatchObject({ status: 'error', error: { name: 'TypeError' } })
  })

  test('does not hold up a run that has its result', async () => {
    const { status, wall } = await guest.run('setTimeout(() => { for (;;); }, 60000); return 1')
    expect(status).toBe('ok')
    expect(wall).toBeLessThan(30_000_000)
  })
})

describe('an interval', () => {
  test('fires until it is cleared, which its own callback may do', async () => {
    const code = `let n = 0; const id = setInterval((step) => { n += step; see(n); if (n === 6) { clearInterval(id); setTimeout(done, 30) } }, 5, 2)`
    expect(await guest.value(collecting(code))).toEqual([2, 4, 6])
  })

  test('may be cleared from outside, by either name', async () => {
    const code = `let n = 0; const id = setInterval(() => { n += 1 }, 1); setTimeout(() => { clearTimeout(id); see(n > 0); n = 0
      setTimeout(() => { see(n); done() }, 30) }, 30)`
    expect(await guest.value(collecting(code))).toEqual([true, 0])
  })

  test('of 0 ms leaves room for everything else', async () => {
    const code = `let n = 0; setInterval(() => { n += 1 }, 0); while (n < 5) await new Promise((resolve) => setTimeout(resolve, 1)); return n >= 5`
    expect(await guest.value(code)).toBe(true)
  })
})

describe('the number of timers', () => {
  const limits = { timers: 2 }
  test('is bounded by the policy, with an error that has a code', async () => {
    const code = `try { for (let n = 0; n < 9; n++) setTimeout(() => {}, 1e6) } catch (e) { return [e.code, e.message, e instanceof Error] }`
    expect(await guest.value(code, { limits })).toEqual(['TOO_MANY_TIMERS', 'a run may have 2 timers', true])
  })

  test('counts those that have not fired: cleared and fired ones make room', async () => {
    const code = `for (let n = 0; n < 9; n++) { clearTimeout(setTimeout(() => {}, 1e6)); await new Promise((resolve) => setTimeout(resolve, 1)) }
      const id = setInterval(() => {}, 1); await new Promise((resolve) => setTimeout(resolve, 20)); clearInterval(id); clearInterval(id)
      setTimeout(() => {}, 1e6); setTimeout(() => {}, 1e6); try { setTimeout(() => {}, 1e6) } catch (e) { return e.code }`
    expect(await guest.value(code, { limits })).toBe('TOO_MANY_TIMERS')
  })

  test('starts anew with each run of a function that lives on, and none of an earlier run fires', async () => {
    const code = `globalThis.fired ??= []; const mine = (globalThis.runs = (globalThis.runs ?? 0) + 1)
      setTimeout(() => fired.push('late ' + mine), 20); await new Promise((resolve) => setTimeout(resolve, mine === 1 ? 1 : 60)); return fired`
    const options = { reuse: 'function', limits, tenant: 'ann' } as const
    expect(await guest.value(code, options)).toEqual([])
    expect(await guest.value(code, options)).toEqual(['late 2'])
    expect(await guest.value(code, options)).toEqual(['late 2', 'late 3'])
  })
})

test('timers that a function sets after its result are nobody’s: they neither fire nor count in a later run', async () => {
  const code = `const after = async () => { for (let tick = 0; tick < 50; tick++) await null; for (const n of [1, 2]) setTimeout(() => { globalThis.late = n }, 1) }
    if (!globalThis.ran) { globalThis.ran = true; after(); return 'first' }
    await new Promise((resolve) => setTimeout(resolve, 30)); setTimeout(() => {}, 1e6); setTimeout(() => {}, 1e6); return globalThis.late ?? 'none'`
  const options = { reuse: 'function', limits: { timers: 2 } } as const
  expect(await guest.value(code, options)).toBe('first')
  expect(await guest.value(code, options)).toBe('none')
})

describe('queueMicrotask', () => {
  test('runs in order with promises, before any timer and after the code at hand', async () => {
    const code = `setTimeout(() => { see('timer'); done() }, 0); queueMicrotask(() => { see(1); queueMicrotask(() => see(4)) })
      Promise.resolve().then(() => see(2)); queueMicrotask(() => see(3)); see(0)`
    expect(await guest.value(collecting(code))).toEqual([0, 1, 2, 3, 4, 'timer'])
  })

  test.each(['', '5', '{}'])('of (%s) is a TypeError', async (callback) => {
    expect((await guest.run(`queueMicrotask(${callback})`)).error?.name).toBe('TypeError')
  })

  test('still works after the guest has replaced Promise and its methods', async () => {
    const code = `Promise.prototype.then = () => { throw 1 }; Promise.resolve = () => { throw 1 }; let seen = 0; queueMicrotask(() => { seen += 1 })
      await null; return seen`
    expect(await guest.value(code)).toBe(1)
  })
})
