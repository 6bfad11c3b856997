import type { Clock } from '../core/clock.ts'
import type { Limits } from '../core/policy.ts'
import type { CellGroup } from './cgroups.ts'
import type { KillReason } from './death.ts'
import { type MemoryProbe, type ProcessMeter, openMemoryProbe } from './meter.ts'
import type { Roster } from './roster.ts'
import { CpuShares, type RunInCell } from './run-in-cell.ts'
import type { Reading } from './traces.ts'
import { KILLED_FOR } from './watch-table.ts'
import type { Watchdog } from './watchdog.ts'

interface Parts {
  readonly pid: number
  readonly clock: Clock
  readonly meter: ProcessMeter
  readonly watchdog: Watchdog
  /** Time between a run's limit and the kill: the isolate's own timeout gets to answer first. */
  readonly killGraceMs: number
  readonly onOverdue: (reason: 'deadline' | 'cancel') => void
  /** Bounds the process's writable memory in the kernel; absent where it cannot be bounded tightly. */
  readonly limitData?: (pid: number, bytes: number) => void
  /** The cell's own cgroup, where there are some. */
  readonly group?: CellGroup | undefined
}

/** Memory that a run's heap may take above its limit before V8 gives up: its young generation and buffers in flight. */
const GROWTH_SLACK_BYTES = 32 * 2 ** 20
/** The same for what the kernel counts, which is also memory that is reserved for writing and never touched. */
const DATA_SLACK_BYTES = 48 * 2 ** 20
/** What a cell may keep between runs above its first memory, besides one heap at its limit. */
const KEPT_SLACK_BYTES = 64 * 2 ** 20
/**
 * Time for a cell to end a run that its caller has given up. It is no limit of the run's, which has its own, and a kill takes
 * innocent runs of the same tenant along; so it is longer than the grace after a deadline.
 */
const CANCEL_GRACE_MS = 500
/** Added to the CPU limit: collecting garbage and answering the host are the cell's own work. */
const CPU_SLACK_MS = 20

/**
 * Holds one cell to its limits, from outside: a timer in this thread for deadlines, a row of the watchdog's table for
 * memory, CPU and, should this thread be busy, deadlines too. It also shares the kernel's CPU figure among the runs.
 */
export class CellGuard {
  readonly #parts: Parts
  readonly #row: number
  readonly #active = new Set<RunInCell>()
  readonly #monotonicOffsetMs: number
  #shares: CpuShares
  #probe: MemoryProbe | undefined
  #timer: NodeJS.Timeout | undefined
  #timerMs = Infinity
  #epochOwner: RunInCell | undefined
  #epoch = 0
  #turn = 0
  #isOver = false
  /** Writable memory of the cell before its first run, and the growth that it was last allowed. */
  #dataBytes: number | undefined
  #growthMb = 0
  /** Most that the cell may keep between runs. */
  #keptBytes = 0

  /** Throws when the table has no row left: the pool asks for no more cells than it has rows. */
  constructor(parts: Parts) {
    this.#parts = parts
    const row = parts.watchdog.open(parts.pid)
    if (row === undefined) throw new Error('more cells than the watchdog can watch')
    this.#row = row
    this.#shares = new CpuShares(this.#cpuMs())
    this.#monotonicOffsetMs = Number(process.hrtime.bigint()) / 1_000_000 - parts.clock.elapsed()
    const { table } = parts.watchdog
    for (const field of ['growthMax', 'baseMax', 'cpuMsMax', 'deadlineMs'] as const) table.set(row, field, Infinity)
  }

  /** The cell's own memory now, or at the watchdog's last look where it cannot be read from here. */
  get ownBytes(): number {
    this.#probe ??= openMemoryProbe(this.#parts.pid)
    return this.#probe?.read() ?? this.#parts.watchdog.table.get(this.#row, 'bytes')
  }

