import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { endOrphans } from '../../src/pool/orphans.ts'
import { until } from '../e2e/server.ts'

const directory = mkdtempSync(join(tmpdir(), 'cloister-orphans-'))
const cell = join(directory, 'cell-0123.cjs')
writeFileSync(cell, 'setInterval(() => {}, 1_000)')
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** Starts a program whose parent is gone when this resolves. */
async function orphan(command: string): Promise<number> {
  const { stdout } = await promisify(execFile)('sh', ['-c', `${command} >/dev/null 2>&1 & echo $!`])
  return Number(stdout)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test.runIf(process.platform === 'linux')(
  'a cell without a host is ended by the next host of its directory, and nothing else is',
  async () => {
    const own = spawn(process.execPath, [cell], { stdio: 'ignore' })
    await once(own, 'spawn')
    const left = await orphan(`'${process.execPath}' '${cell}'`)
    const reader = await orphan(`tail -f '${cell}'`)
    const elsewhere = await orphan(
      `'${process.execPath}' -e 'setInterval(() => {}, 1_000)' '${directory}-2/cell-0123.cjs'`,
    )
    try {
      // The shell's child has its own arguments a moment after its birth.
      await until(() => endOrphans(directory) === 1)
      await until(() => !isAlive(left))
      expect([own.pid ?? 0, reader, elsewhere].map(isAlive)).toEqual([true, true, true])
      expect(endOrphans(directory)).toBe(0)
    } finally {
      own.kill('SIGKILL')
      for (const pid of [left, reader, elsewhere]) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
    }
  },
)
