import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Guest, openGuest } from '../guest.ts'

let guest: Guest
beforeAll(async () => {
  guest = await openGuest()
})
afterAll(() => guest[Symbol.asyncDispose]())

test('the components of a URL are those that Node reads off it', async () => {
  const urls = [
    'https://user:pass@example.com:8080/a/b?c=d&e#f',
    'https://user@[::1]:81/',
    'http://:pw@h/?#',
    'file:///C:/x?y',
    'mailto:ann@example.com',
    'a:/.//b:c@d/e',
    'foo://h:1/@?:#@',
    'blob:https://example.com:444/id',
    'data:text/plain,a:b@c?d',
  ]
  const names = ['href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname']
  const all = [...names, 'search', 'hash']
  const code = `const { urls, all } = input; return urls.map((url) => { const made = new URL(url); return all.map((name) => made[name]) })`
  const read = (url: string) => all.map((name) => new URL(url)[name as keyof URL])
  expect(await guest.value(code, { input: { urls, all } })).toEqual(urls.map(read))
})

test('a URL and its list of parameters follow each other', async () => {
  const code = `const url = new URL('https://h/?a=1#x'), params = url.searchParams, seen = [...params]
    params.append('b c', 'é~'); seen.push(url.href); url.search = '?z=%zz&y=+'; seen.push([...params])
    url.href = 'data:text,x?q'; params.delete('q'); seen.push(url.href); return seen`
  expect(await guest.value(code)).toEqual([
    ['a', '1'],
    'https://h/?a=1&b+c=%C3%A9%7E#x',
    [
      ['z', '%zz'],
      ['y', ' '],
    ],
    'data:text,x',
  ])
})

test('a pattern without end is ended with the time of its run, and the cell goes on', async () => {
  const code = `const pattern = new URLPattern({ pathname: '/((?:a+)+)b' }); return pattern.test('https://h/' + 'a'.repeat(60))`
  expect((await guest.run(code, { wallMs: 200 })).status).toBe('timeout')
  const groups = `return new URLPattern('https://h/:x(\\\\d+)').exec('https://h/12').pathname.groups`
  expect(await guest.value(groups)).toEqual({ x: '12' })
})

test('the expression of a scheme, which the cell tries, is short and does not count', async () => {
  const code = `return input.map((pattern) => { try { new URLPattern(pattern); return 'made' } catch (error) { return error.name } })`
  const long = `(${'(?:h?)'.repeat(40)})`
  const input = [
    '(https?)://h/',
    '((?:(?:h?){1000}){1000})://h/',
    `${long}://h/`,
    { protocol: long },
    { pathname: long },
  ]
  expect(await guest.value(code, { input })).toEqual(['made', 'TypeError', 'TypeError', 'TypeError', 'made'])
})

test('a URL longer than anything that a run could need is an error, not a load on the cell', async () => {
  const code = `try { new URL('https://h/' + 'x'.repeat(3 << 20)) } catch (error) { return error.name }`
  expect(await guest.value(code)).toBe('RangeError')
})
