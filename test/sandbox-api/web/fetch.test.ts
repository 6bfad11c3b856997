import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Guest, openGuest } from '../guest.ts'

let guest: Guest
beforeAll(async () => {
  guest = await openGuest()
})
afterAll(() => guest[Symbol.asyncDispose]())

test('a data: URL is answered from itself', async () => {
  const code = `const html = await fetch('data:text/html;charset=utf-8,%3Cp%3E%C3%A9#end')
    const binary = await fetch(new Request('data:;base64,AP8='))
    return [html.status, html.ok, html.url, html.headers.get('content-type'), await html.text(), [...await binary.bytes()], binary.headers.get('content-type'),
      (await fetch('data:,x', { method: 'HEAD' })).body]`
  expect(await guest.value(code)).toEqual([
    200,
    true,
    'data:text/html;charset=utf-8,%3Cp%3E%C3%A9',
    'text/html;charset=utf-8',
    '<p>é',
    [0, 255],
    'text/plain;charset=US-ASCII',
    null,
  ])
})

test('no other address is fetched, and the error says why', async () => {
  const code = `const reason = async (...args) => { try { await fetch(...args) } catch (error) { return error.name + ': ' + error.message } }
    const controller = new AbortController()
    controller.abort(new Error('enough'))
    return [await reason('https://a.example/x'), await reason('http://127.0.0.1/'), await reason('file:///etc/passwd'), await reason('blob:null/1'), await reason('/relative'),
      await reason('data:no comma'), await reason(), await reason('data:,x', { signal: controller.signal })]`
  expect(await guest.value(code)).toEqual([
    'TypeError: fetch of https://a.example/x failed: the policy grants no outbound fetch',
    'TypeError: fetch of http://127.0.0.1/ failed: the policy grants no outbound fetch',
    'TypeError: fetch of file:///etc/passwd failed: the policy grants no outbound fetch',
    'TypeError: fetch of blob:null/1 failed: the policy grants no outbound fetch',
    'TypeError: "/relative" is not a URL in full',
    'TypeError: fetch failed: the data: URL holds no data',
    'TypeError: fetch needs 1 argument, and got 0',
    'Error: enough',
  ])
})
