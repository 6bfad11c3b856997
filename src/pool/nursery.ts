import type { Clock } from '../core/clock.ts'
import { emit } from '../core/events.ts'
import type { Bytes } from '../core/quantity.ts'
import { Cell } from './cell.ts'
import type { Death } from './death.ts'
import { CellGuard } from './guard.ts'
import type { ProcessMeter } from './meter.ts'
import type { CellProgram } from './program.ts'
import type { CellProcess } from './spawner.ts'
import type { Walls } from './walls.ts'
import type { Watchdog } from './watchdog.ts'

/** What every cell of a host is made with, and how many there may be. */
export interface CellParts {
  readonly clock: Clock
  readonly program: CellProgram
  readonly meter: ProcessMeter
  readonly watchdog: Watchdog
  readonly walls: Walls
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
  /** Processes that have been asked for and have not begun. */
  #births = 0
  #delivered: PromiseWithResolvers<void> | undefined
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

  /** A blank cell that is ready, if there is one. */
  take(): Cell | undefined {
    return this.#blank.shift()
  }

  /** Starts what is missing, a little later, or at once for somebody who waits and finds no cell. */
  refillSoon(why: 'to be ready' | 'for a waiter' = 'to be ready'): void {
    if (this.#closed) return
    if (why === 'for a waiter') {
      this.#demand += 1
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
    if (this.#births > 0) {
      this.#delivered ??= Promise.withResolvers()
      await this.#delivered.promise
    }
    const exits = this.all().map((cell) => cell.exited)
    for (const cell of this.all()) cell.kill('closing')
    await Promise.all(exits)
  }

  #startMissing(): void {
    const { blankCells, cellsMax } = this.#parts
    while (!this.#closed && this.#failures < FAILURES_MAX) {
      const wanted = Math.max(blankCells, Math.min(this.#demand, STARTING_MAX))
      const coming = this.#starting.size + this.#births
      if (this.#blank.length + coming >= wanted) return
      if (coming >= STARTING_MAX || this.#all.size + this.#births >= cellsMax || this.#isFull) return
      this.#start()
    }
  }

  #start(): void {
    this.#births += 1
    const startedMs = this.#parts.clock.elapsed()
    void this.#parts.walls
      .start(this.#parts.program)
      .then((process) => this.#raise(process, startedMs))
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#births -= 1
        if (this.#births === 0) this.#delivered?.resolve()
        this.#startMissing()
      })
  }

  /** Takes a process that has just been started into care. */
  #raise(process: CellProcess, startedMs: number): void {
    const { clock, program, meter, watchdog, walls, killGraceMs, isolatesPerBlankCell, blankMemoryMb } = this.#parts
    if (this.#closed) return process.kill()
    let guard: CellGuard
    try {
      guard = new CellGuard({
        pid: process.pid,
        clock,
        meter,
        watchdog,
        killGraceMs,
        onOverdue: (reason) => cell.kill(reason),
      })
    } catch (error) {
      process.kill()
      throw error
    }
    const boot = { runtime: program.runtime, memoryMb: blankMemoryMb, isolates: isolatesPerBlankCell }
    const { onProgress } = this.#parts
    const cell = new Cell({
      process,
      guard,
      clock,
      walls: walls.level,
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
