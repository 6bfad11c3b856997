import { once } from 'node:events'
import { type Socket, connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Server, startServer } from './server.ts'

const PATH = '/v1/tenants/ann/execute'
const BODY = '{"code":"return input","input":"ä"}'
const BODY_LENGTH = Buffer.byteLength(BODY)

let server: Server
beforeAll(async () => {
  server = await startServer({ knobs: { BODY_BYTES_MAX: '200000' } })
  await server.tenant('ann')
})
afterAll(() => server[Symbol.asyncDispose]())

function open(): Socket {
  return connect(Number(new URL(server.url).port), '127.0.0.1')
}

/** A request's head, ending its line before the blank one; `headers` come last. */
function head(line: string, ...headers: readonly string[]): string {
  const all = ['host: x', `authorization: Bearer ${server.adminKey}`, 'content-type: application/json', ...headers]
  return `${line} HTTP/1.1\r\n${all.join('\r\n')}\r\n\r\n`
}

/** Sends bytes and reads until the server ends the connection. */
async function exchange(...parts: readonly (string | Buffer)[]): Promise<string> {
  const socket = open()
  for (const part of parts) socket.write(part)
  return await readAll(socket)
}

async function readAll(socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  // A server that cuts a client off resets the connection; what it said before counts.
  socket.on('error', () => {})
  await new Promise((resolve) => socket.on('close', resolve))
  return text
}

const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])
const bodyOf = (answer: string): any => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))
const CLOSE = 'connection: close'

test('a body in chunks, with extensions and trailers, is a body', async () => {
  const chunks = `5;note="x"\r\n{"cod\r\n${(BODY_LENGTH - 5).toString(16)}\r\n${BODY.slice(5)}\r\n0\r\nx-sum: 1\r\n\r\n`
  const answer = await exchange(head(`POST ${PATH}`, 'transfer-encoding: chunked', 'trailer: x-sum', CLOSE), chunks)
  expect(bodyOf(answer)).toMatchObject({ status: 'ok', result: 'ä' })
})

test('a client that asks whether to go on is told so', async () => {
  const socket = open()
  socket.write(head(`POST ${PATH}`, 'expect: 100-continue', `content-length: ${BODY_LENGTH}`, CLOSE))
  const [first] = await once(socket, 'data')
  expect(String(first)).toBe('HTTP/1.1 100 Continue\r\n\r\n')
  socket.write(BODY)
  expect(bodyOf(await readAll(socket))).toMatchObject({ status: 'ok', result: 'ä' })
})

test('a body that comes byte by byte is read to its end', async () => {
  const socket = open().setNoDelay()
  socket.write(head(`POST ${PATH}`, `content-length: ${BODY_LENGTH}`, CLOSE))
  const answer = readAll(socket)
  for (const byte of Buffer.from(BODY)) await new Promise((resolve) => socket.write(Uint8Array.of(byte), resolve))
  expect(bodyOf(await answer)).toMatchObject({ status: 'ok', result: 'ä' })
})

test('requests in one go are answered one by one, in their order', async () => {
  const requests = [1, 2, 3].map((n) => {
    const body = JSON.stringify({ code: 'return input', input: n })
    return head(`POST ${PATH}`, `content-length: ${body.length}`, ...(n === 3 ? [CLOSE] : [])) + body
  })
  const answer = await exchange(requests.join(''))
  expect([...answer.matchAll(/"result":(\d)/g)].map(([, n]) => n)).toEqual(['1', '2', '3'])
})

test('other spellings of a path reach the same place', async () => {
  for (const path of [`http://elsewhere${PATH}`, '/v1/tenants/%61nn/execute', `${PATH}?`]) {
    const answer = await exchange(head(`POST ${path}`, `content-length: ${BODY_LENGTH}`, CLOSE), BODY)
    expect({ path, result: bodyOf(answer).result }).toEqual({ path, result: 'ä' })
  }
})

test('HEAD says what GET would, and no more', async () => {
  const answer = await exchange(head('HEAD /v1/tenants/ann/bill', CLOSE))
  expect(statusOf(answer)).toBe(200)
  expect(answer).toMatch(/\r\ncontent-length: [1-9]\d*\r\n/)
  expect(answer.endsWith('\r\n\r\n')).toBe(true)
})

test('a body that is refused is drained: the connection serves the next request', async () => {
  const long = 'x'.repeat(500_000)
  const first = head(`POST ${PATH}`, `content-length: ${long.length}`) + long
  const answer = await exchange(first, head(`POST ${PATH}`, `content-length: ${BODY_LENGTH}`, CLOSE), BODY)
  const [refusal = '', run = ''] = answer.split(/(?<=\}\})(?=HTTP)/)
  expect([statusOf(refusal), statusOf(run)]).toEqual([413, 200])
  expect(bodyOf(refusal).error).toMatchObject({ code: 'TOO_LARGE', message: expect.stringContaining('200000 bytes') })
})

test('a body without an end is cut off', async () => {
  const socket = open()
  socket.write(head(`POST ${PATH}`, 'transfer-encoding: chunked'))
  const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(1 << 20, 0x20), Buffer.from('\r\n')])
  const answer = readAll(socket)
  const send = (): void => {
    while (!socket.destroyed && socket.write(chunk));
  }
  socket.on('drain', send)
  send()
  expect(statusOf(await answer)).toBe(413)
})

