import { once } from 'node:events'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import type { CloisterError } from '../../src/core/errors.ts'
import { listen } from '../../src/core/events.ts'
import { bytes, epochMillis, millis } from '../../src/core/quantity.ts'
import { encodeRecord } from '../../src/store/canonical.ts'
import { verifyLedger } from '../../src/store/chain.ts'
import { migrate } from '../../src/store/sqlite/migrations.ts'
import { openTemporaryStores } from '../../src/store/sqlite/open.ts'
import { WriteQueue } from '../../src/store/sqlite/write-queue.ts'
import { temporaryFolder } from './folder.ts'
import { ALL, AMPLE, NO_DETAILS, START, alice, collect, fakeClock, record, tenant } from './samples.ts'

const INTERNAL = { code: 'INTERNAL', cause: expect.anything() }

test('posts that come together share commits', async () => {
  await using stores = await openTemporaryStores({ clock: fakeClock() })
  const commits: number[] = []
  const stop = listen('ledger.committed', ({ records }) => commits.push(records))
  await Promise.all(Array.from({ length: 3_000 }, () => stores.ledger.post(record(), NO_DETAILS)))
  stop()
  expect(commits.reduce((sum, count) => sum + count, 0)).toBe(3_000)
  expect(commits.length).toBeLessThanOrEqual(4)
})

test('one write that fails does not fail those that share its commit', async () => {
  await using stores = await openTemporaryStores({ clock: fakeClock() })
  await stores.tenants.put(tenant(alice))
  using database = new DatabaseSync(join(stores.directory, 'cloister.db'))
  database.exec(`CREATE TRIGGER fault BEFORE INSERT ON run_details BEGIN SELECT RAISE(ABORT, 'no details today'); END`)
  const [first, failing, last] = [record(), record(), record()]
  const logs = [{ level: 'info', message: 'a' } as const]
  const results = await Promise.allSettled([
    stores.ledger.post(first, NO_DETAILS),
    stores.ledger.post(failing, { logs }),
    stores.kv.put(alice, { key: 'a', value: '1' }, AMPLE),
    stores.ledger.post(last, NO_DETAILS),
  ])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
  expect(results[1]).toMatchObject({ reason: { code: 'INTERNAL', cause: { message: 'no details today' } } })
  // The refused post left neither a record nor a gap.
  expect(await stores.ledger.page(alice, { limit: 10 })).toEqual([last, first])
  expect(await verifyLedger(stores.ledger.records(alice, ALL))).toMatchObject({ ok: true, records: 2 })
})

test('a commit that fails rejects all that share it, leaves nothing of it, and the store goes on', async () => {
  await using stores = await openTemporaryStores({ clock: fakeClock() })
  const kept = record()
  await stores.ledger.post(kept, NO_DETAILS)
  using database = new DatabaseSync(join(stores.directory, 'cloister.db'))
  // A deferred constraint fails at COMMIT and not before.
  database.exec(`CREATE TABLE parent (a INTEGER PRIMARY KEY);
    CREATE TABLE fault (a INTEGER REFERENCES parent (a) DEFERRABLE INITIALLY DEFERRED);
    CREATE TRIGGER fault AFTER INSERT ON ledger WHEN new.policy = 'fault' BEGIN INSERT INTO fault VALUES (1); END`)
  const results = await Promise.allSettled([
    stores.ledger.post(record(), NO_DETAILS),
    stores.ledger.post(record({ policy: 'fault' }), NO_DETAILS),
    stores.tenants.put(tenant(alice)),
  ])
  for (const result of results) expect(result).toMatchObject({ status: 'rejected', reason: INTERNAL })
  expect(await stores.ledger.page(alice, { limit: 10 })).toEqual([kept])
  expect(await stores.tenants.list()).toEqual([])

  await stores.ledger.post(record(), NO_DETAILS)
  expect(await verifyLedger(stores.ledger.records(alice, ALL))).toMatchObject({ ok: true, records: 2 })
})

