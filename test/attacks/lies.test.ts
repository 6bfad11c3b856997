import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PoolHarness, openPool } from '../pool/harness.ts'

/** What a cell that was taken over may try to tell its host: SECURITY.md, A-30 to A-39. */
const LIES: readonly string[] = [
  'garbage',
  'huge frame',
  'unknown type',
  'unknown run',
  'ready twice',
  'unknown status',
  'cancelled by nobody',
  'suspended for nobody',
  'error that is not JSON',
  'calls out of order',
  'more logs than allowed',
  'inspection unasked',
]

let cells: PoolHarness
beforeAll(async () => {
  cells = await openPool({
    blankCells: 2,
    // The host starts the attacker's program in place of its own.
    program: (program, directory) => {
      const file = join(directory, 'rogue-cell.cjs')
      cpSync(fileURLToPath(new URL('./rogue-cell.cjs', import.meta.url)), file)
      return { ...program, file }
    },
  })
})
afterAll(() => cells[Symbol.asyncDispose]())

test.each(LIES)('A-30 a cell that sends “%s” is killed, its run is crashed and charged', async (lie) => {
  const { status, killReason, wall } = await cells.run('', { input: lie })
  expect({ status, killReason }).toEqual({ status: 'crashed', killReason: 'protocol' })
  expect(wall).toBeGreaterThan(0)
})

test('A-31 a cell that hides when it began to work is charged from when it could have begun', async () => {
  const { status, wall } = await cells.run('', { input: 'no time at all', tenant: 'thief' })
  expect(status).toBe('ok')
  expect(wall).toBeGreaterThanOrEqual(299_000)
})

test('A-32 after a lie the tenant’s next run gets another cell', async () => {
  await cells.run('', { input: 'garbage', tenant: 'liar' })
  expect((await cells.run('', { input: 'the truth', tenant: 'liar' })).status).toBe('ok')
})

test('A-33 a lie about a tenant’s run cannot reach another tenant’s: runs are known to their own cell only', async () => {
  const honest = cells.run('', { input: 'no time at all', tenant: 'honest' })
  await cells.run('', { input: 'unknown run', tenant: 'forger' })
  expect((await honest).status).toBe('ok')
})
