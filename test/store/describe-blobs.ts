import { createHash } from 'node:crypto'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BlobBackend, type BlobQuota, type BlobStore, type OpenBlob, spanOf } from '../../src/core/blobs.ts'
import { systemClock } from '../../src/core/clock.ts'
import { type TenantId, parseTenantId } from '../../src/core/ids.ts'
import { type OwnedBlobStore, openBlobStore } from '../../src/store/blobs/blob-store.ts'
import { openTemporaryStores } from '../../src/store/sqlite/open.ts'

const QUOTA: BlobQuota = { blobs: 20, storedBytes: 100_000, blobBytes: 60_000 }

/** A backend of blobs, and how to look at it from outside. */
interface Kind {
  readonly open: (directory: string) => Promise<BlobBackend>
  /** The names of all objects that there are. */
  readonly names: (directory: string) => readonly string[]
  /** Whether an object is among them while it is being written. */
  readonly shows: 'all' | 'whole'
}

/** What a store of blobs does, whatever keeps their contents. */
export function describeBlobs(kind: Kind): void {
  let stores: Awaited<ReturnType<typeof openTemporaryStores>>
  let directory: string
  let backend: BlobBackend
  let blobs: OwnedBlobStore
  const faults: unknown[] = []
  let tenants = 0
  beforeAll(async () => {
    stores = await openTemporaryStores({ clock: systemClock })
    directory = join(stores.directory, 'blobs')
    backend = await kind.open(directory)
    blobs = await openBlobStore({ index: stores.blobs, backend, clock: systemClock, onFault: (e) => faults.push(e) })
  })
  afterAll(async () => {
    await blobs[Symbol.asyncDispose]()
    await stores[Symbol.asyncDispose]()
  })

  async function fresh(): Promise<TenantId> {
    const id = parseTenantId(`t${(tenants += 1)}`)!
    const now = systemClock.now()
    await stores.tenants.put({ id, policy: 'default', budget: {}, createdAt: now, updatedAt: now })
    return id
  }

  interface Put {
    readonly store?: BlobStore
    readonly quota?: BlobQuota
    readonly ifMatch?: string[]
    readonly ifNoneMatch?: string[]
  }

  async function put(
    tenant: TenantId,
    key: string,
    content: string,
    { store = blobs, quota = QUOTA, ...when }: Put = {},
  ) {
    const upload = await store.begin(tenant, quota)
    const bytes = Buffer.from(content)
    for (let at = 0; at < bytes.length; at += 10_000) await upload.write(bytes.subarray(at, at + 10_000))
    return upload.commit({ key, contentType: 'text/plain', metadata: { by: 'test' } }, when)
  }

  async function get(tenant: TenantId, key: string, store: BlobStore = blobs): Promise<string | undefined> {
    const found = await store.open(tenant, key, ({ size }) => ({ offset: 0, length: size }))
    return found && contentOf(found as OpenBlob)
  }

  async function contentOf({ body }: OpenBlob): Promise<string> {
    await using source = body
    const chunks: Buffer[] = []
    for (let chunk = await source.read(7_000); chunk !== undefined; chunk = await source.read(7_000)) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  }

  const files = (): readonly string[] => kind.names(directory)

  test('a blob comes back as it was put, with what was said of it', async () => {
    const tenant = await fresh()
    const content = 'ä'.repeat(20_000)
    const etag = createHash('sha256').update(content).digest('hex')
    const record = { key: 'a/b', size: 40_000, etag, contentType: 'text/plain', metadata: { by: 'test' } }
    expect(await put(tenant, 'a/b', content)).toMatchObject({ outcome: 'done', record })
    expect(await blobs.head(tenant, 'a/b')).toMatchObject(record)
    expect(await get(tenant, 'a/b')).toBe(content)
    expect(await blobs.stored(tenant)).toEqual({ blobs: 1, bytes: 40_000 })
    expect(await blobs.delete(tenant, ['a/b', 'c'])).toBe(1)
    expect(await get(tenant, 'a/b')).toBeUndefined()
    expect(await blobs.stored(tenant)).toEqual({ blobs: 0, bytes: 0 })
  })

  test('a blob of no bytes is one', async () => {
    const tenant = await fresh()
    expect(await put(tenant, 'empty', '')).toMatchObject({ outcome: 'done' })
    expect(await get(tenant, 'empty')).toBe('')
  })

  test('a reader goes on reading what it has opened, while the blob is replaced and deleted', async () => {
    const tenant = await fresh()
    await put(tenant, 'k', 'old'.repeat(9_000))
    const open = (await blobs.open(tenant, 'k', ({ size }) => ({ offset: 0, length: size }))) as OpenBlob
    await put(tenant, 'k', 'new')
    await blobs.delete(tenant, ['k'])
    await blobs.sweep()
    expect(await contentOf(open)).toBe('old'.repeat(9_000))
  })

  test('a part of a blob is read, from the front or from the end', async () => {
    const tenant = await fresh()
    await put(tenant, 'k', '0123456789')
    const part = async (range: Parameters<typeof spanOf>[0]) => {
      const found = await blobs.open(tenant, 'k', ({ size }) => spanOf(range, size))
      return found && 'body' in found ? contentOf(found) : undefined
    }
    expect(await part({ offset: 3, length: 4 })).toBe('3456')
    expect(await part({ offset: 8 })).toBe('89')
    expect(await part({ offset: 8, length: 100 })).toBe('89')
    expect(await part({ suffix: 3 })).toBe('789')
    expect(await part({ suffix: 300 })).toBe('0123456789')
    expect(await part({ offset: 10 })).toBeUndefined()
  })

  test('no name of a tenant or a key names a file', async () => {
    const tenant = await fresh()
    for (const key of ['../../escape', '/etc/passwd', 'a\0b', '.', '..', 'x'.repeat(1_000)]) {
      await put(tenant, key, key)
      expect(await get(tenant, key)).toBe(key)
    }
    for (const name of files()) expect(name).toMatch(/^[0-9a-f]{32}$/)
  })

  test('one tenant’s blobs are not there for another, nor for a later one of the same name', async () => {
    const [tenant, other] = [await fresh(), await fresh()]
    await put(tenant, 'k', 'mine')
    expect(await get(other, 'k')).toBeUndefined()
    expect(await blobs.delete(other, ['k'])).toBe(0)
    const before = await blobs.generation(tenant)
    await stores.tenants.delete(tenant)
    const now = systemClock.now()
    await stores.tenants.put({ id: tenant, policy: 'default', budget: {}, createdAt: now, updatedAt: now })
    expect(await get(tenant, 'k')).toBeUndefined()
    expect(await blobs.stored(tenant)).toEqual({ blobs: 0, bytes: 0 })
    expect(await blobs.generation(tenant)).not.toBe(before)
  })

  describe('a condition', () => {
    test('lets a write pass only if what is there fits', async () => {
      const tenant = await fresh()
      expect(await put(tenant, 'k', 'x', { ifMatch: ['*'] })).toEqual({ outcome: 'condition-failed' })
      const first = await put(tenant, 'k', 'one', { ifNoneMatch: ['*'] })
      const etag = first.outcome === 'done' ? first.record.etag : ''
      expect(await put(tenant, 'k', 'x', { ifNoneMatch: ['*'] })).toEqual({ outcome: 'condition-failed' })
      expect(await put(tenant, 'k', 'x', { ifMatch: ['0'.repeat(64)] })).toEqual({ outcome: 'condition-failed' })
      expect(await put(tenant, 'k', 'x', { ifNoneMatch: [etag] })).toEqual({ outcome: 'condition-failed' })
      expect(await get(tenant, 'k')).toBe('one')
      expect(await put(tenant, 'k', 'two', { ifMatch: ['0'.repeat(64), etag] })).toMatchObject({ outcome: 'done' })
    })

    test('lets one of many pass that begin at the same time', async () => {
      const tenant = await fresh()
      const tried = await Promise.all(
        Array.from({ length: 8 }, (_, n) => put(tenant, 'k', `${n}`, { ifNoneMatch: ['*'] })),
      )
      expect(tried.filter(({ outcome }) => outcome === 'done')).toHaveLength(1)
    })
  })

  describe('quotas', () => {
    test('are exact under concurrency, and what is refused leaves no file behind', async () => {
      const tenant = await fresh()
      await blobs.sweep()
      const before = files().length
      const tried = await Promise.all(Array.from({ length: 9 }, (_, n) => put(tenant, `k${n}`, 'x'.repeat(11_000))))
      expect(tried.map(({ outcome }) => outcome).filter((outcome) => outcome !== 'done')).toEqual([])
      const more = await Promise.all(Array.from({ length: 3 }, (_, n) => put(tenant, `m${n}`, 'x'.repeat(999))))
      expect(more.map(({ outcome }) => outcome).toSorted()).toEqual(['bytes-exceeded', 'bytes-exceeded', 'done'])
      expect(await blobs.stored(tenant)).toEqual({ blobs: 10, bytes: 99_999 })
      await blobs.sweep()
      expect(files().length).toBe(before + 10)
    })

    test('bound the number of blobs; replacing one adds none', async () => {
      const tenant = await fresh()
      for (let n = 0; n < 20; n += 1) await put(tenant, `k${n}`, 'x')
      expect(await put(tenant, 'more', 'x')).toEqual({ outcome: 'blobs-exceeded' })
      expect(await put(tenant, 'k3', 'y')).toMatchObject({ outcome: 'done' })
      const lowered = { ...QUOTA, storedBytes: 1 }
      expect(await put(tenant, 'k3', 'z', { quota: lowered })).toMatchObject({ outcome: 'done' })
    })

    test('end an upload that is too long, and uploads that are too much together, before they fill the disk', async () => {
      const tenant = await fresh()
      await expect(put(tenant, 'k', 'x'.repeat(60_001))).rejects.toMatchObject({ code: 'TOO_LARGE' })
      const both = [await blobs.begin(tenant, QUOTA), await blobs.begin(tenant, QUOTA)] as const
      await both[0].write(Buffer.alloc(60_000))
      await expect(both[1].write(Buffer.alloc(40_001))).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' })
      await both[0].abort()
      expect(await put(tenant, 'k', 'x'.repeat(60_000))).toMatchObject({ outcome: 'done' })
    })

    test('bound the uploads that are open', async () => {
      const tenant = await fresh()
      const open = await Promise.all(Array.from({ length: 32 }, () => blobs.begin(tenant, QUOTA)))
      await expect(blobs.begin(tenant, QUOTA)).rejects.toMatchObject({ code: 'CONCURRENCY_LIMITED' })
      await Promise.all(open.map((upload) => upload.abort()))
      await (await blobs.begin(tenant, QUOTA)).abort()
    })
  })

  describe('when the host fails', () => {
    test('an upload that was on its way is invisible, and its file goes at the next start', async () => {
      const tenant = await fresh()
      await blobs.sweep()
      const before = files().toSorted()
      const upload = await blobs.begin(tenant, QUOTA)
      await upload.write(Buffer.from('half'))
      expect(files()).toHaveLength(before.length + (kind.shows === 'all' ? 1 : 0))
      // As a later process finds it: nobody has aborted anything.
      const later = await kind.open(directory)
      const again = await openBlobStore({
        index: stores.blobs,
        backend: later,
        clock: systemClock,
        onFault: () => undefined,
      })
      await again.sweep()
      expect(await again.head(tenant, 'k')).toBeUndefined()
      expect(files().toSorted()).toEqual(before)
      await expect(upload.commit({ key: 'k', contentType: 'x/y', metadata: {} }, {})).rejects.toMatchObject({
        code: 'INTERNAL',
      })
    })

    test('an object that was whole when the host died before its commit is removed', async () => {
      const tenant = await fresh()
      await blobs.sweep()
      const before = files().toSorted()
      const object = 'ab'.repeat(16)
      await stores.blobs.begin(tenant, object)
      const sink = backend.create(object)
      await sink.write(Buffer.from('whole'))
      await sink.finish()
      expect(files()).toHaveLength(before.length + 1)
      const again = await openBlobStore({ index: stores.blobs, backend, clock: systemClock, onFault: () => undefined })
      await again.sweep()
      expect(files().toSorted()).toEqual(before)
    })

    test('a backend that fails leaves the old blob and no place taken', async () => {
      const tenant = await fresh()
      await put(tenant, 'k', 'old')
      for (const failing of ['write', 'finish'] as const) {
        const full: BlobBackend = {
          ...backend,
          create: (object) => {
            const sink = backend.create(object)
            const fail = () => Promise.reject(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }))
            return {
              write: (b) => sink.write(b),
              finish: () => sink.finish(),
              abort: () => sink.abort(),
              [failing]: fail,
            }
          },
        }
        const store = await openBlobStore({
          index: stores.blobs,
          backend: full,
          clock: systemClock,
          onFault: () => undefined,
        })
        for (let n = 0; n < 40; n += 1) {
          await expect(put(tenant, 'k', 'new', { store })).rejects.toMatchObject({ code: 'INTERNAL' })
        }
      }
      expect(await get(tenant, 'k')).toBe('old')
    })

    test('an object that cannot be removed is tried again', async () => {
      const tenant = await fresh()
      await blobs.sweep()
      await put(tenant, 'k', 'x')
      let isFailing = true
      const told: unknown[] = []
      const stubborn: BlobBackend = {
        ...backend,
        remove: (object) => (isFailing ? Promise.reject(new Error('busy')) : backend.remove(object)),
      }
      const store = await openBlobStore({
        index: stores.blobs,
        backend: stubborn,
        clock: systemClock,
        onFault: (e) => told.push(e),
      })
      await store.delete(tenant, ['k'])
      await store.sweep()
      expect(told).not.toEqual([])
      expect(await stores.blobs.garbage(10)).toHaveLength(1)
      isFailing = false
      await store.sweep()
      expect(await stores.blobs.garbage(10)).toEqual([])
    })
  })

  test('pages with a delimiter tell what a whole listing tells, for any keys', async () => {
    const key = fc
      .array(fc.constantFrom('a', 'b', '/', '\u{10ffff}', '😀'), { minLength: 1, maxLength: 5 })
      .map((parts) => parts.join(''))
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(key, { maxLength: 12 }),
        fc.constantFrom('', 'a', 'a/', '/', '\u{10ffff}'),
        fc.option(fc.constantFrom('/', 'b'), { nil: undefined }),
        fc.integer({ min: 1, max: 4 }),
        async (keys, prefix, delimiter, limit) => {
          const tenant = await fresh()
          for (const one of keys) await put(tenant, one, '')
          const expected = new Set<string>()
          for (const one of keys.filter((name) => name.startsWith(prefix))) {
            const at = delimiter === undefined ? -1 : one.indexOf(delimiter, prefix.length)
            expected.add(at === -1 ? one : one.slice(0, at + delimiter!.length))
          }
          const seen: string[] = []
          for (let cursor: string | undefined; ;) {
            const listing = { prefix, limit, ...(delimiter && { delimiter }), ...(cursor !== undefined && { cursor }) }
            const page = await blobs.list(tenant, listing)
            expect(page.blobs.length + page.prefixes.length).toBeLessThanOrEqual(limit)
            seen.push(...page.blobs.map((blob) => blob.key), ...page.prefixes)
            cursor = page.cursor
            if (cursor === undefined) break
          }
          expect(seen.toSorted()).toEqual([...expected].toSorted())
        },
      ),
      { numRuns: 25 },
    )
  })

  test('none of it was a fault of the host', () => {
    expect(faults).toEqual([])
  })
}
