import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Guest, openGuest } from '../guest.ts'

let guest: Guest
beforeAll(async () => {
  guest = await openGuest()
})
afterAll(() => guest[Symbol.asyncDispose]())

const SHOW = `const show = (form) => [...form].map(([name, value]) => [name, typeof value === 'string' ? value : [value.name, value.type, value.size]])
  const reason = (promise) => promise.then(() => 'none', (error) => error.name)
  const read = (body, boundary = 'B') => new Response(body, { headers: { 'content-type': 'multipart/form-data; boundary=' + boundary } }).formData()`

test('a form with files comes back as it was sent', async () => {
  const code = `${SHOW}
    const form = new FormData()
    form.append('a "quoted"\\n', 'one\\ntwo')
    form.append('file', new File(['abc'], 'ü".txt', { type: 'text/x' }))
    form.append('blob', new Blob([new Uint8Array([0, 255, 13, 10])]), 'raw')
    form.append('last', '')
    const response = new Response(form)
    return [show(await response.formData()), /^multipart\\/form-data; boundary=\\S{20,70}$/.test(response.headers.get('content-type'))]`
  const entries = [
    ['a "quoted"\r\n', 'one\r\ntwo'],
    ['file', ['ü".txt', 'text/x', 3]],
    ['blob', ['raw', 'application/octet-stream', 4]],
    ['last', ''],
  ]
  expect(await guest.value(code)).toEqual([entries, true])
})

test('a form of text alone is read from both of its formats', async () => {
  const code = `${SHOW}
    const type = (value) => ({ headers: { 'content-type': value } })
    return [show(await new Response('a=b+c&d=%C3%A9&a=', type('application/x-www-form-urlencoded')).formData()),
      show(await read('--B\\r\\ncontent-disposition: form-data; name=a\\r\\nX-Other: 1\\r\\n\\r\\n--C\\r\\n--\\r\\n--B--'))]`
  expect(await guest.value(code)).toEqual([
    [
      ['a', 'b c'],
      ['d', 'é'],
      ['a', ''],
    ],
    [['a', '--C\r\n--']],
  ])
})

test('what is no form is refused whole', async () => {
  const code = `${SHOW}
    const part = (headers, content = 'x') => '--B\\r\\n' + headers + '\\r\\n\\r\\n' + content + '\\r\\n--B--\\r\\n'
    const bodies = ['', 'x', '--B', '--B\\r\\n', '--C--', 'text before\\r\\n--B--', '--B--more', part('Content-Disposition: form-data'), part('X: y'),
      part('Content-Disposition: form-data; name="a'), part('Content-Disposition: attachment; name="a"'), part('no colon'), part('Content-Disposition: form-data; name'), part('Content-Disposition: form-data; name='),
      part('Content-Disposition: form-data; name="a"b'), part('Content-Disposition: form-data; name="a"\\n filename="b"'), part('X Y: z\\r\\nContent-Disposition: form-data; name="a"'),
      part('Content-Disposition: form-data; name="a"').slice(0, -4), part('Content-Disposition: form-data; name="a"\\r\\nX: ' + 'y'.repeat(20_000))]
    const reasons = await Promise.all(bodies.map((body) => reason(read(body))))
    const others = [read('--B--', '"' + 'B'.repeat(71) + '"'), read('--B--', '""'), new Response('--B--', { headers: { 'content-type': 'multipart/form-data' } }).formData(),
      new Response('a=b').formData(), new Response(new Uint8Array(1)).formData()]
    return [...new Set([...reasons, ...(await Promise.all(others.map(reason)))])]`
  expect(await guest.value(code)).toEqual(['TypeError'])
})

test('a body that nearly ends everywhere, and one of very many parts, are read in time in step with their length', async () => {
  const code = `${SHOW}
    const boundary = '-'.repeat(69) + 'B'
    const near = '\\r\\n' + '-'.repeat(71)
    const start = '--' + boundary + '\\r\\nContent-Disposition: form-data; name="a"\\r\\n\\r\\n'
    const end = '\\r\\n--' + boundary + '--'
    const traps = [near.repeat(30_000), '\\r'.repeat(1_000_000), '-'.repeat(1_000_000), ('\\r\\n--' + '-'.repeat(68)).repeat(30_000)]
    const lengths = []
    for (const trap of traps) lengths.push((await read(start + trap + end, boundary)).get('a').length === trap.length)
    const many = '--B\\r\\nContent-Disposition: form-data; name="a"\\r\\n\\r\\n\\r\\n'.repeat(20_000) + '--B--'
    return [lengths, (await read(many)).getAll('a').length]`
  expect(await guest.value(code)).toEqual([[true, true, true, true], 20_000])
})

test('a byte order mark belongs to the first name of a urlencoded form, whether it comes as text or as bytes', async () => {
  const code = `const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const read = async (body) => [...(await new Response(body, { headers }).formData()).keys()]
    return [await read('\\ufeffa=1'), await read(new TextEncoder().encode('\\ufeffa=1'))]`
  expect(await guest.value(code)).toEqual([['\ufeffa'], ['\ufeffa']])
})
