import { afterAll, beforeAll, expect, test } from 'vitest'
import { mebibytes } from '../../../src/core/quantity.ts'
import { type Guest, openGuest } from '../guest.ts'

let guest: Guest
beforeAll(async () => {
  guest = await openGuest()
})
afterAll(() => guest[Symbol.asyncDispose]())

const NAME_OF = `const nameOf = (action) => { try { action(); return 'none' } catch (error) { return error.name } }`

test('a header that could end itself, or that is none, is refused wherever it is given', async () => {
  const code = `${NAME_OF}
    const ways = [
      (name, value) => new Headers([[name, value]]), (name, value) => new Headers({ [name]: value }),
      (name, value) => new Headers().append(name, value), (name, value) => new Headers().set(name, value),
      (name, value) => new Request('https://a.example', { headers: { [name]: value } }),
      (name, value) => new Response('', { headers: { [name]: value } }), (name, value) => Response.json(1, { headers: [[name, value]] }),
    ]
    const bad = [['a', 'x\\r\\nb: y'], ['a', 'x\\ny'], ['a', 'x\\ry'], ['a', 'x\\0'], ['a', '€'], ['', 'x'], ['a b', 'x'], ['a:', 'x'], ['a\\n', 'x'], ['ä', 'x']]
    return [...new Set(bad.flatMap(([name, value]) => ways.map((way) => nameOf(() => way(name, value)))))]`
  expect(await guest.value(code)).toEqual(['TypeError'])
})

test('a request keeps what is a transport’s out of its headers, and lets cookies in', async () => {
  const code = `const given = { Host: 'a', 'Content-Length': '1', connection: 'close', 'Transfer-Encoding': 'chunked', 'Proxy-X': '1', 'Sec-X': '1',
      'set-cookie': 'a=b', 'x-http-method-override': 'get, TRACE', Cookie: 'a=b', Origin: 'https://a.example', 'X-A': ' 1 ' }
    const request = new Request('https://a.example', { headers: given })
    request.headers.append('host', 'b')
    request.headers.set('te', 'trailers')
    return [[...request.headers], [...new Request(request, { headers: new Headers(given) }).headers].length, [...new Headers(given)].length]`
  const kept = [
    ['cookie', 'a=b'],
    ['origin', 'https://a.example'],
    ['x-a', '1'],
  ]
  expect(await guest.value(code)).toEqual([kept, 3, 11])
})

test('a response may set cookies, each a header of its own', async () => {
  const code = `const { headers } = new Response('', { headers: [['Set-Cookie', 'a=1'], ['x', '1'], ['set-cookie', 'b=2; Path=/'], ['X', '2']] })
    return [[...headers], headers.getSetCookie(), headers.get('x')]`
  expect(await guest.value(code)).toEqual([
    [
      ['content-type', 'text/plain;charset=UTF-8'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2; Path=/'],
      ['x', '1, 2'],
    ],
    ['a=1', 'b=2; Path=/'],
    '1, 2',
  ])
})

test('headers that are the platform’s cannot be changed', async () => {
  const code = `${NAME_OF}
    const fetched = await fetch('data:,x')
    return [Response.error(), Response.redirect('https://a.example'), fetched].flatMap(({ headers }) =>
      ['append', 'set', 'delete'].map((method) => nameOf(() => headers[method]('a', 'b'))))`
  expect(new Set((await guest.value(code)) as string[])).toEqual(new Set(['TypeError']))
})

test('an iterator sees what is added behind it', async () => {
  const code = `const headers = new Headers({ b: '1', a: '2' })
    const seen = []
    for (const [name] of headers) { seen.push(name); if (name === 'a') headers.append('c', '3') }
    return seen`
  expect(await guest.value(code)).toEqual(['a', 'b', 'c'])
})

test('a flood of headers costs the guest time in step with their number', async () => {
  const code = `const headers = new Headers()
    for (let index = 0; index < 100_000; index += 1) { headers.append('x', 'y'); headers.append('n' + index, 'z') }
    let count = 0
    for (const [name] of headers) count += name.length > 0
    return [count, headers.get('x').length]`
  expect(await guest.value(code, { limits: { memory: mebibytes(256) } })).toEqual([100_001, 299_998])
})
