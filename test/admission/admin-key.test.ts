import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadAdminKey } from '../../src/admission/admin-key.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'admin-key-'))
})

afterEach(() => rm(directory, { recursive: true }))

test('the first start makes a key that only its owner can read, and later starts find it', async () => {
  const made = await loadAdminKey({ directory })
  expect(made).toMatchObject({ source: 'new-file', path: join(directory, 'admin.key') })
  expect((await stat(made.path!)).mode & 0o777).toBe(0o600)
  expect((await readFile(made.path!, 'utf8')).trim()).toBe(made.key)
  const found = await loadAdminKey({ directory })
  expect(found).toEqual({ key: made.key, source: 'file', path: made.path })
})

test('hosts that start at the same moment agree on one key', async () => {
  await loadAdminKey({ directory })
  const keys = await Promise.all(Array.from({ length: 8 }, () => loadAdminKey({ directory })))
  expect(new Set(keys.map(({ key }) => key)).size).toBe(1)
})

test('a configured key goes before the file and makes none', async () => {
  expect(await loadAdminKey({ directory, given: 'x'.repeat(16) })).toEqual({
    key: 'x'.repeat(16),
    source: 'configuration',
  })
  await expect(stat(join(directory, 'admin.key'))).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a file that others may read is used and reported', async () => {
  const path = join(directory, 'admin.key')
  await writeFile(path, 'a-key-of-some-length\n')
  await chmod(path, 0o644)
  const found = await loadAdminKey({ directory })
  expect(found.key).toBe('a-key-of-some-length')
  expect(found.warning).toContain('mode 644')
})

test('a short key or one with white space is refused, wherever it comes from', async () => {
  await expect(loadAdminKey({ directory, given: 'x'.repeat(15) })).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
  await expect(loadAdminKey({ directory, given: 'two words of some length' })).rejects.toMatchObject({
    code: 'INVALID_REQUEST',
  })
  await writeFile(join(directory, 'admin.key'), '')
  await expect(loadAdminKey({ directory })).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
})

test('a directory that cannot hold the key is a host fault that keeps its cause', async () => {
  const failure = loadAdminKey({ directory: join(directory, 'missing') })
  await expect(failure).rejects.toMatchObject({ code: 'INTERNAL', cause: { code: 'ENOENT' } })
})