test('a full disk rejects what does not fit and loses nothing that was acknowledged', async () => {
  await using stores = await openTemporaryStores({ clock: fakeClock(), sizeMax: bytes(200_000) })
  const posts = Array.from({ length: 2_000 }, () => record())
  const results = await Promise.allSettled(posts.map((post) => stores.ledger.post(post, NO_DETAILS)))
  const acknowledged = posts.filter((_, index) => results[index]!.status === 'fulfilled')
  const refused = results.filter((result) => result.status === 'rejected')
  expect(refused.length).toBeGreaterThan(0)
  for (const result of refused) expect(result.reason).toMatchObject(INTERNAL)
  const lines = await collect(stores.ledger.records(alice, ALL))
  expect(lines.map(({ canonical }) => canonical)).toEqual(acknowledged.map(encodeRecord))
  expect(await verifyLedger(stores.ledger.records(alice, ALL))).toMatchObject({ ok: true })
})

test('more writes than may wait are refused as overloaded, and those that wait are kept', async () => {
  await using stores = await openTemporaryStores({ clock: fakeClock(), writesMax: 10 })
  const post = () => stores.ledger.post(record(), NO_DETAILS)
  const results = await Promise.allSettled(Array.from({ length: 15 }, post))
  expect(results.map(({ status }) => status)).toEqual([...Array(10).fill('fulfilled'), ...Array(5).fill('rejected')])
  expect(results[10]).toMatchObject({ reason: { code: 'OVERLOADED' } })
  await post()
})

test('the length of what waits is bounded too', async () => {
  await using stores = await openTemporaryStores({ clock: fakeClock(), writesLengthMax: 5_000 })
  await stores.tenants.put(tenant(alice))
  const put = (length: number) => stores.kv.put(alice, { key: 'a', value: '1'.repeat(length) }, AMPLE)
  const results = await Promise.allSettled([put(3_000), put(3_000), put(1_000)])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(await put(3_000)).toBe('done')
})

test('closing finishes the writes that wait and refuses those that come later', async () => {
  const stores = await openTemporaryStores({ clock: fakeClock() })
  const early = Array.from({ length: 2_500 }, () => stores.ledger.post(record(), NO_DETAILS))
  const closed = stores[Symbol.asyncDispose]()
  await expect(stores.ledger.post(record(), NO_DETAILS)).resolves.toBeUndefined()
  await Promise.all(early)
  await closed
  await expect(stores.ledger.post(record(), NO_DETAILS)).rejects.toMatchObject({ code: 'DRAINING' })
  await expect(stores.ledger.page(alice, { limit: 1 })).rejects.toMatchObject(INTERNAL)
  await expect(stores.kv.get(alice, 'a')).rejects.toMatchObject(INTERNAL)
  await expect(collect(stores.ledger.records(alice, ALL))).rejects.toMatchObject(INTERNAL)
  await stores[Symbol.asyncDispose]()
})

test('a sweep removes old details and expired entries, a bounded number at a time, and nothing else', async () => {
  const clock = fakeClock()
  await using stores = await openTemporaryStores({ clock, detailsRetention: millis(1_000) })
  await stores.tenants.put(tenant(alice))
  const logs = [{ level: 'info', message: 'a' } as const]
  const old = Array.from({ length: 1_500 }, () => record())
  const recent = record({ startedAt: epochMillis(START + 1) })
  await Promise.all([...old, recent].map((post) => stores.ledger.post(post, { logs })))
  await stores.kv.put(alice, { key: 'old', value: '1', expiresAt: epochMillis(START + 1_001) }, AMPLE)
  await stores.kv.put(alice, { key: 'recent', value: '1', expiresAt: epochMillis(START + 1_002) }, AMPLE)

  const now = epochMillis(START + 1_001)
  expect(await stores.sweep(epochMillis(START + 1_000))).toEqual({ details: 0, entries: 0, complete: true })
  expect(await stores.sweep(now)).toEqual({ details: 1_000, entries: 1, complete: false })
  expect(await stores.sweep(now)).toEqual({ details: 500, entries: 0, complete: true })

  expect(await stores.ledger.find(alice, old[0]!.run)).toEqual({ ...old[0], details: { logs: [] } })
  expect(await stores.ledger.find(alice, recent.run)).toEqual({ ...recent, details: { logs } })
  expect((await stores.kv.list(alice, { prefix: '', limit: 9 })).map(({ key }) => key)).toEqual(['recent'])
})

