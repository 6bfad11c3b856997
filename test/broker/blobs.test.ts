import { setImmediate as turn } from 'node:timers/promises'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseTenantId } from '../../src/core/ids.ts'
import { BLOBS, type Calls, type StorageWorld, openStorage } from './storage-world.ts'

let world: StorageWorld
let tenants = 0
beforeAll(async () => {
  world = await openStorage(Array.from({ length: 60 }, (_, index) => `t${index}`))
})
afterAll(() => world[Symbol.asyncDispose]())

const fresh = (grant = BLOBS) => world.as(`t${tenants++}`, { blobs: grant })
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const MIB = 1 << 20

async function readAll(blobs: Calls, key: string, options?: object): Promise<string> {
  const { value } = await blobs('blobs.get', key, options)
  const chunks = [value.content]
  while (value.handle !== undefined) {
    const next = await blobs('blobs.read', value.handle)
    if (next.value === null) break
    chunks.push(next.value)
  }
  return Buffer.concat(chunks.map((chunk) => Buffer.from(chunk, 'base64'))).toString()
}

function incoming(): string[] {
  return readdirSync(join(world.stores.directory, 'blobs', 'incoming'))
}

test('a short blob goes and comes in one call', async () => {
  const blobs = fresh()
  const options = { contentType: 'text/plain', metadata: { by: 'ann' } }
  const { value } = await blobs('blobs.put', 'a/b.txt', base64('hello'), options)
  expect(value).toEqual({
    key: 'a/b.txt',
    size: 5,
    etag: expect.stringMatching(/^[0-9a-f]{64}$/),
    uploadedAt: '2026-01-01T00:00:00.000Z',
    ...options,
  })
  expect(await blobs('blobs.head', 'a/b.txt')).toEqual({ value })
  const answer = { blob: value, range: { offset: 0, length: 5 }, content: base64('hello') }
  expect(await blobs('blobs.get', 'a/b.txt')).toEqual({ value: answer })
  expect(await blobs('blobs.delete', 'a/b.txt')).toEqual({ value: true })
  expect(await blobs('blobs.delete', 'a/b.txt')).toEqual({ value: false })
  expect(await blobs('blobs.get', 'a/b.txt')).toEqual({ value: null })
})

test('a long blob goes and comes in pieces, and is not there before its commit', async () => {
  const blobs = fresh()
  const { value: handle } = await blobs('blobs.begin')
  const piece = 'x'.repeat(MIB)
  await blobs('blobs.write', handle, base64(piece))
  await blobs('blobs.write', handle, base64(`${piece.slice(3)}end`))
  expect(await blobs('blobs.head', 'k')).toEqual({ value: null })
  expect(await blobs('blobs.commit', handle, 'k')).toMatchObject({ value: { size: 2 * MIB } })
  expect(await readAll(blobs, 'k')).toBe(`${piece}${piece.slice(3)}end`)
  expect(await readAll(blobs, 'k', { range: { suffix: 3 } })).toBe('end')
  expect((await blobs('blobs.write', handle, '')).code).toBe('INVALID_ARGUMENT')
  expect((await blobs('blobs.commit', handle, 'k')).code).toBe('INVALID_ARGUMENT')
})

test('a condition that is not met gives null for a put, and a blob without content for a get', async () => {
  const blobs = fresh()
  const { value } = await blobs('blobs.put', 'k', base64('one'), { ifNoneMatch: '*' })
  expect(await blobs('blobs.put', 'k', base64('two'), { ifNoneMatch: '*' })).toEqual({ value: null })
  expect(await blobs('blobs.get', 'k', { ifNoneMatch: value.etag })).toEqual({ value: { blob: value } })
  expect(await blobs('blobs.put', 'k', base64('two'), { ifMatch: value.etag })).toHaveProperty('value.size', 3)
})

test('what a run leaves open at its end is given up, whether it lies still or is on its way', async () => {
  const blobs = fresh()
  const { value: handle } = await blobs('blobs.begin')
  await blobs('blobs.write', handle, base64('half'))
  const writing = blobs('blobs.write', handle, base64('more'))
  const opening = blobs('blobs.begin')
  expect(incoming()).toHaveLength(1)
  blobs.session[Symbol.dispose]()
  await Promise.all([writing, opening])
  expect((await blobs('blobs.commit', handle, 'k')).code).toBe('RUN_OVER')
  const again = world.as(`t${tenants - 1}`)
  while (incoming().length > 0) await turn()
  expect(await again('blobs.head', 'k')).toEqual({ value: null })
  // Its places are free again, all of them.
  let open = 0
  while (open < 32) {
    if ((await again('blobs.begin')).value !== undefined) open += 1
    else await turn()
  }
  again.session[Symbol.dispose]()
})

