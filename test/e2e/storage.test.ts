import { randomBytes } from 'node:crypto'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDirectory, runProgram } from '../cli/command-line.ts'
import { type Client, type Server, startServer, until } from './server.ts'

const taken = new AsyncDisposableStack()
let directory: string
let server: Server
let ann: Client
beforeAll(async () => {
  directory = taken.use(createDirectory()).path
  server = await startServer({ directory })
  await server.tenant('ann')
  await server.tenant('bob')
  ann = await server.asTenant('ann')
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await taken.disposeAsync()
})

const files = (): string[] =>
  readdirSync(join(directory, 'blobs'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)

test('what a run has stored is had by a signed URL without a key, whole or in part, and by nobody else', async () => {
  const code = `await context.blobs.put('a b/ü.txt', 'hello world', { contentType: 'text/html', metadata: { by: 'ann' } })
    return await context.blobs.signedUrl('a b/ü.txt', { expiresInSeconds: 600 })`
  const { result: url } = (await ann.run('ann', { code })).body
  expect(url.startsWith(`${server.url}/blobs/ann/`)).toBe(true)
  const whole = await fetch(url)
  expect([whole.status, await whole.text()]).toEqual([200, 'hello world'])
  expect(whole.headers.get('content-type')).toBe('text/html')
  expect(whole.headers.get('content-security-policy')).toContain('sandbox')
  expect(whole.headers.get('x-cloister-meta-by')).toBe('ann')
  const part = await fetch(url, { headers: { range: 'bytes=-5' } })
  expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([206, 'bytes 6-10/11', 'world'])
  expect((await fetch(url, { headers: { range: 'bytes=11-' } })).status).toBe(416)
  const etag = whole.headers.get('etag')!
  expect((await fetch(url, { headers: { 'if-none-match': etag } })).status).toBe(304)
  expect((await fetch(url, { headers: { 'if-match': `"${'0'.repeat(64)}"` } })).status).toBe(412)
  const head = await fetch(url, { method: 'HEAD' })
  expect([head.status, head.headers.get('content-length')]).toEqual([200, '11'])
  expect((await fetch(url.replace('/ann/', '/bob/'))).status).toBe(403)
  expect((await fetch(`${url}A`)).status).toBe(403)
})

test('blobs and queues are looked at and emptied from outside, by their tenant only', async () => {
  const bob = await server.asTenant('bob')
  await ann.run('ann', {
    code: `await context.blobs.put('dir/one', '1'); await context.blobs.put('two', '2'); await context.queues.send('mail', { to: 'x' })`,
  })
  const listed = await ann.get('/v1/tenants/ann/blobs?delimiter=/')
  expect(listed.body.blobs.map((blob: { key: string }) => blob.key)).toEqual(['two'])
  expect(listed.body.prefixes).toContain('dir/')
  expect((await ann.get('/v1/tenants/ann/blobs/dir%2Fone')).text).toBe('1')
  expect((await bob.get('/v1/tenants/ann/blobs/dir%2Fone')).status).toBe(403)
  expect((await bob.get('/v1/tenants/bob/blobs/dir%2Fone')).status).toBe(404)
  expect((await ann.delete('/v1/tenants/ann/blobs/dir%2Fone')).status).toBe(204)
  expect((await ann.delete('/v1/tenants/ann/blobs/dir%2Fone')).status).toBe(404)
  expect((await ann.get('/v1/tenants/ann/queues')).body.queues).toMatchObject([{ name: 'mail', messages: 1 }])
  const { messages } = (await ann.get('/v1/tenants/ann/queues/mail/messages')).body
  expect(messages).toMatchObject([{ body: { to: 'x' }, attempts: 0 }])
  expect((await bob.get('/v1/tenants/bob/queues/mail/messages')).status).toBe(404)
  expect((await ann.delete('/v1/tenants/ann/queues/mail/messages')).body).toEqual({ purged: 1 })
  expect((await ann.delete('/v1/tenants/ann/queues/mail')).status).toBe(204)
})

test('a message is sent from outside as a guest would send it, within the grant, by its tenant only', async () => {
  const bob = await server.asTenant('bob')
  const path = '/v1/tenants/ann/queues/jobs/messages'
  const sent = await ann.post(path, { body: { to: 'y' }, deduplicationId: 'once' })
  expect([sent.status, sent.body.duplicate]).toEqual([201, false])
  expect((await ann.post(path, { body: 2, deduplicationId: 'once' })).body).toEqual({
    id: sent.body.id,
    duplicate: true,
  })
  expect((await ann.get(path)).body.messages).toMatchObject([{ id: sent.body.id, body: { to: 'y' } }])
  const refused = await ann.post(path, { body: 1, delaySeconds: 43_201 })
  expect([refused.status, refused.body.error.message]).toEqual([400, expect.stringContaining('delaySeconds')])
  expect((await ann.post(path, { body: 'x'.repeat(600_000) })).status).toBe(400)
  expect((await bob.post(path, { body: 1 })).status).toBe(403)
  expect((await ann.get(path)).body.messages).toHaveLength(1)
})

test('a blob is stored from outside as it streams in, under its conditions, within the grant, whole or not at all', async () => {
  await server.tenant('cam', {
    policy: { capabilities: { blobs: { blobBytes: 100_000, storedBytes: 150_000, blobs: 2 } } },
  })
  const cam = await server.asTenant('cam')
  const key = 'dir/ü #1'
  const path = `/v1/tenants/cam/blobs/${encodeURIComponent(key)}`
  const put = async (
    at: string,
    content: Uint8Array<ArrayBuffer> | ReadableStream,
    headers: Record<string, string> = {},
  ) => {
    const authorization = { authorization: `Bearer ${server.adminKey}` }
    const options = { method: 'PUT', body: content, headers: { ...authorization, ...headers }, duplex: 'half' }
    const response = await fetch(server.url + at, options as RequestInit)
    return { status: response.status, body: (await response.json()) as any }
  }
  const streamOf = (pieces: number, size: number): ReadableStream => {
    let left = pieces
    const pull = (out: ReadableStreamDefaultController): void =>
      (left -= 1) < 0 ? out.close() : out.enqueue(Buffer.alloc(size, left))
    return new ReadableStream({ pull })
  }
  const stored = await put(path, streamOf(9, 11_000), { 'content-type': 'text/html', 'X-Cloister-Meta-By': 'ann' })
  expect(stored.status).toBe(200)
  expect(stored.body).toMatchObject({ key, size: 99_000, contentType: 'text/html', metadata: { by: 'ann' } })
  const got = await cam.get(path)
  expect([got.status, got.headers.get('etag'), got.text.length]).toEqual([200, `"${stored.body.etag}"`, 99_000])
  const code = `const { size, metadata } = await context.blobs.head(${JSON.stringify(key)}); return [size, metadata]`
  expect((await cam.run('cam', { code })).body.result).toEqual([99_000, { by: 'ann' }])
  const before = new Set(files())
  const one = Buffer.from('1')
  const codeOf = async (...args: Parameters<typeof put>) => (await put(...args)).body.error?.code
  expect(await codeOf(path, one, { 'if-none-match': '*' })).toBe('PRECONDITION_FAILED')
  expect(await codeOf(path, one, { 'if-match': `"${'0'.repeat(64)}"` })).toBe('PRECONDITION_FAILED')
  expect(await codeOf(path, streamOf(20, 11_000))).toBe('TOO_LARGE')
  expect(await codeOf(path, Buffer.alloc(100_001))).toBe('TOO_LARGE')
  expect(await codeOf('/v1/tenants/cam/blobs/two', Buffer.alloc(60_000))).toBe('QUOTA_EXCEEDED')
  expect(await codeOf(path, one, { 'content-encoding': 'gzip' })).toBe('UNSUPPORTED_MEDIA')
  const odd = { 'content-type': `text/plain; x=${'y'.repeat(300)}`, 'x-cloister-meta-a_b': '1', 'if-match': 'x' }
  const { message } = (await put(path, one, odd)).body.error
  for (const fault of ['content-type has', 'x-cloister-meta-*: "a_b" must', 'if-match must'])
    expect(message).toContain(fault)
  let pulls = 0
  const pull = (out: ReadableStreamDefaultController): void =>
    (pulls += 1) === 1 ? out.enqueue(one) : out.error(new Error('gone'))
  const cut = new ReadableStream({ pull })
  await expect(put(path, cut)).rejects.toBeInstanceOf(Error)
  const bob = await server.asTenant('bob')
  expect((await bob.call('PUT', path, {}, {})).status).toBe(403)
  await until(() => files().every((name) => before.has(name)))
  expect((await cam.get(path)).text).toBe(got.text)
  const match = { 'if-match': `"${stored.body.etag}"`, 'content-length': '1' }
  expect((await put(path, one, match)).body).toMatchObject({
    size: 1,
    contentType: 'application/octet-stream',
    metadata: {},
  })
})

test('the command line stores, lists, gets and deletes blobs, and sets, fills, shows and empties queues', async () => {
  const env = { CLOISTER_URL: server.url, CLOISTER_KEY: server.adminKey }
  const cli = async (args: string[], input?: string) => {
    const { code, stdout, stderr } = await runProgram([...args, '--tenant', 'bob'], { env, ...(input && { input }) })
    return { code, stdout, stderr }
  }
  const content = randomBytes(300_000)
  const [from, to] = [join(directory, 'from'), join(directory, 'to')]
  writeFileSync(from, content)
  const put = await cli(['blobs', 'put', 'a/b', from, '--type', 'image/png', '--meta', 'by=bob', '--json'])
  expect(JSON.parse(put.stdout)).toMatchObject({ size: 300_000, contentType: 'image/png', metadata: { by: 'bob' } })
  expect((await cli(['blobs', 'put', 'text', '-', '--if-none-match', '*'], 'hello')).stderr).toContain('put text: 5')
  expect((await cli(['blobs', 'put', 'text', '-', '--if-none-match', '*'], 'hello')).code).toBe(3)
  const listed = await cli(['blobs', '--delimiter', '/'])
  expect(listed.stdout).toMatch(/^a\/ *\n.*text +5 B +application\/octet-stream/m)
  expect(await cli(['blobs', 'get', 'text'])).toEqual({ code: 0, stdout: 'hello', stderr: '' })
  expect(JSON.parse((await cli(['blobs', 'get', 'a/b', '--out', to, '--json'])).stdout)).toMatchObject({
    size: 300_000,
  })
  expect(readFileSync(to).equals(content)).toBe(true)
  expect((await cli(['blobs', 'delete', 'text', '--json'])).stdout).toBe('{"deleted":"text"}\n')
  expect((await cli(['blobs', 'get', 'text'])).code).toBe(3)
  expect((await cli(['queues', 'set', 'mail', '--lease', '60'])).stdout).toContain('60 s')
  const sent = await cli(['queues', 'send', 'mail', '{"to":"x"}', '--delay', '9', '--json'])
  expect(JSON.parse(sent.stdout)).toMatchObject({ duplicate: false })
  expect((await cli(['queues', 'peek', 'mail'])).stdout).toContain('{"to":"x"}')
  expect((await cli(['queues'])).stdout).toMatch(/mail +1 /)
  expect((await cli(['queues', 'purge', 'mail', '--json'])).stdout).toBe('{"purged":1}\n')
  expect((await cli(['queues', 'set', 'mail', '--lease', '0'])).code).toBe(2)
  expect((await cli(['queues', 'delete', 'mail'])).stderr).toContain('deleted mail')
})

test('a host that is killed in mid-upload has lost nothing that it said was stored, and keeps nothing of the rest', async () => {
  const stored = randomBytes(3_000).toString('hex')
  await ann.run('ann', { code: `await context.blobs.put('kept', input)`, input: stored })
  const before = files().length
  const upload = `const source = new ReadableStream({ async pull(c) { await new Promise((r) => setTimeout(r, 5)); c.enqueue(new Uint8Array(100_000)) } })
    await context.blobs.put('kept', source)`
  const cut = ann.run('ann', { code: upload }).catch(() => undefined)
  await until(() => files().length > before)
  process.kill(server.pid, 'SIGKILL')
  await cut
  await server.ended
  server = await startServer({ directory })
  const admin = await server.asTenant('ann')
  expect((await admin.get('/v1/tenants/ann/blobs/kept')).text).toBe(stored)
  await until(() => files().length === before)
})
