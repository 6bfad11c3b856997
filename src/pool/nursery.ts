import { emit } from '../core/events.ts'
import { BlankShelf } from './blank-shelf.ts'
import { bootOf } from './briefing.ts'
import { Cell } from './cell.ts'
import type { CellParts } from './cell-parts.ts'
import type { Death } from './death.ts'
import { CellGuard } from './guard.ts'
import { type CellProfile, flagsKey, profileKey } from './profile.ts'
import type { CellProcess } from './spawner.ts'
import type { Demand } from './waiting-room.ts'

interface Parts extends CellParts {
  /** What those who wait would take. */
  readonly demands: () => readonly Demand[]
  readonly onReady: () => void
  readonly onProgress: (cell: Cell) => void
  readonly onEnd: (cell: Cell, death: Death) => void
}

/** Processes that start at the same time: more of them only make each other slower on two cores. */
const STARTING_MAX = 4
/** A spawn blocks this thread for about a millisecond, so it waits until what is going on has been answered. In ms. */
const REFILL_AFTER_MS = 5
/** Starts that may fail in a row before the nursery gives up until it is asked again. */
const FAILURES_MAX = 5

/** What should be started next, and for whom. */
interface Missing {
  readonly profile: CellProfile
  readonly why: 'to be ready' | 'for a waiter'
}

/** A process, for as long as it exists. */
interface Member {
  readonly guard: CellGuard
  readonly profile: CellProfile
}

/** A cell from when it is asked for until it is ready. */
interface Birth {
  readonly profile: CellProfile
  readonly startedMs: number
  cell: Cell | undefined
}

/**
 * Where cells are born: keeps blank ones ready, by profile, and counts every process of the host.
 *
 * Invariant: a cell is only ever given out to a policy that needs the flags its process was started with.
 */
export class Nursery {
  readonly firstReady: Promise<void>
  readonly #parts: Parts
  readonly #all = new Map<Cell, Member>()
  readonly #blank: BlankShelf<Cell>
  readonly #first = Promise.withResolvers<void>()
  readonly #starting = new Set<Birth>()
  /** Processes that have been asked for and have not begun: they count, too. */
  #unborn = 0
  /** Cells that are being ended so that another kind can be started. */
  readonly #makingRoom = new Set<Cell>()
  #delivered: PromiseWithResolvers<void> | undefined
  #isFull = false
  #failures = 0
  #refill: NodeJS.Timeout | undefined
  #closed = false

  constructor(parts: Parts) {
    this.#parts = parts
    this.#blank = new BlankShelf({ clock: parts.clock, main: parts.blankProfile, mainCells: parts.blankCells })
    this.firstReady = this.#first.promise
    this.firstReady.catch(() => {})
    // Nobody waits for blank cells where none are kept: the first run starts its own.
    if (parts.blankCells === 0) this.#first.resolve()
  }

