import { join } from 'node:path'
import { CGROUP_FILES, type CgroupFiles } from './cgroup-files.ts'
import { HOST_GROUP, findOwnCgroup } from './cgroup-place.ts'

/** A cell's own group: limits that the kernel keeps, whatever becomes of the watchdog. */
export interface CellGroup extends Disposable {
  /** Bounds all memory of the cell. A cell that wants more is ended by the kernel, whole. */
  bound(bytes: number): void
  /** Ends every process in the group: a second way beside the signal to the one that is known. */
  kill(): void
  /** Whether the kernel has ended the cell for want of memory. */
  readonly hasRunOut: boolean
}

export interface CellGroups {
  /** Puts a cell into a group of its own. Throws if the kernel refuses, or when the process is gone. */
  open(pid: number): CellGroup
}

/** Groups for cells, or why there are none. */
export type Cgroups = { readonly groups: CellGroups; readonly directory: string } | { readonly reason: string }

interface Parts {
  readonly wanted: 'auto' | 'off'
  readonly files?: CgroupFiles
  /** Texts of this process in `/proc`, if they are not to be read. */
  readonly self?: { readonly cgroup: string; readonly mountinfo: string }
}

const CELLS_GROUP = 'cloister-cells'
const CONTROLLERS = ['memory', 'pids', 'cpu'] as const
/** Threads of a cell: Node's, V8's and those of isolates. Some fifteen are usual. */
const THREADS_MAX = '64'
/** A host that wants a processor gets four fifths of what there is, before all cells together. */
const HOST_WEIGHT = '400'
/** The kernel takes a moment to let go of a group whose last process has just been reaped. */
const REMOVE_TRIES = 5
const REMOVE_AGAIN_MS = 50

/**
 * Finds out by trying whether this process may part its own version 2 cgroup among cells, and does so: it has to be alone in
 * it, and to be handed the controllers for memory, processes and CPU. The host moves into a group of its own beside the cells'.
 * To be called before anything is started, as a process is born into the group of its parent. Groups that a dead host left behind are emptied and removed. Never throws: where it cannot be done, the reason says why.
 */
export function openCgroups({ wanted, files = CGROUP_FILES, self }: Parts): Cgroups {
  if (wanted === 'off') return { reason: 'CLOISTER_CGROUPS is off' }
  try {
    const own = readSelf(files, self)
    return 'reason' in own ? own : take(own.directory, files)
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) }
  }
}

function readSelf(files: CgroupFiles, self: Parts['self']): ReturnType<typeof findOwnCgroup> {
  if (self !== undefined) return findOwnCgroup(self.cgroup, self.mountinfo)
  if (process.platform !== 'linux') return { reason: 'cgroups are Linux’s' }
  return findOwnCgroup(files.read('/proc/self/cgroup'), files.read('/proc/self/mountinfo'))
}

function take(directory: string, files: CgroupFiles): Cgroups {
  const offered = files.read(join(directory, 'cgroup.controllers')).trim().split(' ')
  const missing = CONTROLLERS.filter((name) => !offered.includes(name))
  if (missing.length > 0) return { reason: `${directory} is not handed the controllers ${missing.join(', ')}` }
  const inside = files.read(join(directory, 'cgroup.procs')).split('\n').filter(Boolean)
  if (inside.some((pid) => Number(pid) !== process.pid)) {
    return { reason: `${directory} has other processes in it: give the host a group of its own, as a service has` }
  }
  const host = join(directory, HOST_GROUP)
  const cells = join(directory, CELLS_GROUP)
  const there = files.groupsIn(directory)
  for (const group of [host, cells]) if (!there.some((name) => join(directory, name) === group)) files.make(group)
  if (inside.length > 0) files.write(join(host, 'cgroup.procs'), String(process.pid))
  const hand = CONTROLLERS.map((name) => `+${name}`).join(' ')
  for (const group of [directory, cells]) files.write(join(group, 'cgroup.subtree_control'), hand)
  files.write(join(host, 'cpu.weight'), HOST_WEIGHT)
  for (const name of files.groupsIn(cells)) if (isLeftBehind(name)) end(join(cells, name), files)
  return { directory, groups: createGroups(cells, files) }
}

/** Named by the host that made it, because several may be open in one process. */
const NAME = /^cell-(\d+)-\d+$/
let opened = 0

function isLeftBehind(name: string): boolean {
  const host = Number(NAME.exec(name)?.[1])
  if (Number.isNaN(host) || host === process.pid) return false
  try {
    process.kill(host, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

function end(directory: string, files: CgroupFiles): void {
  files.write(join(directory, 'cgroup.kill'), '1')
  remove(directory, files, REMOVE_TRIES)
}

function remove(directory: string, files: CgroupFiles, tries: number): void {
  try {
    files.remove(directory)
  } catch {
    // What cannot be removed now is removed by the next host.
    if (tries > 1) setTimeout(() => remove(directory, files, tries - 1), REMOVE_AGAIN_MS).unref()
  }
}

function createGroups(cells: string, files: CgroupFiles): CellGroups {
  return {
    open(pid) {
      opened += 1
      const directory = join(cells, `cell-${process.pid}-${opened}`)
      files.make(directory)
      try {
        limit(directory, files)
        files.write(join(directory, 'cgroup.procs'), String(pid))
      } catch (error) {
        remove(directory, files, REMOVE_TRIES)
        throw new Error(`a cell could not be put into ${directory}`, { cause: error })
      }
      return createGroup(directory, files)
    },
  }
}

function limit(directory: string, files: CgroupFiles): void {
  files.write(join(directory, 'memory.oom.group'), '1')
  files.write(join(directory, 'pids.max'), THREADS_MAX)
  try {
    files.write(join(directory, 'memory.swap.max'), '0')
  } catch {
    // A kernel without swap has no such file, and nothing to bound.
  }
}

function createGroup(directory: string, files: CgroupFiles): CellGroup {
  let bound = 0
  return {
    bound(bytes) {
      if (bytes === bound) return
      bound = bytes
      files.write(join(directory, 'memory.max'), String(Math.ceil(bytes)))
    },
    kill() {
      // The signal to its process has been sent: this is for what that one might have missed.
      ignoringAbsence(() => files.write(join(directory, 'cgroup.kill'), '1'))
    },
    get hasRunOut() {
      const events = ignoringAbsence(() => files.read(join(directory, 'memory.events'))) ?? ''
      return Number(/^oom_kill (\d+)$/m.exec(events)?.[1] ?? 0) > 0
    },
    [Symbol.dispose]: () => remove(directory, files, REMOVE_TRIES),
  }
}

function ignoringAbsence<Result>(action: () => Result): Result | undefined {
  try {
    return action()
  } catch {
    return undefined
  }
}
