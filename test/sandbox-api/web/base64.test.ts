import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Guest, openGuest } from '../guest.ts'

let guest: Guest
beforeAll(async () => {
  guest = await openGuest()
})
afterAll(() => guest[Symbol.asyncDispose]())

test('text of one character a byte becomes base64, and comes back', async () => {
  const code = `const text = String.fromCharCode(...Array(256).keys()); return [btoa('hi there'), atob(btoa(text)) === text]`
  expect(await guest.value(code)).toEqual(['aGkgdGhlcmU=', true])
})

test('decoding takes blanks, and does without padding', async () => {
  expect(await guest.value(`return [' aG k= ', 'aGk', 'aGl=', ''].map((text) => atob(text))`)).toEqual([
    'hi',
    'hi',
    'hi',
    '',
  ])
})

test('what is not base64, and characters beyond a byte, are errors of the web', async () => {
  const code = `const name = (f, x) => { try { f(x) } catch (error) { return [error.name, error.code, error instanceof DOMException] } }
    return [name(atob, 'a'), name(atob, 'a==='), name(atob, 'a-_='), name(btoa, '€')]`
  expect(await guest.value(code)).toEqual(Array.from({ length: 4 }, () => ['InvalidCharacterError', 5, true]))
})
