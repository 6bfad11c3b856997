import { readFileSync, readdirSync } from 'node:fs'

const TICK_MS = 10

/** A process, told apart from a later one of the same number by when it started. */
interface Member {
  readonly pid: number
  readonly startTicks: string
}

/**
 * The processes that descend from one, as far as they were seen while they lived. Linux only. A process that leaves the tree
 * stays a member, so that what survives its parent is still counted and ended.
 */
export class ProcessTree {
  readonly #members = new Map<number, Member>()

  constructor(root: number) {
    this.#add(root)
  }

  /** Looks for new members. Costs a directory listing a process, hence not done for every sample. */
  refresh(): void {
    // A set that grows while it is walked: children of children are found in the same walk.
    const pids = new Set(this.#living())
    for (const pid of pids) for (const child of childrenOf(pid)) pids.add(child)
    for (const pid of pids) this.#add(pid)
  }

  /** Memory that is not a file's, in bytes: anonymous pages and shared memory of all members. */
  memoryBytes(): number {
    let sum = 0
    for (const pid of this.#living()) {
      const status = read(`/proc/${pid}/status`)
      sum += kilobytes(status, 'RssAnon') + kilobytes(status, 'RssShmem')
    }
    return sum * 1_024
  }

  /** CPU time of the members that live, in ms, in ticks of 10 ms. */
  cpuMs(): ReadonlyMap<number, number> {
    const times = new Map<number, number>()
    for (const pid of this.#living()) {
      const fields = statOf(pid)
      if (fields !== undefined) times.set(pid, (Number(fields[11]) + Number(fields[12])) * TICK_MS)
    }
    return times
  }

  /** Ends all members that live. They are stopped first, so that none can start another in between. */
  kill(): void {
    for (let known = -1; known !== this.#members.size;) {
      known = this.#members.size
      this.#signal('SIGSTOP')
      this.refresh()
    }
    this.#signal('SIGKILL')
  }

  #signal(signal: 'SIGSTOP' | 'SIGKILL'): void {
    for (const pid of this.#living()) {
      try {
        process.kill(pid, signal)
      } catch {
        // It ended in between.
      }
    }
  }

  /** Numbers are given out again: a member that has ended must not stand for a stranger. */
  #living(): readonly number[] {
    return [...this.#members.values()].filter((one) => statOf(one.pid)?.[19] === one.startTicks).map(({ pid }) => pid)
  }

  #add(pid: number): void {
    const startTicks = statOf(pid)?.[19]
    if (startTicks !== undefined) this.#members.set(pid, { pid, startTicks })
  }
}

function childrenOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      read(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean).map(Number),
    )
  } catch {
    return []
  }
}

/** The fields of `/proc/PID/stat` from the state on; undefined for one that has ended, also if nobody has waited for it yet. */
function statOf(pid: number): readonly string[] | undefined {
  const text = read(`/proc/${pid}/stat`)
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return fields.length < 20 || fields[0] === 'Z' ? undefined : fields
}

function kilobytes(status: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0)
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1').trim()
  } catch {
    return ''
  }
}
