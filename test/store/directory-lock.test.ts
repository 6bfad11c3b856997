import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readOwner } from '../../src/store/sqlite/directory-lock.ts'
import { openSqliteStores, openTemporaryStores } from '../../src/store/sqlite/open.ts'
import { postForever } from './child.ts'
import { temporaryFolder } from './folder.ts'
import { NO_DETAILS, fakeClock, record } from './samples.ts'

const clock = fakeClock()

/** What another process says of who has the directory: locks of one process do not show to itself. */
function ownerSeenByAnother(directory: string): unknown {
  const module = new URL('../../src/store/sqlite/directory-lock.ts', import.meta.url).href
  const script = `import { readOwner } from ${JSON.stringify(module)}
    console.log(JSON.stringify(readOwner(${JSON.stringify(directory)}) ?? null))`
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }))
}

test(
  'a directory that another process has open is refused, and free again once that one is killed',
  { timeout: 30_000 },
  async () => {
    using folder = temporaryFolder()
    await using child = postForever(folder.path)
    await child.acknowledged(1)
    await expect(openSqliteStores({ directory: folder.path, clock })).rejects.toMatchObject({
      code: 'CONFLICT',
      message: `the data directory ${folder.path} is in use by process ${child.pid}, which serves http://127.0.0.1:1`,
    })
    expect(readOwner(folder.path)).toEqual({ pid: child.pid, url: 'http://127.0.0.1:1' })

    await child.kill()

    expect(readOwner(folder.path)).toBeUndefined()
    await using stores = await openSqliteStores({ directory: folder.path, clock })
    await stores.ledger.post(record(), NO_DETAILS)
  },
)

test('a directory that this process has open is refused too, and asking who has it does not let go of it', async () => {
  using folder = temporaryFolder()
  const open = () => openSqliteStores({ directory: folder.path, clock })
  {
    await using stores = await open()
    expect(readOwner(folder.path)).toEqual({ pid: process.pid })
    stores.announce('http://127.0.0.1:8787')
    expect(readOwner(folder.path)).toEqual({ pid: process.pid, url: 'http://127.0.0.1:8787' })
    for (let round = 0; round < 2; round += 1) {
      await expect(open()).rejects.toMatchObject({ code: 'CONFLICT' })
    }
    expect(ownerSeenByAnother(folder.path)).toEqual(readOwner(folder.path))
  }
  expect(readOwner(folder.path)).toBeUndefined()
  await using _stores = await open()
})

test('a directory that is not there has no owner and is not made by asking', () => {
  using folder = temporaryFolder()
  const directory = join(folder.path, 'data')
  expect(readOwner(directory)).toBeUndefined()
  expect(existsSync(directory)).toBe(false)
})

test('only this user can read what is stored', async () => {
  using folder = temporaryFolder()
  const directory = join(folder.path, 'deep', 'data')
  await using stores = await openSqliteStores({ directory, clock })
  await stores.ledger.post(record(), NO_DETAILS)
  expect(statSync(directory).mode & 0o777).toBe(0o700)
  const files = readdirSync(directory)
  expect(files).toContain('cloister.db-wal')
  for (const file of files) expect([file, statSync(join(directory, file)).mode & 0o777]).toEqual([file, 0o600])
})

test('a database that others could read is closed to them', async () => {
  using folder = temporaryFolder()
  await (await openSqliteStores({ directory: folder.path, clock }))[Symbol.asyncDispose]()
  const path = join(folder.path, 'cloister.db')
  chmodSync(path, 0o644)
  await using _stores = await openSqliteStores({ directory: folder.path, clock })
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('closing merges the log into the database and leaves nothing else behind', async () => {
  using folder = temporaryFolder()
  {
    await using stores = await openSqliteStores({ directory: folder.path, clock })
    void stores.ledger.post(record(), NO_DETAILS)
  }
  expect(readdirSync(folder.path).toSorted()).toEqual(['cloister.db', 'cloister.lock'])
})

test('what cannot be a data directory is refused with the reason, and the lock is let go', async () => {
  using folder = temporaryFolder()
  const directory = join(folder.path, 'data')
  mkdirSync(directory)
  writeFileSync(join(directory, 'cloister.db'), 'this is not a database, only some text that is long enough')
  await expect(openSqliteStores({ directory, clock })).rejects.toMatchObject({
    code: 'INTERNAL',
    message: expect.stringContaining('file is not a database'),
  })
  expect(readOwner(directory)).toBeUndefined()
  await expect(openSqliteStores({ directory: join(directory, 'cloister.db'), clock })).rejects.toMatchObject({
    code: 'INTERNAL',
    message: expect.stringContaining('EEXIST'),
  })
})

test('temporary stores are gone when they are disposed', async () => {
  const stores = await openTemporaryStores({ clock })
  await stores.ledger.post(record(), NO_DETAILS)
  expect(existsSync(stores.directory)).toBe(true)
  await stores[Symbol.asyncDispose]()
  expect(existsSync(stores.directory)).toBe(false)
})

test.skipIf(process.platform !== 'linux')(
  'a folder that cannot be made is an error at once, not a search without end',
  async () => {
    await expect(openSqliteStores({ directory: '/proc/nope/deep', clock })).rejects.toMatchObject({ code: 'INTERNAL' })
  },
)
