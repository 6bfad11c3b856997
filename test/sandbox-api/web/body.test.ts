import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Guest, openGuest } from '../guest.ts'

let guest: Guest
beforeAll(async () => {
  guest = await openGuest()
})
afterAll(() => guest[Symbol.asyncDispose]())

const REASON = `const reason = (promise) => Promise.resolve(promise).then(() => 'none', (error) => error.name)
  const nameOf = (action) => { try { action(); return 'none' } catch (error) { return error.name } }
  const streamOf = (...chunks) => new ReadableStream({ start(controller) { for (const chunk of chunks) controller.enqueue(chunk); controller.close() } })
  const bytes = (text) => new TextEncoder().encode(text)`

test('a body is read once, whatever it is made of and however it is read', async () => {
  const code = `${REASON}
    const makers = [() => 'text', () => bytes('text'), () => bytes('text').buffer, () => new Blob(['text']), () => new URLSearchParams({ text: '' }), () => streamOf(bytes('te'), bytes('xt'))]
    const results = []
    for (const make of makers) {
      for (const method of ['text', 'bytes', 'arrayBuffer', 'blob']) {
        const response = new Response(make())
        const before = response.bodyUsed
        await response[method]()
        results.push([before, response.bodyUsed, await reason(response.text()), nameOf(() => response.clone()), response.body.locked, nameOf(() => response.body.getReader())].join())
      }
    }
    return [...new Set(results)]`
  expect(await guest.value(code)).toEqual(['false,true,TypeError,TypeError,true,TypeError'])
})

test('a body that somebody reads as a stream is nobody else’s', async () => {
  const code = `${REASON}
    const response = new Response('text')
    const reader = response.body.getReader()
    const locked = [response.bodyUsed, await reason(response.text()), nameOf(() => response.clone())]
    const { value } = await reader.read()
    reader.releaseLock()
    return [...locked, new TextDecoder().decode(value), response.bodyUsed, await reason(response.text()), nameOf(() => new Response(response.body))]`
  expect(await guest.value(code)).toEqual([false, 'TypeError', 'TypeError', 'text', true, 'TypeError', 'TypeError'])
})

test('a clone has a body of its own, and changing what was read of one changes nothing in the other', async () => {
  const code = `${REASON}
    const given = bytes('text')
    const response = new Response(given, { status: 201, headers: { a: 'b' } })
    given[0] = 0
    const clone = response.clone()
    response.headers.set('a', 'c')
    ;(await response.bytes())[0] = 0
    const streamed = new Response(streamOf(bytes('te'), bytes('xt')))
    const other = streamed.clone()
    return [clone.status, clone.headers.get('a'), await clone.text(), await streamed.text(), await other.text()]`
  expect(await guest.value(code)).toEqual([201, 'b', 'text', 'text', 'text'])
})

test('a body is a byte stream, made when it is asked for', async () => {
  const code = `const response = new Response('hello')
    const reader = response.body.getReader({ mode: 'byob' })
    const parts = []
    for (;;) { const { done, value } = await reader.read(new Uint8Array(2)); if (done) break; parts.push([...value]) }
    return [parts.flat().length, response.body === response.body, response.bodyUsed, new Response().body]`
  expect(await guest.value(code)).toEqual([5, true, true, null])
})

test('statuses without a body, statuses that are none, and reasons that end a line are refused', async () => {
  const code = `${REASON}
    return [[204, 205, 304].map((status) => nameOf(() => new Response('', { status }))), [204, 205, 304].map((status) => new Response(null, { status }).status),
      [0, 101, 199, 600, 65_736].map((status) => nameOf(() => new Response(null, { status }))), nameOf(() => new Response('', { statusText: 'OK\\r\\nA: b' })),
      nameOf(() => Response.json(1, { status: 204 })), nameOf(() => Response.json(undefined)), nameOf(() => Response.redirect('https://a.example', 200)), nameOf(() => Response.redirect('/a'))]`
  expect(await guest.value(code)).toEqual([
    Array.from({ length: 3 }, () => 'TypeError'),
    [204, 205, 304],
    ['RangeError', 'RangeError', 'RangeError', 'RangeError', 'none'],
    'TypeError',
    'TypeError',
    'TypeError',
    'RangeError',
    'TypeError',
  ])
})

test('chunks that are no bytes are refused when they are read', async () => {
  const code = `${REASON}
    return [await reason(new Response(streamOf('text')).text()), await reason(new Response(streamOf(new Uint16Array(1))).bytes()), await reason(new Response('{').json())]`
  expect(await guest.value(code)).toEqual(['TypeError', 'TypeError', 'SyntaxError'])
})

test('a request that is made of another takes its body over', async () => {
  const code = `${REASON}
    const first = new Request('https://a.example/x?y#z', { method: 'post', body: 'text', headers: { a: 'b' } })
    const second = new Request(first)
    const streamed = new Request('https://a.example', { method: 'PUT', body: streamOf(bytes('text')), duplex: 'half' })
    const third = new Request(streamed, { headers: { c: 'd' } })
    return [second.method, second.url, second.headers.get('a'), first.bodyUsed, await second.text(), streamed.bodyUsed, await third.text(), nameOf(() => new Request(first))]`
  const second = ['POST', 'https://a.example/x?y#z', 'b', true, 'text']
  expect(await guest.value(code)).toEqual([...second, true, 'text', 'TypeError'])
})

test('requests that no client could send are refused', async () => {
  const code = `${REASON}
    const inits = [{ method: 'TRACE' }, { method: 'connect' }, { method: 'A B' }, { body: 'x' }, { method: 'HEAD', body: 'x' }, { method: 'PUT', body: streamOf() },
      { mode: 'navigate' }, { cache: 'only-if-cached' }, { redirect: 'other' }, { signal: {} }, { window: 1 }]
    return [...new Set([...inits.map((init) => nameOf(() => new Request('https://a.example', init))),
      ...['', '/a', 'https://a:b@a.example', 'https://a@a.example'].map((url) => nameOf(() => new Request(url)))])]`
  expect(await guest.value(code)).toEqual(['TypeError'])
})

test('a request’s signal follows the one that it was given', async () => {
  const code = `const controller = new AbortController()
    const request = new Request('https://a.example', { signal: controller.signal })
    const { signal } = request
    const clone = request.clone()
    controller.abort('why')
    return [signal.aborted, signal.reason, clone.signal.reason, new Request(request).signal.reason, signal === controller.signal]`
  expect(await guest.value(code)).toEqual([true, 'why', 'why', 'why', false])
})