  /** Highest own memory that the watchdog saw in this epoch. */
  get peakBytes(): number {
    const { table } = this.#parts.watchdog
    return table.get(this.#row, 'peakBytes')
  }

  /** What the last {@link observe} and the watchdog's last look saw. */
  get reading(): Reading {
    // What the watchdog sees of a process that is being reaped is nothing; what it was killed for is the peak.
    const bytes = this.#isOver ? this.peakBytes : this.#parts.watchdog.table.get(this.#row, 'bytes')
    return { cpuMs: this.#shares.readingMs, bytes }
  }

  get killedFor(): KillReason | undefined {
    switch (this.#parts.watchdog.table.get(this.#row, 'killedFor')) {
      case KILLED_FOR.memory:
        return 'memory'
      case KILLED_FOR.cpu:
        return 'cpu'
      case KILLED_FOR.deadline:
        // The watchdog knows when a run is to be over, not why.
        return this.mostOverdue()?.cancelledMs === undefined ? 'deadline' : 'cancel'
      default:
        return this.#parts.group?.hasRunOut === true ? 'memory' : undefined
    }
  }

  assign({ memory }: Limits): void {
    const { table } = this.#parts.watchdog
    this.#keptBytes = BLANK_BYTES + memory * 2 ** 20 + KEPT_SLACK_BYTES
    table.set(this.#row, 'baseMax', this.#keptBytes)
  }

  /** Reads the CPU clock and gives what was used since the last reading to the runs that were active. */
  observe(): void {
    this.#shares.advance(this.#cpuMs())
  }

  /** A run's code can be entered from now on. */
  enter(run: RunInCell): void {
    // While others are in progress the last reading will do: what was used since is shared with the newcomer, too.
    if (this.#active.size === 0) this.observe()
    run.cpuLevelMs = this.#shares.level
    this.#shares.enter()
    this.#active.add(run)
    if (this.#active.size === 1) this.#startTurn()
    if (this.#epochOwner === undefined) this.#startEpoch(run)
    this.update({ current: undefined, unknownCpuMs: 0 })
    this.#parts.watchdog.setBusy(this.#row, 1)
  }

  /** A run is over: returns its share of CPU time in ms. */
  leave(run: RunInCell): number {
    if (!this.#active.delete(run)) return 0
    const usedMs = this.#shares.level - run.cpuLevelMs
    this.#shares.leave()
    this.#startTurn()
    if (this.#active.size === 0) {
      this.#epochOwner = undefined
      this.#parts.watchdog.setBusy(this.#row, 0)
    } else if (this.#epochOwner === run) {
      const [next] = this.#active
      if (next !== undefined) this.#startEpoch(next)
    }
    return usedMs
  }

  /**
   * Sets the bounds for the runs that are going on now. All together may use the CPU time that they have left, the one that
   * the cell is in no more than its own: a run is neither ended for what others used, nor does it live on what they did not.
   */
  update({ current, unknownCpuMs }: Pick<Roster, 'current' | 'unknownCpuMs'>): void {
    if (this.#active.size === 0) return
    const { table } = this.#parts.watchdog
    let growthMb = 0
    let cpuLeftMs = -unknownCpuMs
    let deadlineMs = Infinity
    for (const run of this.#active) {
      const { limits } = run.ticket.policy
      growthMb += limits.memory
      cpuLeftMs += limits.cpu - run.tracedCpuMs
      deadlineMs = Math.min(deadlineMs, this.#deadlineOf(run))
    }
    if (current !== undefined) cpuLeftMs = Math.min(cpuLeftMs, current.ticket.policy.limits.cpu - current.tracedCpuMs)
    table.set(this.#row, 'growthMax', growthMb * 2 ** 20 + GROWTH_SLACK_BYTES)
    this.#limitData(growthMb)
    // Above both of the watchdog's bounds: the kernel's blow tells nobody which run was to blame.
    this.#parts.group?.bound(this.#keptBytes + growthMb * 2 ** 20 + GROWTH_SLACK_BYTES)
    table.set(this.#row, 'cpuMsMax', this.#shares.readingMs + cpuLeftMs + CPU_SLACK_MS)
    // The thread is the second line: it acts when this one's timer should have fired and did not.
    table.set(this.#row, 'deadlineMs', deadlineMs + this.#monotonicOffsetMs + this.#parts.killGraceMs)
    this.#arm(deadlineMs)
  }

  /**
   * The run that is furthest past its deadline; undefined if none is: the one that a kill was meant for may have ended by
   * itself while the kill was on its way.
   */
  mostOverdue(): RunInCell | undefined {
    const nowMs = this.#parts.clock.elapsed()
    let worst: RunInCell | undefined
    for (const run of this.#active) {
      if (this.#deadlineOf(run) > nowMs) continue
      if (worst === undefined || this.#deadlineOf(run) < this.#deadlineOf(worst)) worst = run
    }
    return worst
  }

  /**
   * The process is gone and its clock with it: what it used until the watchdog's last look is shared out. Called before
   * the reports are made; {@link end} follows.
   */
  observeLast(): void {
    this.#isOver = true
    this.#shares.advance(this.#parts.watchdog.table.get(this.#row, 'cpuMs'))
  }

  /** The process has been killed and is to go quickly. */
  hasten(): void {
    this.#parts.watchdog.table.set(this.#row, 'isDying', 1)
    this.#parts.group?.kill()
  }

  /** Gives the row back. */
  end(): void {
    clearTimeout(this.#timer)
    this.#probe?.[Symbol.dispose]()
    this.#parts.group?.[Symbol.dispose]()
    this.#parts.watchdog.close(this.#row)
  }

  /**
   * The watchdog's bound once more, kept by the kernel, with room for what is writable and never touched: it holds also
   * when the watchdog's thread does not get a processor in time.
   */
  #limitData(growthMb: number): void {
    const { limitData, pid } = this.#parts
    if (limitData === undefined || growthMb === this.#growthMb) return
    this.#growthMb = growthMb
    this.#probe ??= openMemoryProbe(pid)
    this.#dataBytes ??= this.#probe?.writable()
    if (this.#dataBytes === undefined) return
    limitData(pid, this.#dataBytes + growthMb * 2 ** 20 + DATA_SLACK_BYTES)
  }

  #deadlineOf(run: RunInCell): number {
    const { killGraceMs } = this.#parts
    const wallMs = run.startedMs === undefined ? Infinity : run.startedMs + run.ticket.wall + killGraceMs
    return run.cancelledMs === undefined ? wallMs : Math.min(wallMs, run.cancelledMs + CANCEL_GRACE_MS)
  }

  /** One timer a cell, moved only when a deadline comes nearer: a warm run costs no timer. */
  #arm(deadlineMs: number): void {
    if (deadlineMs >= this.#timerMs) return
    clearTimeout(this.#timer)
    this.#timerMs = deadlineMs
    const inMs = Math.max(0, deadlineMs - this.#parts.clock.elapsed())
    this.#timer = setTimeout(() => this.#check(), Math.min(inMs, 2_147_483_647))
    this.#timer.unref()
  }

  #check(): void {
    this.#timerMs = Infinity
    const nowMs = this.#parts.clock.elapsed()
    let nextMs = Infinity
    for (const run of this.#active) nextMs = Math.min(nextMs, this.#deadlineOf(run))
    // After the answers that have come have been read: a run that has ended in time must not cost its neighbours the cell.
    if (nextMs <= nowMs) setImmediate(() => this.#killIfOverdue())
    else if (nextMs < Infinity) this.#arm(nextMs)
  }

  #killIfOverdue(): void {
    const run = this.mostOverdue()
    if (run === undefined) this.#check()
    else this.#parts.onOverdue(run.cancelledMs === undefined ? 'deadline' : 'cancel')
  }

  #startTurn(): void {
    this.#turn += 1
    this.#parts.watchdog.table.set(this.#row, 'turn', this.#turn)
  }

  #startEpoch(owner: RunInCell): void {
    this.#epochOwner = owner
    this.#epoch += 1
    this.#parts.watchdog.table.set(this.#row, 'epoch', this.#epoch)
  }

  #cpuMs(): number {
    const { meter, pid, watchdog } = this.#parts
    return meter.cpuMs(pid) ?? watchdog.table.get(this.#row, 'cpuMs')
  }
}

/** Own memory of a cell without a tenant, rounded up: 7 to 12 MB were measured (see facts in ARCHITECTURE.md). */
const BLANK_BYTES = 16 * 2 ** 20