test.each<[string, () => string, number]>([
  ['a body shorter than it says', () => head(`POST ${PATH}`, 'content-length: 100') + BODY, 400],
  ['two lengths', () => head(`POST ${PATH}`, 'content-length: 5', `content-length: ${BODY_LENGTH}`) + BODY, 400],
  [
    'a length and chunks',
    () => head(`POST ${PATH}`, 'content-length: 5', 'transfer-encoding: chunked') + '0\r\n\r\n',
    400,
  ],
  ['a length below 0', () => head(`POST ${PATH}`, 'content-length: -1'), 400],
  ['a chunk of no size', () => `${head(`POST ${PATH}`, 'transfer-encoding: chunked')}zz\r\n`, 400],
  ['headers of 17 kB', () => head(`POST ${PATH}`, `x-long: ${'a'.repeat(17_000)}`), 431],
  ['a thousand headers', () => head(`POST ${PATH}`, ...Array.from({ length: 4_000 }, () => 'a: b')), 431],
  ['a URL of 17 kB', () => head(`GET /${'a'.repeat(17_000)}`), 431],
  ['a URL with a broken escape', () => head('GET /v1/tenants/%E0%A4%A/bill', CLOSE), 400],
  ['a method that there is not', () => head(`FETCH ${PATH}`), 400],
  ['TLS', () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc', 400],
  ['HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
])('%s is refused in the words of the API, and the connection ends', async (_, request, status) => {
  const socket = open()
  socket.end(request())
  const answer = await readAll(socket)
  expect(statusOf(answer)).toBe(status)
  expect(bodyOf(answer)).toEqual({ error: { code: 'INVALID_REQUEST', message: expect.any(String) } })
})

test('what a guest answers goes out byte for byte', async () => {
  const run = async (code: string): Promise<string> => (await server.run('ann', { code })).text
  expect(await run('return ["\\ud800", { "\\udc00": "😀\\u2028\\u0000" }]')).toContain(
    '"result":["\\ud800",{"\\udc00":"😀\u2028\\u0000"}]',
  )
  expect(await run('return [1e21, -0, 0.1 + 0.2, 5e-324]')).toContain('"result":[1e+21,0,0.30000000000000004,5e-324]')
  expect(await run('return JSON.rawJSON("123456789012345678901234567890")')).toContain(
    '"result":123456789012345678901234567890',
  )
  const deep = await run('let list = []; for (let n = 0; n < 1e5; n += 1) list = [list]; return list')
  expect(deep).toContain(`"result":${'['.repeat(100_001)}${']'.repeat(100_001)},"logs":[]`)
})

test('ten thousand log lines become as many as the policy allows, and a word about the rest', async () => {
  const { body } = await server.run('ann', { code: 'for (let n = 0; n < 10_000; n += 1) console.log("line", n)' })
  expect(body.logs).toHaveLength(1_001)
  expect(body.logs[999].message).toBe('line 999')
  expect(body.logs[1_000]).toEqual({ level: 'warn', message: expect.stringContaining('[cloister] further log lines') })
})

test('log lines and errors of any Unicode are kept, and can be read again', async () => {
  const code = 'console.error("\\u0000\\u001b[31m\\ud800 😀\\u2028"); throw new Error("日本\\ud83d")'
  const { body } = await server.run('ann', { code })
  const kept = await server.get(`/v1/tenants/ann/runs/${body.runId}`)
  expect(kept.body.logs).toEqual(body.logs)
  expect(kept.body.error).toEqual(body.error)
  expect(body.logs[0].message).toBe('\u0000\u001b[31m\ufffd 😀\u2028')
})

test('input reaches the guest as it was sent', async () => {
  const send = (input: string, code: string) => server.run('ann', `{"input":${input} ,"code":${JSON.stringify(code)}}`)
  expect(
    (await send('{"__proto__":{"x":1},"a":1,"a":2}', 'return [Object.keys(input), input.x, input.a]')).text,
  ).toContain('"result":[["__proto__","a"],null,2]')
  expect((await send('-0', 'return Object.is(input, -0)')).body.result).toBe(true)
  expect((await send(' \t\r\n[ 1 , "\\ud800" ]', 'return [input[0], input[1].charCodeAt(0)]')).body.result).toEqual([
    1, 0xd800,
  ])
  const deep = `${'['.repeat(990)}${']'.repeat(990)}`
  expect(
    (await send(deep, 'let n = 0; for (let at = input; at !== undefined; at = at[0]) n += 1; return n')).body.result,
  ).toBe(990)
})

test('after all of this the host is well, and has nothing to say', async () => {
  expect((await server.get('/readyz')).status).toBe(200)
  expect((await server.get('/metrics')).text).toMatch(/^cloister_refusals_total\{code="INTERNAL"\} 0$/m)
  expect((await server.post('/v1/tenants/ann/bill/verify')).body.ok).toBe(true)
  server.process.child.kill('SIGTERM')
  const { code, stderr } = await server.ended
  expect({ code, stderr: stderr.trim() }).toEqual({
    code: 0,
    stderr: 'SIGTERM: finishing what runs; once more ends at once',
  })
})
