import { createHash, randomBytes } from 'node:crypto'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { BlobRecord } from '../../src/core/blobs.ts'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import type { EpochMillis } from '../../src/core/quantity.ts'
import { openS3Backend } from '../../src/store/blobs/s3/s3-backend.ts'
import { sha256, signHeaders, signQuery } from '../../src/store/blobs/s3/signature.ts'
import { describeBlobs } from './describe-blobs.ts'
import { openS3Server } from './s3-server.ts'

const server = await openS3Server()
const clock: Clock = systemClock
const open = (settings: object = {}) =>
  openS3Backend({ ...server.settings, ...settings }, { clock, urls: 'storage', timeoutMs: 5_000 })
const backend = open()
afterAll(async () => {
  await backend[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})
afterEach(() => {
  server.trouble = () => undefined
})

const MIB = 1 << 20
const name = () => randomBytes(16).toString('hex')

async function store(object: string, content: Buffer, step = MIB): Promise<void> {
  const sink = backend.create(object)
  for (let at = 0; at < content.length; at += step) await sink.write(content.subarray(at, at + step))
  await sink.finish()
}

async function load(object: string, offset: number, length: number): Promise<Buffer | undefined> {
  await using source = await backend.open(object, { offset, length })
  if (source === undefined) return undefined
  const chunks: Buffer[] = []
  for (let chunk = await source.read(100_000); chunk; chunk = await source.read(100_000)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** What was asked for, of one object. */
const askedFor = (object: string) =>
  server.seen.filter((one) => one.includes(object)).map((one) => one.replace(/ .*\//, ' '))

describe('the store', () => {
  describeBlobs({
    open: async () => open(),
    names: () => [...server.objects.keys()].map((key) => key.replace(/^p\//, '')),
    shows: 'whole',
  })
})

describe('Signature Version 4, by the examples of AWS', () => {
  const credentials = {
    accessKey: 'AKIAIOSFODNN7EXAMPLE',
    secretKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    region: 'us-east-1',
  }
  const at = Date.UTC(2013, 4, 24) as EpochMillis
  const host = 'examplebucket.s3.amazonaws.com'

  test('GET Object with a range', () => {
    const request = { method: 'GET', path: '/test.txt', query: {}, headers: { host, range: 'bytes=0-9' }, at }
    expect(signHeaders(request, sha256(''), credentials)['authorization']).toBe(
      'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    )
  })

  test('PUT Object', () => {
    const headers = { host, date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' }
    const request = { method: 'PUT', path: '/test%24file.text', query: {}, headers, at }
    expect(signHeaders(request, sha256('Welcome to Amazon S3.'), credentials)['authorization']).toMatch(
      /Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd$/,
    )
  })

  test('GET Bucket, with a query', () => {
    const lifecycle = { method: 'GET', path: '/', query: { lifecycle: '' }, headers: { host }, at }
    expect(signHeaders(lifecycle, sha256(''), credentials)['authorization']).toMatch(
      /Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543$/,
    )
    const list = { ...lifecycle, query: { prefix: 'J', 'max-keys': '2' } }
    expect(signHeaders(list, sha256(''), credentials)['authorization']).toMatch(
      /Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7$/,
    )
  })

  test('a presigned URL', () => {
    const request = { method: 'GET', path: '/test.txt', query: {}, headers: { host }, at }
    expect(signQuery(request, 86_400, credentials)).toBe(
      'X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
    )
  })
})

describe('content', () => {
  test('that fits one part goes by one request, whatever the pieces it came in', async () => {
    const [object, content] = [name(), Buffer.alloc(8 * MIB, 'x')]
    await store(object, content, 700_001)
    expect(askedFor(object)).toEqual([`PUT ${object}`])
    expect(server.objects.get(`p/${object}`)!.equals(content)).toBe(true)
  })

  test('that is longer goes part by part, and ranges of it come back', async () => {
    const [object, content] = [name(), randomBytes(17 * MIB)]
    await store(object, content, 3 * MIB + 1)
    expect(server.uploads.size).toBe(0)
    expect(askedFor(object).filter((one) => one.startsWith('PUT'))).toHaveLength(3)
    const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
    expect(digest((await load(object, 0, content.length))!)).toBe(digest(content))
    expect(await load(object, 9 * MIB, 5)).toEqual(content.subarray(9 * MIB, 9 * MIB + 5))
  })

  test('is found by a URL that anybody has, and by no other', async () => {
    const object = name()
    await store(object, Buffer.from('for anybody'))
    const url = backend.presign(object, { contentType: 'text/plain; a=(b)' } as BlobRecord, 60)!
    expect(await (await fetch(url)).text()).toBe('for anybody')
    expect((await fetch(url.replace('X-Amz-Expires=60', 'X-Amz-Expires=61'))).status).toBe(403)
  })

  test('is removed once and again', async () => {
    const object = name()
    await store(object, Buffer.from('x'))
    await backend.remove(object)
    await backend.remove(object)
    expect(await load(object, 0, 1)).toBeUndefined()
  })
})

describe('when storage fails', () => {
  test('what may be asked twice is asked again, a bounded number of times', async () => {
    const object = name()
    const troubles: (number | 'cut' | 'cut-after')[] = [503, 'cut', 'cut-after']
    server.trouble = () => troubles.shift()
    await store(object, Buffer.from('x'))
    expect(askedFor(object)).toHaveLength(4)
    server.trouble = () => 500
    await expect(load(object, 0, 1)).rejects.toMatchObject({ code: 'INTERNAL', status: 500, reason: 'SlowDown' })
    expect(askedFor(object)).toHaveLength(8)
  })

  test('an upload that completed although its answer was lost is whole', async () => {
    const [object, content] = [name(), Buffer.alloc(9 * MIB, 'x')]
    let cuts = 1
    server.trouble = (request) => (/^POST (?!.*uploads)/.test(request) && cuts-- > 0 ? 'cut-after' : undefined)
    await store(object, content)
    expect(server.objects.get(`p/${object}`)!.length).toBe(content.length)
  })

  test('an upload that is given up leaves no parts', async () => {
    const object = name()
    const sink = backend.create(object)
    await sink.write(Buffer.alloc(9 * MIB))
    expect(server.uploads.size).toBe(1)
    await sink.abort()
    expect(server.uploads.size).toBe(0)
    await expect(sink.write(Buffer.alloc(1))).rejects.toThrow('given up')
  })

  test('parts that a host left when it died go with the object', async () => {
    const object = name()
    await backend.create(object).write(Buffer.alloc(9 * MIB))
    expect(server.uploads.size).toBe(1)
    await backend.remove(object)
    expect(server.uploads.size).toBe(0)
  })

  test('a reader learns that its content was cut short', async () => {
    const object = name()
    await store(object, Buffer.alloc(MIB))
    server.trouble = () => 'cut-body'
    await expect(load(object, 0, MIB)).rejects.toMatchObject({ code: 'INTERNAL' })
  })

  test.each([
    ['another secret', { secretKey: 'wrong-secret' }, 'GET, HTTP 403, SignatureDoesNotMatch'],
    ['no such bucket', { bucket: 'missing' }, 'GET, HTTP 404, NoSuchBucket'],
    ['nobody there', { endpoint: 'http://127.0.0.1:1' }, 'GET, no answer, ECONNREFUSED'],
  ])('a check says that there is %s, and nothing secret', async (_, settings, said) => {
    await using other = open(settings)
    const fault = await other.check().catch((error: unknown) => error as Error)
    expect(String(fault)).toContain(said)
    expect(JSON.stringify(fault) + (fault as Error).stack).not.toMatch(/wrong-secret|a\+secret|AKIATEST/)
  })

  test('a check is content with a bucket that is there', async () => {
    await backend.check()
  })
})
