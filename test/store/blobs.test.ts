import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openFileBackend } from '../../src/store/blobs/file-backend.ts'
import { describeBlobs } from './describe-blobs.ts'
import { temporaryFolder } from './folder.ts'

describeBlobs({
  open: openFileBackend,
  names: (directory) =>
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => name),
  shows: 'all',
})

test('a stray file in the folder of uploads goes at the start', async () => {
  using folder = temporaryFolder()
  await openFileBackend(folder.path)
  writeFileSync(join(folder.path, 'incoming', 'ff'.repeat(16)), 'stray')
  await openFileBackend(folder.path)
  expect(readdirSync(join(folder.path, 'incoming'))).toEqual([])
})
