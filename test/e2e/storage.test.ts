import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDirectory } from '../cli/command-line.ts'
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