test('a run has so many bodies open and no more, and closing one makes room', async () => {
  const blobs = fresh()
  await blobs('blobs.begin').then(({ value }) => blobs('blobs.write', value, base64('x'.repeat(MIB))))
  const long = (await blobs('blobs.begin')).value
  await blobs('blobs.write', long, base64('x'.repeat(MIB)))
  await blobs('blobs.write', long, base64('x'))
  await blobs('blobs.commit', long, 'long')
  const opened = await Promise.all(Array.from({ length: 40 }, () => blobs('blobs.get', 'long')))
  expect(opened.filter(({ value }) => value !== undefined)).toHaveLength(31)
  expect(opened.at(-1)?.code).toBe('QUOTA_EXCEEDED')
  await blobs('blobs.close', opened[0]!.value.handle)
  expect(await blobs('blobs.get', 'long')).toHaveProperty('value.handle')
})

test('one handle takes one call at a time, and those of another run are unknown', async () => {
  const [blobs, other] = [fresh(), fresh()]
  const { value: handle } = await blobs('blobs.begin')
  const both = await Promise.all([blobs('blobs.write', handle, base64('a')), blobs('blobs.write', handle, base64('b'))])
  expect(both.map(({ code }) => code)).toEqual([undefined, 'INVALID_ARGUMENT'])
  expect((await other('blobs.write', handle, base64('x'))).message).toBe('handle is not that of an open body')
  await blobs('blobs.close', handle)
})

describe('a quota', () => {
  test('of one blob ends its upload', async () => {
    const blobs = fresh()
    const { value: handle } = await blobs('blobs.begin')
    for (let n = 0; n < 3; n += 1) await blobs('blobs.write', handle, base64('x'.repeat(MIB)))
    expect(await blobs('blobs.write', handle, base64('x'))).toEqual({
      code: 'QUOTA_EXCEEDED',
      message: 'the blob is longer than 3145728 bytes, the most that the policy allows',
    })
    expect((await blobs('blobs.commit', handle, 'k')).code).toBe('INVALID_ARGUMENT')
  })

  test('of the number and of the bytes refuses in words that name the field', async () => {
    const blobs = fresh({ ...BLOBS, blobs: 2 })
    await blobs('blobs.put', 'a', base64('x'))
    await blobs('blobs.put', 'b', base64('x'))
    expect((await blobs('blobs.put', 'c', base64('x'))).message).toContain('capabilities.blobs.blobs')
    const small = fresh({ ...BLOBS, storedBytes: 5 as never })
    expect((await small('blobs.put', 'a', base64('123456'))).code).toBe('QUOTA_EXCEEDED')
    expect((await small('blobs.put', 'a', base64('12345'))).value.size).toBe(5)
    expect((await small('blobs.put', 'b', base64('1'))).message).toContain('capabilities.blobs.storedBytes')
  })
})

