import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { WallLevel } from '../../src/core/run.ts'
import { tryWalls } from '../../src/pool/probe.ts'
import { type CellProgram, buildCellProgram } from '../../src/pool/program.ts'
import { type RaisedWalls, buildWalls, raiseWalls } from '../../src/pool/walls.ts'
import { LEVELS_HERE } from './harness.ts'

let directory: string
let program: CellProgram
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'cloister-walls-'))
  program = await buildCellProgram(join(directory, 'cells'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))
afterEach(() => vi.unstubAllEnvs())

const onFailure = (error: Error): void => expect.unreachable(error.message)
const isLinux = process.platform === 'linux'

/** Raises walls, hands them to a look, and takes them down. */
async function raised(wanted: WallLevel | 'best', look: (walls: RaisedWalls) => void): Promise<void> {
  const found = await raiseWalls({ wanted, program, onFailure })
  await using _ = found.walls
  look(found)
}

/** A folder with a `bwrap` of ours in it. */
function fakeBubblewrap(script: string): string {
  const folder = mkdtempSync(join(directory, 'path-'))
  writeFileSync(join(folder, 'bwrap'), `#!/bin/sh\n${script}\n`)
  chmodSync(join(folder, 'bwrap'), 0o755)
  return folder
}

describe('a level is up if a probe inside it gets through nowhere', () => {
  test.each(LEVELS_HERE)('level %s is up on this machine', async (level) => {
    await raised(level, ({ walls, trials }) => {
      expect(trials).toMatchObject([{ level, isUp: true, faults: [] }])
      expect(walls.level).toBe(level)
      if (level === 'C') return
      expect(trials[0]?.attempts.length).toBeGreaterThan(100)
      expect(trials[0]?.attempts.filter(({ refused }) => !refused)).toEqual([])
    })
  })

  test.skipIf(!isLinux).each(['A', 'B'] as const)(
    'cells without filters are not taken for level %s: the probe gets through, and what it did is named',
    async (level) => {
      await using bare = await buildWalls('C', { program, onFailure })
      const { isUp, faults } = await tryWalls({ ...bare, level }, program)
      expect(isUp).toBe(false)
      expect(faults.join('\n')).toMatch(/openat: \/etc\/passwd \(native\) was not refused/)
      expect(faults.join('\n')).toMatch(/socket: every family \(native\) was not refused/)
      if (level === 'A') expect(faults.join('\n')).toMatch(/the file tree is not empty: .*\/etc/)
    },
  )

  test.skipIf(!isLinux)(
    'level B is not taken for level A: it sees the machine’s folders, name and processes',
    async () => {
      await using plain = await buildWalls('B', { program, onFailure })
      const { isUp, faults } = await tryWalls({ ...plain, level: 'A' }, program)
      expect(isUp).toBe(false)
      expect(faults).toEqual([
        expect.stringContaining('the file tree is not empty'),
        'it has the name of the host',
        'it sees the processes of the host',
      ])
    },
  )

  test('a probe that says nothing is a wall that is not up', async () => {
    await using walls = await buildWalls('C', { program, onFailure })
    const silent = join(directory, 'silent.cjs')
    writeFileSync(silent, '')
    expect(await tryWalls(walls, { ...program, probe: silent })).toMatchObject({ isUp: false, attempts: [] })
  })

  test('a probe that lies in another language is a wall that is not up', async () => {
    await using walls = await buildWalls('C', { program, onFailure })
    const liar = join(directory, 'liar.cjs')
    writeFileSync(liar, `require('node:fs').writeSync(3, '{"attempts":[{"name":"x","from":"nowhere"}]}')`)
    const { isUp, faults } = await tryWalls(walls, { ...program, probe: liar })
    expect({ isUp, faults }).toEqual({ isUp: false, faults: ['an attempt comes from nowhere'] })
  })
})

describe.skipIf(!isLinux)('the strongest level that holds is used', () => {
  test('without bubblewrap it is B, with nothing installed', async () => {
    vi.stubEnv('PATH', '/nonexistent')
    await raised('best', ({ walls, trials }) => {
      expect(walls.level).toBe('B')
      expect(trials[0]).toMatchObject({ level: 'A', isUp: false, faults: ['bubblewrap is not installed'] })
    })
  })

  test('a bubblewrap that is there and does not work is no level A, and its own words say why', async () => {
    vi.stubEnv('PATH', fakeBubblewrap('echo "bwrap: No permissions to create new namespace" >&2; exit 1'))
    await raised('best', ({ walls, trials }) => {
      expect(walls.level).toBe('B')
      expect(trials[0]?.faults[0]).toMatch(/No permissions to create new namespace/)
    })
  })

  test('a level that is asked for by name is that one or none', async () => {
    vi.stubEnv('PATH', '/nonexistent')
    await expect(raiseWalls({ wanted: 'A', program, onFailure })).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.stringContaining('bubblewrap is not installed'),
    })
  })
})
