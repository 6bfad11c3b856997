import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { loadVaultKey } from '../../src/vault/vault-key.ts'
import { createVault } from '../../src/vault/vault.ts'

const vault = createVault('a secret of the operator, 32 long')

test('what is sealed opens to the same text, at its place', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (text, place) => {
      const sealed = vault.seal(text, place)
      expect(vault.open(sealed, place)).toBe(text)
      expect(vault.seal(text, place)).not.toBe(sealed)
    }),
    { numRuns: 50 },
  )
})

test('at another place, with another key, or changed in any byte, it does not open', () => {
  const sealed = vault.seal('the password', 'sql/ann/main')
  const closed = { code: 'INTERNAL' }
  expect(() => vault.open(sealed, 'sql/bob/main')).toThrow(expect.objectContaining(closed))
  const other = createVault('another secret of the operator!!')
  expect(() => other.open(sealed, 'sql/ann/main')).toThrow(expect.objectContaining(closed))
  const bytes = Buffer.from(sealed.slice(3), 'base64')
  for (let index = 0; index < bytes.length; index += 1) {
    const changed = Buffer.from(bytes)
    changed[index]! ^= 1
    expect(() => vault.open(`v1.${changed.toString('base64')}`, 'sql/ann/main')).toThrow(
      expect.objectContaining(closed),
    )
  }
  for (const text of ['', 'v1.', 'v1.AAAA', 'v2.AAAA']) {
    expect(() => vault.open(text, 'sql/ann/main')).toThrow(expect.objectContaining(closed))
  }
})

test('the key is made at the first start for its owner alone, found again, and missed if it is cut short', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'vault-key-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const path = join(directory, 'vault.key')
  const [first, second] = [await loadVaultKey({ directory }), await loadVaultKey({ directory })]
  expect(second).toEqual(first)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await loadVaultKey({ directory, given: 'configured' })).toEqual({ key: 'configured' })
  await chmod(path, 0o644)
  expect((await loadVaultKey({ directory })).warning).toContain('mode 644')
  await writeFile(path, 'short')
  await expect(loadVaultKey({ directory })).rejects.toMatchObject({ code: 'INTERNAL' })
})