  /** Processes that exist, in whatever state. */
  get size(): number {
    return this.#all.size + this.#unborn
  }
  /** Blank cells that are ready, of the profile that most tenants need. */
  get ready(): number {
    return this.#blank.ready
  }
  all(): readonly (readonly [Cell, CellProfile])[] {
    return [...this.#all].map(([cell, { profile }]) => [cell, profile])
  }

  /** Adds up the memory of all cells and returns whether it is more than they may have together. */
  weigh(): 'full' | 'fits' {
    let total = 0
    for (const { guard } of this.#all.values()) total += guard.ownBytes
    this.#isFull = total > this.#parts.memoryMax
    return this.#isFull ? 'full' : 'fits'
  }

  /**
   * A blank cell that is ready and can serve the profile, if there is one. Who brings down cells one after the other takes
   * `not the last`: as long as another can be started, one is left for a tenant that comes now.
   */
  take(profile: CellProfile, which: 'any' | 'not the last'): Cell | undefined {
    if (which === 'not the last' && this.#blank.countFitting(profile) === 1 && this.#keepsOne) return undefined
    return this.#blank.take(profile)
  }

  /** Ends a blank cell that cannot serve the profile, so that there is room for one that can. */
  makeRoom(profile: CellProfile): 'made' | 'none' {
    const cell = this.#blank.leastMissed(profile)
    if (cell === undefined) return 'none'
    this.#makingRoom.add(cell)
    this.#drop(cell, 'evicted')
    return 'made'
  }

  /**
   * Once a second: ends the blank cells that nobody has asked for lately. If all cells together have too much memory it ends one
   * of a rare profile; `full` if there is none.
   */
  sweep(): 'full' | 'fits' {
    for (const cell of this.#blank.surplus()) this.#drop(cell, 'idle')
    if (this.weigh() === 'fits') return 'fits'
    return this.makeRoom(this.#parts.blankProfile) === 'made' ? 'fits' : 'full'
  }

  /** Starts a cell at once, for somebody who waits and finds none, unless as many as are useful are starting. */
  startFor(profile: CellProfile): void {
    this.#failures = 0
    if (this.#starting.size < STARTING_MAX || this.#countStarting(flagsKey(profile), flagsKey) === 0)
      this.#startMissing()
  }

  /** Starts what is missing, a little later. */
  refillSoon(): void {
    if (this.#closed) return
    this.#refill ??= setTimeout(() => {
      this.#refill = undefined
      this.#startMissing()
    }, REFILL_AFTER_MS)
  }

  /** Ends every process and waits until the kernel has reaped them. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#refill)
    if (this.#unborn > 0) {
      this.#delivered ??= Promise.withResolvers()
      await this.#delivered.promise
    }
    const cells = [...this.#all.keys()]
    const exits = cells.map((cell) => cell.exited)
    for (const cell of cells) cell.kill('closing')
    await Promise.all(exits)
  }

  get #keepsOne(): boolean {
    const { blankCells, cellsMax } = this.#parts
    return blankCells > 0 && this.size < cellsMax && !this.#isFull && this.#failures < FAILURES_MAX
  }

  #startMissing(): void {
    while (!this.#closed && this.#failures < FAILURES_MAX) {
      const next = this.#demanded() ?? this.#wanted()
      if (next === undefined || this.#isFull) return
      if (this.size < this.#parts.cellsMax) this.#start(next.profile)
      // One at a time: each end of a cell comes back here.
      else if (next.why === 'to be ready' || this.#makingRoom.size > 0 || this.makeRoom(next.profile) === 'none') return
    }
  }

  /** The profile of which somebody waits for a cell that is not on its way. Each kind may always have one that starts. */
  #demanded(): Missing | undefined {
    for (const { profile, cells, unruly } of this.#parts.demands()) {
      const starting = this.#countStarting(flagsKey(profile), flagsKey)
      const coming = this.#blank.countFitting(profile) + starting
      // All the unruly together wait for one, beside the one that is kept for others.
      const needed = unruly === 'none' ? cells : cells + (this.#keepsOne ? 2 : 1)
      if (coming >= Math.min(needed, STARTING_MAX)) continue
      if (starting === 0 || this.#starting.size < STARTING_MAX) return { profile, why: 'for a waiter' }
    }
    return undefined
  }

  /** The profile of which there should be more blank cells. */
  #wanted(): Missing | undefined {
    if (this.#starting.size >= STARTING_MAX) return undefined
    const missing = this.#blank
      .wanted()
      .find(
        ({ profile, cells }) =>
          this.#blank.count(profile) + this.#countStarting(profileKey(profile), profileKey) < cells,
      )
    return missing && { profile: missing.profile, why: 'to be ready' }
  }

  #countStarting(key: string, keyOf: (profile: CellProfile) => string): number {
    let count = 0
    for (const { profile } of this.#starting) if (keyOf(profile) === key) count += 1
    return count
  }

  #drop(cell: Cell, reason: 'idle' | 'evicted'): void {
    this.#blank.remove(cell)
    cell.kill(reason)
  }

  #start(profile: CellProfile): void {
    const birth: Birth = { profile, startedMs: this.#parts.clock.elapsed(), cell: undefined }
    this.#starting.add(birth)
    this.#unborn += 1
    void this.#parts.walls
      .start(this.#parts.program, profile)
      .then((process) => this.#raise(process, birth))
      .catch((error: unknown) => {
        this.#starting.delete(birth)
        this.#fail(error)
      })
      .finally(() => {
        if (birth.cell === undefined) this.#unborn -= 1
        if (this.#unborn === 0) this.#delivered?.resolve()
        this.#startMissing()
      })
  }

  /** Takes a process that has just been started into care. */
  #raise(process: CellProcess, birth: Birth): void {
    const { clock, meter, watchdog, walls, groups, killGraceMs, inspection, onProgress } = this.#parts
    const { profile } = birth
    if (this.#closed) return discard(process)
    let guard: CellGuard
    try {
      guard = new CellGuard({
        pid: process.pid,
        clock,
        meter,
        watchdog,
        killGraceMs,
        onOverdue: (reason) => cell.kill(reason),
        group: groups?.open(process.pid),
        // Every isolate with JIT reserves half a gigabyte of writable memory: there a bound would bound nothing.
        ...(!profile.jit && walls.limitData && { limitData: walls.limitData }),
      })
    } catch (error) {
      discard(process)
      throw error
    }
    const cell = new Cell({
      process,
      guard,
      clock,
      walls: walls.level,
      boot: bootOf(this.#parts, profile),
      inspection,
      onProgress,
      onEnd: (_, death) => this.#end(birth, death),
    })
    birth.cell = cell
    this.#unborn -= 1
    this.#all.set(cell, { guard, profile })
    const timer = setTimeout(() => cell.kill('start-timeout'), this.#parts.startTimeoutMs)
    void cell.ready.then(() => {
      clearTimeout(timer)
      this.#starting.delete(birth)
      this.#failures = 0
      this.#blank.put(cell, profile)
      this.#first.resolve()
      emit('cell.spawned', { pid: cell.pid, startMs: clock.elapsed() - birth.startedMs, blank: this.#blank.ready })
      this.#parts.onReady()
      this.#startMissing()
    })
    void cell.exited.then(() => clearTimeout(timer))
  }

  #end(birth: Birth, death: Death): void {
    const { cell } = birth
    if (cell === undefined) return
    this.#all.delete(cell)
    this.#blank.remove(cell)
    this.#makingRoom.delete(cell)
    if (this.#starting.delete(birth)) {
      this.#fail(new Error(`a cell ended before it was ready: ${death.reason} ${death.lastWords}`.trim()))
    }
    this.#parts.onEnd(cell, death)
    if (this.#parts.demands().length > 0) this.#startMissing()
  }

  #fail(error: unknown): void {
    this.#failures += 1
    if (this.#failures >= FAILURES_MAX) this.#first.reject(error)
  }
}

/** Ends a process that no cell was made of: nobody else would close its socket. */
function discard(process: CellProcess): void {
  process.kill()
  process.socket.destroy()
}
