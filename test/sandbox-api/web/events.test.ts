import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Guest, openGuest } from '../guest.ts'

let guest: Guest
beforeAll(async () => {
  guest = await openGuest()
})
afterAll(() => guest[Symbol.asyncDispose]())

test('the global object takes listeners by its own functions and by those of EventTarget', async () => {
  const code = `const seen = []; const see = (name) => (event) => seen.push([name, event.currentTarget === globalThis])
    const { addEventListener: bare } = globalThis; bare('x', see('bare')); addEventListener('x', see('own'))
    EventTarget.prototype.addEventListener.call(globalThis, 'x', see('inherited')); dispatchEvent(new Event('x')); return seen`
  expect(await guest.value(code)).toEqual([
    ['bare', true],
    ['own', true],
    ['inherited', true],
  ])
})

test('time in events and of performance is the guest’s: it stands still between two entries, and agrees with Date', async () => {
  const code = `const before = [performance.now(), new Event('x').timeStamp]; for (let i = 0; i < 1e7; i++); const after = [performance.now(), new Event('x').timeStamp]
    const sum = performance.timeOrigin + performance.now() - Date.now(); await new Promise((resolve) => setTimeout(resolve, 5))
    return [before.join() === after.join(), sum, performance.now() > before[0], JSON.stringify(performance) === JSON.stringify({ timeOrigin: performance.timeOrigin })]`
  expect(await guest.value(code)).toEqual([true, 0, true, true])
})

test('the navigator says what the code runs in', async () => {
  const code = `return [navigator.userAgent, navigator instanceof Navigator, String(navigator)]`
  expect(await guest.value(code)).toEqual(['Cloister', true, '[object Navigator]'])
})

describe('AbortSignal.timeout', () => {
  test('wakes a run that waits for it', async () => {
    const code = `const signal = AbortSignal.timeout(5); await new Promise((resolve) => { signal.onabort = resolve }); return [signal.reason.name, signal.reason.code]`
    expect(await guest.value(code)).toEqual(['TimeoutError', 23])
  })

  test('does not hold up a run that is done, nor fires at once for a long time', async () => {
    const code = `const long = AbortSignal.timeout(2 ** 40); await new Promise((resolve) => setTimeout(resolve, 5)); return long.aborted`
    expect(await guest.value(code)).toBe(false)
  })

  test('counts as a timer of the run', async () => {
    const code = `try { for (;;) AbortSignal.timeout(1e6) } catch (error) { return error.code }`
    expect(await guest.value(code)).toBe('TOO_MANY_TIMERS')
  })
})
