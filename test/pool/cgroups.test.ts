import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { CGROUP_FILES, type CgroupFiles } from '../../src/pool/cgroup-files.ts'
import { findOwnCgroup } from '../../src/pool/cgroup-place.ts'
import { type CellGroups, openCgroups } from '../../src/pool/cgroups.ts'
import { openPool } from './harness.ts'

let root: string
/** Everything that was written, in order: file within the tree, and text. */
let written: string[]
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cloister-cgroup-'))
  written = []
  createGroup(root, 'cpuset cpu io memory pids')
  writeFileSync(join(root, 'cgroup.procs'), `${process.pid}\n`)
})
afterEach(() => rmSync(root, { recursive: true }))

/** A group as the kernel makes it: its files are there at once. */
function createGroup(directory: string, controllers: string): void {
  mkdirSync(directory, { recursive: true })
  const files: Record<string, string> = {
    'cgroup.controllers': `${controllers}\n`,
    'cgroup.procs': '',
    'cgroup.subtree_control': '',
    'cgroup.kill': '',
    'cpu.weight': '100\n',
    ...(controllers.includes('memory') && {
      'memory.max': 'max\n',
      'memory.swap.max': 'max\n',
      'memory.oom.group': '0\n',
      'memory.events': 'low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n',
    }),
    ...(controllers.includes('pids') && { 'pids.max': 'max\n' }),
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
}

/** Plain files that behave as the kernel's in what matters here. */
const kernel: CgroupFiles = {
  ...CGROUP_FILES,
  write(path, text) {
    const directory = dirname(path)
    if (path.endsWith('/cgroup.subtree_control') && readFileSync(join(directory, 'cgroup.procs'), 'utf8') !== '') {
      throw Object.assign(new Error('EBUSY: a group with processes cannot hand on controllers'), { code: 'EBUSY' })
    }
    CGROUP_FILES.write(path, text)
    written.push(`${path.slice(root.length + 1)} = ${text}`)
    if (path.endsWith('/cgroup.procs') && directory !== root) writeFileSync(join(root, 'cgroup.procs'), '')
    if (path.endsWith('/cgroup.kill')) writeFileSync(join(directory, 'cgroup.procs'), '')
  },
  make: (directory) =>
    createGroup(
      directory,
      readFileSync(join(dirname(directory), 'cgroup.subtree_control'), 'utf8').replaceAll('+', ''),
    ),
  remove(directory) {
    if (readFileSync(join(directory, 'cgroup.procs'), 'utf8') !== '') throw new Error('EBUSY')
    rmSync(directory, { recursive: true })
  },
}

const MOUNTINFO = (): string =>
  `22 1 0:20 / / rw - ext4 /dev/vda rw\n30 22 0:37 / ${root} rw,nosuid - cgroup2 cgroup2 rw\n`

function open(cgroup = '0::/\n'): ReturnType<typeof openCgroups> {
  return openCgroups({ wanted: 'auto', files: kernel, self: { cgroup, mountinfo: MOUNTINFO() } })
}

function groupsOf(opened: ReturnType<typeof openCgroups>): CellGroups {
  if ('reason' in opened) throw new Error(opened.reason)
  return opened.groups
}

test('the host moves aside, and each cell gets a group with limits before it is in it', () => {
  const group = groupsOf(open()).open(4_711)
  const cell = readdirSync(join(root, 'cloister-cells')).find((name) => name.startsWith('cell-'))
  expect(written).toEqual([
    `cloister-host/cgroup.procs = ${process.pid}`,
    'cgroup.subtree_control = +memory +pids +cpu',
    'cloister-cells/cgroup.subtree_control = +memory +pids +cpu',
    'cloister-host/cpu.weight = 400',
    `cloister-cells/${cell}/memory.oom.group = 1`,
    `cloister-cells/${cell}/pids.max = 64`,
    `cloister-cells/${cell}/memory.swap.max = 0`,
    `cloister-cells/${cell}/cgroup.procs = 4711`,
  ])
  group.bound(1_000_000.5)
  group.bound(1_000_000.5)
  expect(written.slice(8)).toEqual([`cloister-cells/${cell}/memory.max = 1000001`])
})

test('a cell that the kernel has ended for want of memory is told from others, and its group goes with it', () => {
  const group = groupsOf(open()).open(4_711)
  const name = readdirSync(join(root, 'cloister-cells')).find((each) => each.startsWith('cell-')) ?? ''
  const directory = join(root, 'cloister-cells', name)
  expect(group.hasRunOut).toBe(false)
  writeFileSync(join(directory, 'memory.events'), 'low 0\nmax 7\noom 1\noom_kill 3\noom_group_kill 1\n')
  expect(group.hasRunOut).toBe(true)
  group.kill()
  expect(written.at(-1)).toBe(`cloister-cells/${name}/cgroup.kill = 1`)
  group[Symbol.dispose]()
  expect(existsSync(directory)).toBe(false)
  // What comes late finds nothing, and does no harm.
  group.kill()
  expect(group.hasRunOut).toBe(false)
})

test('what a dead host has left is emptied and removed; what a living one has is left alone', () => {
  groupsOf(open()).open(4_711)
  // No process has this number: the kernel gives at most 2^22.
  createGroup(join(root, 'cloister-cells', `cell-${2 ** 22 + 1}-9`), 'memory')
  writeFileSync(join(root, 'cloister-cells', `cell-${2 ** 22 + 1}-9`, 'cgroup.procs'), '815\n')
  createGroup(join(root, 'cloister-cells', `cell-${process.ppid}-1`), 'memory')
  // The second host of a process finds itself in the group that the first has made.
  groupsOf(open('0::/cloister-host\n'))
  const left = readdirSync(join(root, 'cloister-cells')).filter((name) => name.startsWith('cell-'))
  expect(left.map((name) => name.replace(/-\d+$/, '')).toSorted()).toEqual(
    [`cell-${process.pid}`, `cell-${process.ppid}`].toSorted(),
  )
})

test('where it cannot be done the reason says why, and nothing is touched', () => {
  expect(openCgroups({ wanted: 'off' })).toEqual({ reason: 'CLOISTER_CGROUPS is off' })
  expect(open('4:memory:/x\n')).toEqual({ reason: 'the kernel has no cgroups of version 2' })
  const elsewhere = openCgroups({ wanted: 'auto', files: kernel, self: { cgroup: '0::/\n', mountinfo: '' } })
  expect(elsewhere).toEqual({ reason: 'no mounted cgroup2 file system has the group of this process' })
  writeFileSync(join(root, 'cgroup.procs'), `${process.pid}\n1\n`)
  expect(open()).toEqual({ reason: expect.stringContaining('has other processes in it') })
  writeFileSync(join(root, 'cgroup.controllers'), 'cpu pids\n')
  expect(open()).toEqual({ reason: `${root} is not handed the controllers memory` })
  rmSync(join(root, 'cgroup.controllers'))
  expect(open()).toEqual({ reason: expect.stringContaining('ENOENT') })
  expect(written).toEqual([])
})

test('the group of a process is found below what its mount shows, whatever its name', () => {
  const mountinfo = '30 22 0:37 /user.slice /mnt/c\\040group rw shared:9 - cgroup2 none rw'
  expect(findOwnCgroup('0::/user.slice/x.service\n', mountinfo)).toEqual({ directory: '/mnt/c group/x.service' })
  expect(findOwnCgroup('0::/user.slice/x/cloister-host\n', mountinfo)).toEqual({ directory: '/mnt/c group/x' })
  expect(findOwnCgroup('0::/system.slice/x\n', mountinfo)).toHaveProperty('reason')
})

test('real cells are put into groups, bounded as their runs change, and leave none behind', async () => {
  const groups = groupsOf(open())
  {
    await using cells = await openPool({ groups })
    const options = { instance: { maxCells: 1 } }
    expect(await cells.value('return 1', options)).toBe(1)
    const pids = cells.pool.cells().map(({ pid }) => String(pid))
    const put = written.filter((line) => line.includes('/cell-') && line.includes('cgroup.procs'))
    for (const pid of pids) expect(put.some((line) => line.endsWith(` = ${pid}`))).toBe(true)
    const [alone = 0] = bounds()
    expect(alone).toBeGreaterThan(2 * 128 * 2 ** 20)
    const wait = 'await new Promise((resolve) => setTimeout(resolve, 500))'
    await Promise.all([1, 2].map(() => cells.run(wait, options)))
    expect(Math.max(...bounds())).toBe(alone + 128 * 2 ** 20)
  }
  expect(readdirSync(join(root, 'cloister-cells')).filter((name) => name.startsWith('cell-'))).toEqual([])
})

test('a cell that the kernel ends for want of memory makes a run that has reached its memory limit', async () => {
  const groups = groupsOf(open())
  await using cells = await openPool({ groups })
  const run = cells.run('for (;;);', { wallMs: 60_000 })
  while (bounds().length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  const directory = written.findLast((line) => line.includes('memory.max'))?.split('/memory.max')[0] ?? ''
  const pid = Number(readFileSync(join(root, directory, 'cgroup.procs'), 'utf8'))
  writeFileSync(join(root, directory, 'memory.events'), 'oom 1\noom_kill 1\n')
  process.kill(pid, 'SIGKILL')
  const { status, killReason } = await run
  expect({ status, killReason }).toEqual({ status: 'memory-exceeded', killReason: 'memory' })
})

function bounds(): number[] {
  return written.flatMap((line) => (line.includes('/memory.max = ') ? [Number(line.split(' = ')[1])] : []))
}