test('what a deleted tenant stored is gone from the disk when the promise resolves, or after a sweep', async () => {
  await using stores = await openTemporaryStores({ clock: fakeClock() })
  using database = new DatabaseSync(join(stores.directory, 'cloister.db'))
  const left = () =>
    database.prepare('SELECT (SELECT count(*) FROM kv) + (SELECT count(*) FROM kv_orphans) AS rows').get()
  const fill = async (): Promise<void> => {
    await stores.tenants.put(tenant(alice))
    const put = (index: number) => stores.kv.put(alice, { key: `key-${index}`, value: '1' }, { ...AMPLE, keys: 2_000 })
    await Promise.all(Array.from({ length: 1_200 }, (_, index) => put(index)))
  }
  await fill()
  await stores.tenants.delete(alice)
  expect(left()).toEqual({ rows: 0 })

  await fill()
  // As a process leaves it that is killed right after the deletion.
  database.exec('PRAGMA foreign_keys = ON; DELETE FROM tenants')
  expect(left()).toEqual({ rows: 1_201 })
  while (!(await stores.sweep(START)).complete) continue
  expect(left()).toEqual({ rows: 0 })
})

/** A queue whose writer the test can end, with a database behind it. */
async function startQueue(folder: string): Promise<{ queue: WriteQueue; thread: Worker }> {
  const path = join(folder, 'cloister.db')
  using database = new DatabaseSync(path)
  migrate(database)
  const url = new URL('../../src/store/sqlite/writer.ts', import.meta.url)
  const thread = new Worker(url, { workerData: { path, synchronous: 'full', pagesMax: 1_000 } })
  await once(thread, 'message')
  const bounds = { commandsMax: 5_000, lengthMax: 5_000_000 }
  return { queue: new WriteQueue({ thread, clock: fakeClock(), ...bounds, onFailure: () => undefined }), thread }
}

test('when the writer dies every write that waits is rejected, none hangs, and later ones are refused', async () => {
  using folder = temporaryFolder()
  const { queue, thread } = await startQueue(folder.path)
  const waiting = Array.from({ length: 3_000 }, () => queue.enqueue(encodeRecord(record())))
  const settled = Promise.allSettled(waiting)
  await waiting[0]
  await thread.terminate()
  const results = await settled
  const rejected = results.filter((result) => result.status === 'rejected')
  expect(rejected.length).toBeGreaterThan(0)
  for (const { reason } of rejected) {
    expect(reason).toMatchObject({ code: 'INTERNAL', message: 'the store stopped before it answered' })
  }
  await expect(queue.write('sweep', { now: START, detailsBefore: 0 })).rejects.toMatchObject({
    code: 'INTERNAL',
    message: 'the store has stopped',
  })
  await queue[Symbol.asyncDispose]()

  // Whole batches were committed, or nothing of them.
  using database = new DatabaseSync(join(folder.path, 'cloister.db'))
  const { records } = database.prepare('SELECT count(*) AS records FROM ledger').get() as { records: number }
  expect(records % 1_024).toBe(0)
  expect(records).toBeGreaterThanOrEqual(results.length - rejected.length)
})

test('when the writer throws, the writes that wait carry what it threw as their cause', async () => {
  const code = `require('node:worker_threads').parentPort.on('message', () => { throw new TypeError('a defect') })`
  const thread = new Worker(code, { eval: true })
  const failures: CloisterError[] = []
  const onFailure = (error: CloisterError) => failures.push(error)
  const queue = new WriteQueue({ thread, clock: fakeClock(), commandsMax: 10, lengthMax: 5_000, onFailure })
  const cause = { name: 'TypeError', message: 'a defect' }
  await expect(queue.enqueue(encodeRecord(record()))).rejects.toMatchObject({ code: 'INTERNAL', cause })
  await expect(queue.enqueue(encodeRecord(record()))).rejects.toMatchObject({ code: 'INTERNAL', cause })
  await expect(queue[Symbol.asyncDispose]()).rejects.toMatchObject({ code: 'INTERNAL', cause })
  expect(failures).toMatchObject([{ code: 'INTERNAL', message: 'the store has stopped', cause }])
})
