import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { openLibc } from '../../src/kernel/libc.ts'
import { Standing } from '../../src/pool/standing.ts'

const hasSessions = existsSync('/proc/self/autogroup')
const isRoot = process.getuid?.() === 0

/** The nice value that counts for a process: its session's, or else its own. */
function niceOf(pid: number): number {
  if (hasSessions) return Number(/nice (-?\d+)/.exec(readFileSync(`/proc/${pid}/autogroup`, 'utf8'))?.[1])
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])
}

async function start(): Promise<{ pid: number; standing: Standing }> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000); console.log(1)'], { detached: true })
  await once(child.stdout, 'data')
  const pid = child.pid ?? 0
  const standing = new Standing(pid, isRoot ? openLibc() : undefined)
  onTestFinished(() => {
    standing[Symbol.dispose]()
    child.kill('SIGKILL')
  })
  return { pid, standing }
}

/** Looks until the value is there: without privileges it changes at most ten times a second. */
async function niceAfter(pid: number, value: number, look: () => void): Promise<number> {
  for (let times = 0; times < 100 && niceOf(pid) !== value; times += 1) {
    look()
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return niceOf(pid)
}

// Where neither may be changed, everything stays as it was started.
test.runIf(process.platform !== 'linux' || hasSessions || isRoot)(
  'a cell that computes for long makes way, stands as before in its next turn, and is quick to die',
  async () => {
    if (process.platform !== 'linux') return
    const { pid, standing } = await start()
    standing.observe(100, 1, 'alive')
    expect(await niceAfter(pid, 3, () => standing.observe(100, 1, 'alive'))).toBe(3)
    standing.observe(115, 1, 'alive')
    expect(niceOf(pid)).toBe(3)
    expect(await niceAfter(pid, 10, () => standing.observe(121, 1, 'alive'))).toBe(10)
    expect(await niceAfter(pid, 3, () => standing.observe(130, 2, 'alive'))).toBe(3)
    expect(await niceAfter(pid, 10, () => standing.observe(151, 2, 'alive'))).toBe(10)
    expect(await niceAfter(pid, 0, () => standing.observe(151, 2, 'dying'))).toBe(0)
  },
)

test('a process that is gone, or was never there, is nobody’s trouble', () => {
  const standing = new Standing(2 ** 22 + 1, openLibc())
  standing.observe(1_000, 1, 'alive')
  standing.observe(2_000, 1, 'dying')
  standing[Symbol.dispose]()
})
