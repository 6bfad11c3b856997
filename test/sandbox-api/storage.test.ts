import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createBlobsCapability } from '../../src/broker/blobs.ts'
import { createQueuesCapability } from '../../src/broker/queues.ts'
import { systemClock } from '../../src/core/clock.ts'
import { parseTenantId } from '../../src/core/ids.ts'
import { openBlobStore } from '../../src/store/blobs/blob-store.ts'
import { openFileBackend } from '../../src/store/blobs/file-backend.ts'
import { createBlobUrls } from '../../src/store/blobs/signed-urls.ts'
import { openTemporaryStores } from '../../src/store/sqlite/open.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { type PoolHarness, openPool } from '../pool/harness.ts'

const ann = parseTenantId('ann')!
const grants = loadPolicies([]).resolve('default').capabilities

let stores: Awaited<ReturnType<typeof openTemporaryStores>>
let cells: PoolHarness
const taken = new AsyncDisposableStack()
beforeAll(async () => {
  const clock = systemClock
  stores = taken.use(await openTemporaryStores({ clock }))
  await stores.tenants.put({ id: ann, policy: 'default', budget: {}, createdAt: clock.now(), updatedAt: clock.now() })
  const backend = await openFileBackend(join(stores.directory, 'blobs'))
  const store = taken.use(await openBlobStore({ index: stores.blobs, backend, clock, onFault: () => undefined }))
  const urls = createBlobUrls({ store, clock, secret: Buffer.alloc(32), baseUrl: () => 'http://h' })
  const capabilities = [createBlobsCapability({ store, urls }), createQueuesCapability({ store: stores.queues })]
  cells = taken.use(await openPool({ capabilities }))
})
afterAll(() => taken.disposeAsync())

const value = (code: string) => cells.value(code, { grants })

test('content of every kind goes in and comes out, with the type that it says of itself', async () => {
  const answer = await value(`
    const { blobs } = context
    const form = new FormData()
    form.set('a', 'b')
    const kinds = { text: 'äö', bytes: new Uint8Array([1, 2]), buffer: new Uint8Array([3]).buffer, nothing: null,
      blob: new Blob(['{"a":1}'], { type: 'application/json' }), form, query: new URLSearchParams({ x: 'y' }),
      stream: new Response('from a stream').body }
    const seen = {}
    for (const [key, content] of Object.entries(kinds)) {
      const { contentType } = await blobs.put(key, content)
      const stored = await blobs.get(key)
      seen[key] = [contentType.split(';')[0], key === 'form' ? (await stored.text()).includes('name="a"') : await stored.text()]
    }
    seen.json = await (await blobs.get('blob')).json()
    seen.again = (await blobs.put('text', 'x', { contentType: 'text/html', metadata: { by: 'ann' } })).metadata
    return seen`)
  expect(answer).toEqual({
    text: ['text/plain', 'äö'],
    bytes: ['application/octet-stream', '\u0001\u0002'],
    buffer: ['application/octet-stream', '\u0003'],
    nothing: ['application/octet-stream', ''],
    blob: ['application/json', '{"a":1}'],
    form: ['multipart/form-data', true],
    query: ['application/x-www-form-urlencoded', 'x=y'],
    stream: ['application/octet-stream', 'from a stream'],
    json: { a: 1 },
    again: { by: 'ann' },
  })
})

test('a long stream of small chunks is stored and read back in pieces, and a part of it is had by a range', async () => {
  const answer = await value(`
    const { blobs } = context
    let left = 3000
    const source = new ReadableStream({ pull(c) { if (left-- > 0) c.enqueue(new Uint8Array(1000).fill(left % 256)); else c.close() } })
    const { size } = await blobs.put('long', source)
    let read = 0, chunks = 0
    for await (const chunk of (await blobs.get('long')).body) { read += chunk.length; chunks++ }
    const last = await (await blobs.get('long', { range: { suffix: 2 } })).bytes()
    return [size, read, chunks, [...last]]`)
  expect(answer).toEqual([3_000_000, 3_000_000, 3, [0, 0]])
  expect(cells.sessions.at(-1)?.operations).toMatchObject({ 'blobs.begin': 1, 'blobs.write': 3, 'blobs.commit': 1 })
})

test('a source that fails leaves no blob behind, and its error is what put rejects with', async () => {
  const answer = await value(`
    const source = new ReadableStream({ start(c) { c.enqueue(new Uint8Array(2_000_000)) }, pull(c) { c.error(new Error('the source failed')) } })
    const message = await context.blobs.put('failed', source).catch((error) => error.message)
    return [message, await context.blobs.head('failed')]`)
  expect(answer).toEqual(['the source failed', null])
})

test('a blob that is not there is null, a condition that is not met has no body, and refusals have a code', async () => {
  const answer = await value(`
    const { blobs, queues } = context
    const { etag } = await blobs.put('c', 'x')
    const same = await blobs.get('c', { ifNoneMatch: etag })
    const codes = []
    for (const call of [() => blobs.put('', 'x'), () => blobs.get('c', { range: { offset: 9 } }), () => queues.send('a b', 1)])
      await call().catch((error) => codes.push(error.code))
    return [await blobs.get('none'), same.body, same.etag === etag, await blobs.put('c', 'y', { ifNoneMatch: '*' }), codes,
      await blobs.delete('c'), await blobs.deleteMany(['c', 'text']), (await blobs.list({ prefix: 'l' })).blobs.map((b) => b.key)]`)
  expect(answer).toEqual([null, null, true, null, Array(3).fill('INVALID_ARGUMENT'), true, 1, ['long']])
})

test('a cell that dies in the middle of an upload leaves nothing', async () => {
  const { status } = await cells.run(
    `const source = new ReadableStream({ start(c) { c.enqueue(new Uint8Array(1_500_000)) }, pull() { while (true); } })
     await context.blobs.put('dead', source)`,
    { grants, wallMs: 500 },
  )
  expect(status).toBe('timeout')
  expect(await value(`return await context.blobs.head('dead')`)).toBeNull()
})

test('messages that are sent are in the queue', async () => {
  const sent = (await value(`
    const first = await context.queues.send('mail', { to: 'ann' }, { deduplicationId: 'd' })
    const more = await context.queues.sendMany('mail', [{ body: 1 }, { body: 2, delaySeconds: 5 }])
    return [first, ...more]`)) as { id: string }[]
  const there = await stores.queues.peek(ann, 'mail', { limit: 10 })
  expect(there.map(({ id, body }) => [id, body])).toEqual(sent.map(({ id }, n) => [id, ['{"to":"ann"}', '1', '2'][n]]))
})