test('every key, option and piece of content is checked before anything is done', async () => {
  const blobs = fresh()
  const messages = async (operation: string, ...args: unknown[]) => (await blobs(`blobs.${operation}`, ...args)).message
  for (const key of [undefined, 5, '', '.', '..', '\ud800', 'x'.repeat(65), ['k']]) {
    for (const call of [['head'], ['put', ''], ['get'], ['delete'], ['signedUrl']] as const) {
      expect(await messages(call[0], key, ...call.slice(1))).toMatch(/^key /)
    }
  }
  for (const content of [undefined, 5, 'a', '$$$$', 'YQ', base64('x'.repeat(MIB + 1))]) {
    expect(await messages('put', 'k', content)).toMatch(/^content /)
  }
  expect(await messages('put', 'k', '', { contentType: 'text' })).toMatch(/^options.contentType must be a media type/)
  expect(await messages('put', 'k', '', { contentType: 'a/b\r\nx: y' })).toMatch(/^options.contentType/)
  expect(await messages('put', 'k', '', { metadata: { A: 'x' } })).toMatch(/"A" must be 1 to 64 of a-z/)
  expect(await messages('put', 'k', '', { metadata: { a: 'x\n' } })).toMatch(/"a" must be text of visible ASCII/)
  expect(await messages('put', 'k', '', { metadata: { a: 'x'.repeat(2_048) } })).toMatch(/has 2049 bytes; at most 2048/)
  expect(await messages('put', 'k', '', { ifMatch: 'W/"x"' })).toMatch(/^options.ifMatch must be an etag/)
  expect(await messages('get', 'k', { range: { offset: -1 } })).toMatch(/^options.range.offset must be a whole number/)
  expect(await messages('get', 'k', { range: { suffix: 1, offset: 1 } })).toMatch(/goes alone/)
  expect(await messages('list', { limit: 1_001 })).toMatch(/^options.limit/)
  expect(await messages('deleteMany', [])).toMatch(/^keys must be a list of 1 to 1000/)
  expect(await messages('signedUrl', 'k', { expiresInSeconds: 604_801 })).toMatch(/from 1 to 604800/)
  await blobs('blobs.put', 'k', base64('abc'))
  expect(await messages('get', 'k', { range: { offset: 3 } })).toMatch(/behind the end of the blob, which has 3 bytes/)
})

test('whatever the arguments are, a call is answered or refused, and never a fault of the host', async () => {
  const blobs = fresh()
  const names = [
    'head',
    'put',
    'begin',
    'write',
    'commit',
    'get',
    'read',
    'close',
    'delete',
    'deleteMany',
    'list',
    'signedUrl',
  ]
  const argument = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom(
      'k',
      base64('x'),
      1,
      2,
      [['k']],
      { range: { offset: 0 } },
      { metadata: { a: 'b' } },
      { ifMatch: '*' },
    ),
  )
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...names), fc.array(argument, { maxLength: 4 }), async (name, args) => {
      const { code } = await blobs(`blobs.${name}`, ...args)
      expect([undefined, 'INVALID_ARGUMENT', 'QUOTA_EXCEEDED']).toContain(code)
    }),
    { numRuns: 400 },
  )
})

describe('a signed URL', () => {
  const queryOf = (url: string) => {
    const { searchParams } = new URL(url)
    return { expires: searchParams.get('expires')!, signature: searchParams.get('signature')! }
  }

  test('is good for its tenant and key until it expires', async () => {
    const blobs = fresh()
    const tenant = parseTenantId(`t${tenants - 1}`)!
    const { value } = await blobs('blobs.signedUrl', 'a b/ü?.txt', { expiresInSeconds: 60 })
    const given = queryOf(value)
    expect(value).toMatch(/^http:\/\/host\.example\/blobs\/t\d+\/a%20b%2F%C3%BC%3F\.txt\?/)
    expect(await world.urls.check(tenant, 'a b/ü?.txt', given)).toBe(true)
    expect(await world.urls.check(tenant, 'other', given)).toBe(false)
    expect(await world.urls.check(parseTenantId('t0')!, 'a b/ü?.txt', given)).toBe(false)
    expect(await world.urls.check(tenant, 'a b/ü?.txt', { ...given, expires: `${Number(given.expires) + 1}` })).toBe(
      false,
    )
    for (const signature of ['', 'AAAA', given.signature.slice(1), `${given.signature}AA`, '\u{1f600}']) {
      expect(await world.urls.check(tenant, 'a b/ü?.txt', { ...given, signature })).toBe(false)
    }
    world.pass(59_000)
    expect(await world.urls.check(tenant, 'a b/ü?.txt', given)).toBe(true)
    world.pass(1_000)
    expect(await world.urls.check(tenant, 'a b/ü?.txt', given)).toBe(false)
  })

  test('says nothing of a later tenant of the same name', async () => {
    const blobs = fresh()
    const id = parseTenantId(`t${tenants - 1}`)!
    const given = queryOf((await blobs('blobs.signedUrl', 'k')).value)
    await world.stores.tenants.delete(id)
    expect(await world.urls.check(id, 'k', given)).toBe(false)
    await world.stores.tenants.put({ id, policy: 'default', budget: {}, createdAt: 0 as never, updatedAt: 0 as never })
    expect(await world.urls.check(id, 'k', given)).toBe(false)
  })
})

test('none of what is tried here is a fault of the host', () => {
  expect(world.faults).toEqual([])
})
