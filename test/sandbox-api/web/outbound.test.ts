import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FetchWorld, TestServer } from '../../broker/fetch/world.ts'
import { echo, openFetch, openServer, until } from '../../broker/fetch/world.ts'
import { type PoolHarness, type RunOptions, openPool } from '../../pool/harness.ts'

/** `fetch` as guests have it: real cells, the real host half, real servers of this machine. */
let world: FetchWorld
let server: TestServer
let cells: PoolHarness
beforeAll(async () => {
  world = await openFetch()
  server = await openServer((request, response) => {
    if (request.url === '/drip') return void drip(response)
    if (request.url === '/hang') return undefined
    if (request.url === '/large') return response.end(Buffer.alloc(3 << 20, 'abc'))
    if (request.url === '/empty') return response.writeHead(204).end()
    if (request.url === '/moved') return response.writeHead(302, { location: '/' }).end()
    response.setHeader('set-cookie', ['a=1', 'b=2'])
    return echo(request, response)
  })
  cells = await openPool({ capabilities: [world.capability] })
})
afterAll(async () => {
  await cells[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})

async function drip(response: import('node:http').ServerResponse): Promise<void> {
  for (let count = 0; !response.destroyed; count += 1) {
    response.write(`data: ${count}\n\n`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const run = (code: string, options: RunOptions = {}): Promise<any> =>
  cells.value(`const at = input;${code}`, { input: server.origin, grants: { fetch: world.grant() }, ...options })

test('a guest fetches, and has the response as the web gives it', async () => {
  const code = `const response = await fetch(at + '/moved#top', { headers: { 'x-a': 'b', host: 'evil' } })
    const seen = await response.json()
    return [response.status, response.ok, response.statusText, response.redirected, response.url, response.type, response.headers.getSetCookie(),
      seen.headers['x-a'], seen.headers.host, (await fetch(at + '/empty')).body, (await fetch(at, { method: 'HEAD' })).body]`
  expect(await run(code)).toEqual([
    200,
    true,
    'OK',
    true,
    `${server.origin}/`,
    'basic',
    ['a=1', 'b=2'],
    'b',
    `127.0.0.1:${server.port}`,
    null,
    null,
  ])
})

test('bodies of all kinds go up', async () => {
  const code = `const send = async (body, more) => (await (await fetch(at, { method: 'POST', body, ...more })).json())
    const form = new FormData()
    form.set('name', 'value')
    const stream = new ReadableStream({ async start(c) { for (const text of ['one ', 'two']) c.enqueue(new TextEncoder().encode(text)); c.close() } })
    const all = [await send('text é'), await send(new Uint8Array([1, 2])), await send(new URLSearchParams({ a: 'b c' })), await send(new Blob(['blob'], { type: 'text/x' })),
      await send(stream, { duplex: 'half' }), await send('x'.repeat(3 << 20))]
    return [all.map(({ body, headers }) => [body.slice(0, 20), body.length, headers['content-type']]), (await send(form)).body.includes('name="name"')]`
  expect(await run(code)).toEqual([
    [
      ['text \u00c3\u00a9', 7, 'text/plain;charset=UTF-8'],
      ['\u0001\u0002', 2, null],
      ['a=b+c', 5, 'application/x-www-form-urlencoded;charset=UTF-8'],
      ['blob', 4, 'text/x'],
      ['one two', 7, null],
      ['x'.repeat(20), 3 << 20, 'text/plain;charset=UTF-8'],
    ],
    true,
  ])
})

test('a response is read as it comes, piece by piece, and let go when no more is wanted', async () => {
  const code = `const response = await fetch(at + '/drip')
    let text = ''
    for await (const chunk of response.body) { text += new TextDecoder().decode(chunk); if (text.includes('data: 3')) break }
    const large = await (await fetch(at + '/large')).bytes()
    const [one, two] = [await fetch(at + '/large')].flatMap((response) => [response.clone(), response])
    return [text.startsWith('data: 0'), large.length, (await one.text()).length, (await two.text()).length]`
  expect(await run(code)).toEqual([true, 3 << 20, 3 << 20, 3 << 20])
  await until(() => server.sockets.size <= 3)
})

test('a signal ends a request before and after its response, with its own reason', async () => {
  const code = `const reason = async (act) => { try { await act() } catch (error) { return error.name + ': ' + error.message } }
    const controller = new AbortController()
    const hung = reason(() => fetch(at + '/hang', { signal: controller.signal }))
    controller.abort(new Error('enough'))
    const timed = await reason(() => fetch(at + '/hang', { signal: AbortSignal.timeout(20) }))
    const other = new AbortController()
    const response = await fetch(at + '/drip', { signal: other.signal })
    other.abort()
    return [await hung, timed, await reason(() => response.text())]`
  expect(await run(code)).toEqual([
    'Error: enough',
    'TimeoutError: the time is over',
    'AbortError: the operation was aborted',
  ])
  await until(() => server.sockets.size <= 3)
})

test('what goes wrong is a TypeError whose cause has a code', async () => {
  const code = `const tell = async (...args) => { try { return (await fetch(...args)).status } catch (error) { return [error.name, error.message.slice(0, 13), error.cause?.code] } }
    return [await tell('http://10.0.0.1/'), await tell('http://127.0.0.1:1/'), await tell(at, { integrity: 'sha256-x' }), await tell('file:///etc/passwd'), await tell('blob:null/1'), await tell(at + '/moved', { redirect: 'error' })]`
  expect(await run(code)).toEqual([
    ['TypeError', 'fetch failed:', 'EGRESS_REFUSED'],
    ['TypeError', 'fetch failed:', 'CONNECT_FAILED'],
    ['TypeError', 'fetch failed:', null],
    ['TypeError', 'fetch failed:', 'INVALID_ARGUMENT'],
    ['TypeError', 'fetch failed:', 'INVALID_ARGUMENT'],
    ['TypeError', 'fetch failed:', 'REDIRECT_REFUSED'],
  ])
})

test('fifty requests at once each get their turn', async () => {
  const code = `const all = await Promise.all(Array.from({ length: 50 }, async (_, n) => (await (await fetch(at + '/?n=' + n)).json()).url))
    return all.every((url, n) => url === '/?n=' + n)`
  expect(await run(code)).toBe(true)
})

test('a request that came in can be passed on, without what was only for the first server', async () => {
  const code = `export default { async fetch(request) { return await fetch(new Request('${server.origin}/on', request)) } }`
  const input = {
    method: 'POST',
    url: 'http://a.example/',
    headers: [
      ['x-kept', '1'],
      ['x-forwarded-for', '6.6.6.6'],
      ['content-length', '99'],
    ],
    body: 'passed',
  }
  const report = await cells.run(code, { trigger: 'http', input, grants: { fetch: world.grant() } })
  const { bodyBase64 } = JSON.parse(Buffer.from(report.result!).toString())
  const seen = JSON.parse(Buffer.from(bodyBase64, 'base64').toString())
  expect(seen).toMatchObject({
    method: 'POST',
    url: '/on',
    body: 'passed',
    headers: { 'x-kept': '1' },
  })
  expect(seen.headers['x-forwarded-for']).toBeUndefined()
  expect(seen.headers['content-length']).not.toBe('99')
})

test('the end of a run ends its requests, however it ends', async () => {
  for (const ending of ['return 1', "throw new Error('x')", 'for (;;);', "throw (await import('x'))"]) {
    await cells.run(
      `void fetch('${server.origin}/hang').catch(() => {}); void fetch('${server.origin}/drip'); await fetch('${server.origin}/'); ${ending}`,
      {
        grants: { fetch: world.grant() },
        wallMs: 3_000,
      },
    )
    await until(() => server.sockets.size <= 3)
  }
})
