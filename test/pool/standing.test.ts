import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openLibc } from '../../src/kernel/libc.ts'
import { type HostNice, Standing } from '../../src/pool/standing.ts'
import { openPool } from './harness.ts'

const hasSessions = existsSync('/proc/self/autogroup')
const isRoot = process.getuid?.() === 0

/** The nice value that counts for a process: its session's, or else its own. A process without a session's group has the usual one. */
function niceOf(pid: number): number {
  if (hasSessions) return Number(/nice (-?\d+)/.exec(readFileSync(`/proc/${pid}/autogroup`, 'utf8'))?.[1] ?? 0)
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])
}

async function start(host?: HostNice): Promise<{ pid: number; standing: Standing }> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000); console.log(1)'], { detached: true })
  await once(child.stdout, 'data')
  const pid = child.pid ?? 0
  const standing = new Standing(pid, isRoot ? openLibc() : undefined, host)
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
    const { pid, standing } = await start({ session: 0, process: 0 })
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

test.runIf(process.platform === 'linux' && (hasSessions || isRoot))(
  'a host that makes way for others itself still goes before its cells',
  async () => {
    const { pid, standing } = await start({ session: 5, process: 5 })
    standing.observe(100, 1, 'alive')
    expect(await niceAfter(pid, 8, () => standing.observe(100, 1, 'alive'))).toBe(8)
    expect(await niceAfter(pid, 15, () => standing.observe(121, 1, 'alive'))).toBe(15)
    const last = await start({ session: 15, process: 15 })
    last.standing.observe(100, 1, 'alive')
    expect(await niceAfter(last.pid, 18, () => last.standing.observe(100, 1, 'alive'))).toBe(18)
    expect(await niceAfter(last.pid, 19, () => last.standing.observe(121, 1, 'alive'))).toBe(19)
    const own = niceOf(process.pid)
    const usual = await start()
    expect(await niceAfter(usual.pid, Math.min(19, own + 3), () => usual.standing.observe(100, 1, 'alive'))).toBe(
      Math.min(19, own + 3),
    )
  },
)

test('a process that is gone, or was never there, is nobody’s trouble', () => {
  const standing = new Standing(2 ** 22 + 1, openLibc())
  standing.observe(1_000, 1, 'alive')
  standing.observe(2_000, 1, 'dying')
  standing[Symbol.dispose]()
})

test.runIf(hasSessions)(
  'a cell whose guest loops makes way while it does, and stands as before in its next run',
  async () => {
    await using cells = await openPool({ blankCells: 1 })
    await cells.run('return 1', { tenant: 'ann', engine: { clock: 'live' } })
    const pid = cells.pool.cells().find(({ tenant }) => tenant === 'ann')?.pid ?? 0
    const long =
      'let at = 0; for (let n = 0; n < 40; n++) { const until = Date.now() + 25; while (Date.now() < until) at++; await new Promise((r) => setTimeout(r, 1)) } return 1'
    const host = niceOf(process.pid)
    const run = cells.run(long, { tenant: 'ann', engine: { clock: 'live' } })
    await vi.waitFor(() => expect(niceOf(pid)).toBe(Math.min(19, host + 10)), 60_000)
    await run
    await vi.waitFor(async () => {
      await cells.run('await new Promise((r) => setTimeout(r, 20)); return 1', {
        tenant: 'ann',
        engine: { clock: 'live' },
      })
      expect(niceOf(pid)).toBe(Math.min(19, host + 3))
    }, 60_000)
  },
)
