import type { Clock } from '../core/clock.ts'
import { emit } from '../core/events.ts'
import type { Bytes } from '../core/quantity.ts'
import type { WallLevel } from '../core/run.ts'
import { Cell } from './cell.ts'
import type { Death } from './death.ts'
import { CellGuard } from './guard.ts'
import type { ProcessMeter } from './meter.ts'
import type { CellProgram } from './program.ts'
import { type CellProcess, spawnCell } from './spawn.ts'
import type { Watchdog } from './watchdog.ts'

/** What every cell of a host is made with, and how many there may be. */
export interface CellParts {
  readonly clock: Clock
  readonly program: CellProgram
  readonly meter: ProcessMeter
  readonly watchdog: Watchdog
  readonly walls: WallLevel
  /** Cells kept ready, without a tenant. */
  readonly blankCells: number
  readonly isolatesPerBlankCell: number
  /** Heap limit of a blank cell's isolates: that of the policy most tenants have. */
  readonly blankMemoryMb: number
  readonly cellsMax: number
  /** Memory of all cells together past which no further one is started. */
  readonly memoryMax: Bytes
  readonly killGraceMs: number
  readonly startTimeoutMs: number
}

interface Parts extends CellParts {
  /** Whether somebody waits who may not have the last blank cell. */
  readonly unrulyWait: () => boolean
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

/** Where cells are born: keeps blank ones ready and counts every process of the host. */
export class Nursery {
  readonly firstReady: Promise<void>
  readonly #parts: Parts
  readonly #all = new Map<Cell, CellGuard>()
  readonly #blank: Cell[] = []
  readonly #first = Promise.withResolvers<void>()
  readonly #starting = new Set<Cell>()
  #demand = 0
  #isFull = false
  #failures = 0
  #refill: NodeJS.Timeout | undefined
  #closed = false

  constructor(parts: Parts) {
    this.#parts = parts
    this.firstReady = this.#first.promise
    this.firstReady.catch(() => {})
    // Nobody waits for blank cells where none are kept: the first run starts its own.
    if (parts.blankCells === 0) this.#first.resolve()
  }

  /** Processes that exist, in whatever state. */
  get size(): number {
    return this.#all.size
  }
  /** Blank cells that are ready. */
  get ready(): number {
    return this.#blank.length
  }
  all(): readonly Cell[] {
    return [...this.#all.keys()]
  }

  /** Adds up the memory of all cells and returns whether it is more than they may have together. */
  weigh(): 'full' | 'fits' {
    let total = 0
    for (const guard of this.#all.values()) total += guard.ownBytes
    this.#isFull = total > this.#parts.memoryMax
    return this.#isFull ? 'full' : 'fits'
  }

  /**
   * A blank cell that is ready, if there is one. Who brings down cells one after the other takes `not the last`: as long as
   * another can be started, one is left for a tenant that comes now.
   */
  take(which: 'any' | 'not the last'): Cell | undefined {
    if (which === 'not the last' && this.#blank.length === 1 && this.#keepsOne) return undefined
    return this.#blank.shift()
  }

  /** Starts what is missing, a little later, or at once for somebody who waits and finds no cell. */
  refillSoon(why: 'to be ready' | 'for a waiter' | 'for an unruly waiter' = 'to be ready'): void {
    if (this.#closed) return
    if (why !== 'to be ready') {
      // All the unruly together wait for one: what is started for them must not slow down what is started for others.
      if (why === 'for a waiter') this.#demand += 1
      this.#failures = 0
      this.#startMissing()
      return
    }
    this.#refill ??= setTimeout(() => {
      this.#refill = undefined
      this.#startMissing()
    }, REFILL_AFTER_MS)
  }

  /** Ends every process and waits until the kernel has reaped them. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#refill)
    const exits = this.all().map((cell) => cell.exited)
    for (const cell of this.all()) cell.kill('closing')
    await Promise.all(exits)
  }

  get #keepsOne(): boolean {
    const { blankCells, cellsMax } = this.#parts
    return blankCells > 0 && this.#all.size < cellsMax && !this.#isFull && this.#failures < FAILURES_MAX
  }

  #startMissing(): void {
    const { blankCells, cellsMax } = this.#parts
    // The one that is kept for others, and one for an unruly tenant.
    const kept = this.#parts.unrulyWait() ? 2 : 0
    while (!this.#closed && this.#failures < FAILURES_MAX) {
      const wanted = Math.max(blankCells, this.#keepsOne ? kept : 0, Math.min(this.#demand, STARTING_MAX))
      if (this.#blank.length + this.#starting.size >= wanted) return
      if (this.#starting.size >= STARTING_MAX || this.#all.size >= cellsMax || this.#isFull) return
      this.#start()
    }
  }

  #start(): void {
    const { clock, program, meter, watchdog, walls, killGraceMs, isolatesPerBlankCell, blankMemoryMb } = this.#parts
    const startedMs = clock.elapsed()
    let process: CellProcess
    let guard: CellGuard
    try {
      process = spawnCell(program)
      guard = new CellGuard({
        pid: process.pid,
        clock,
        meter,
        watchdog,
        killGraceMs,
        onOverdue: (reason) => cell.kill(reason),
      })
    } catch (error) {
      this.#fail(error)
      return
    }
    const boot = { runtime: program.runtime, memoryMb: blankMemoryMb, isolates: isolatesPerBlankCell }
    const { onProgress } = this.#parts
    const cell = new Cell({
      process,
      guard,
      clock,
      walls,
      boot,
      onProgress,
      onEnd: (ended, death) => this.#end(ended, death),
    })
    this.#all.set(cell, guard)
    this.#starting.add(cell)
    const timer = setTimeout(() => cell.kill('start-timeout'), this.#parts.startTimeoutMs)
    void cell.ready.then(() => {
      clearTimeout(timer)
      this.#starting.delete(cell)
      this.#failures = 0
      this.#blank.push(cell)
      this.#demand = Math.max(0, this.#demand - 1)
      this.#first.resolve()
      emit('cell.spawned', { pid: cell.pid, startMs: clock.elapsed() - startedMs, blank: this.#blank.length })
      this.#parts.onReady()
      this.#startMissing()
    })
    void cell.exited.then(() => clearTimeout(timer))
  }

  #end(cell: Cell, death: Death): void {
    this.#all.delete(cell)
    const index = this.#blank.indexOf(cell)
    if (index >= 0) this.#blank.splice(index, 1)
    if (this.#starting.delete(cell)) {
      this.#fail(new Error(`a cell ended before it was ready: ${death.reason} ${death.lastWords}`.trim()))
    }
    this.#parts.onEnd(cell, death)
  }

  #fail(error: unknown): void {
    this.#failures += 1
    if (this.#failures >= FAILURES_MAX) this.#first.reject(error)
  }
}
