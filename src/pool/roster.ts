import type { Clock } from '../core/clock.ts'
import { FrameError } from '../wire/frame.ts'
import type { Scene } from './culprit.ts'
import type { RunInCell } from './run-in-cell.ts'
import { type Reading, Traces } from './traces.ts'

interface Parts {
  readonly clock: Clock
  /** What the kernel said last of the process. */
  readonly reading: () => Reading
  /** A run's code can be entered from now on. */
  readonly onBegin: (run: RunInCell) => void
}

/** How much the last turn weighs in the average: the average forgets in about ten turns. */
const TURN_WEIGHT = 0.2
/** A turn that takes this many times as long as usual is no usual one. */
const LONG_TURN_FACTOR = 4

/**
 * The runs in one cell, and what the host knows of their progress. A cell takes runs in the order in which they were
 * sent, so the clock of each starts when the one before it has had its first entry: waiting behind another run is free.
 */
export class Roster {
  readonly #parts: Parts
  readonly #runs = new Map<number, RunInCell>()
  /** Runs whose first entry has not ended yet, in the order in which the cell takes them. */
  readonly #line: RunInCell[] = []
  /** Numbers of runs that were taken back and that the cell has not answered for. As many as were ever in the line. */
  readonly #takenBack = new Map<number, RunInCell>()
  readonly #traces = new Traces()
  /** The run that the cell has said it is in. */
  #current: RunInCell | undefined
  /** When the cell's thread was last given to somebody, as far as the host can tell. */
  #turnStartedMs: number | undefined
  #wasLost = false
  /** Since when the cell can only be in a run that was taken back. */
  #vainSinceMs: number | undefined
  /** Moving average of how long a run keeps the thread until it ends or waits. */
  #turnMs = 0

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#runs.size
  }

  /** All runs, as a copy that stays when they leave. */
  all(): readonly RunInCell[] {
    return [...this.#runs.values()]
  }

  has(run: RunInCell): boolean {
    return this.#runs.get(run.number) === run
  }

  /**
   * The run that a message from the cell names; undefined for one that was taken back, of which nothing counts any more.
   * Throws FrameError if there was none: the cell makes things up.
   */
  named(number: number): RunInCell | undefined {
    const run = this.#runs.get(number)
    if (run === undefined && !this.#takenBack.has(number)) {
      throw new FrameError('a message for a run that is not in the cell')
    }
    return run
  }

  /**
   * Takes back every run whose code the cell cannot have reached yet, because it is not their turn. Should the cell run one
   * of them all the same, nothing of it has an effect: {@link named} no longer knows it.
   */
  takeBack(): readonly RunInCell[] {
    const waiting = this.#line.filter((run) => run.startedMs === undefined)
    for (const run of waiting) {
      this.#runs.delete(run.number)
      this.#line.splice(this.#line.indexOf(run), 1)
      this.#takenBack.set(run.number, run)
    }
    return waiting
  }

  /** Whether the cell has yet to answer for a run that was taken back: it may still run it, in vain. */
  get isOwed(): boolean {
    return this.#takenBack.size > 0
  }

  /**
   * Whether the cell is in a run that was taken back, and what is to be done about it. `lost`: nothing else is in the cell,
   * now and at the sweep before. `stuck`: others are, which wait for as long as the vain run's own limit already.
   */
  sweep(): 'lost' | 'stuck' | 'fine' {
    const isLost = this.isOwed && this.#runs.size === 0
    const verdict = isLost && this.#wasLost ? 'lost' : 'fine'
    this.#wasLost = isLost
    // While others are known to be in the thread, or may be, their own limits see to it.
    const isVain = this.isOwed && this.#current === undefined && this.#line.length === 0
    const nowMs = this.#parts.clock.elapsed()
    this.#vainSinceMs = isVain ? (this.#vainSinceMs ?? nowMs) : undefined
    const longestMs = Math.max(...this.#takenBack.values().map(({ ticket }) => ticket.wall))
    const isStuck = this.#vainSinceMs !== undefined && nowMs - this.#vainSinceMs > longestMs
    return isStuck && verdict === 'fine' ? 'stuck' : verdict
  }

  /** The cell has said its last word about a run that was taken back. */
  forget(number: number): void {
    this.#takenBack.delete(number)
  }

  /** Runs that wait for their first turn behind another. */
  get waiting(): number {
    return Math.max(0, this.#line.length - 1)
  }

  add(run: RunInCell): void {
    this.#runs.set(run.number, run)
    this.#line.push(run)
    if (this.#line.length === 1) this.#begin(run)
    if (this.#runs.size === 1) this.#traces.start(this.#parts.reading())
  }

  /** The cell says that it runs code of this run now. Believed only to find a culprit, never to charge. */
  enter(run: RunInCell): void {
    this.#traces.name(run)
    if (this.#current === undefined && this.#line.length === 0) this.#turnStartedMs = this.#parts.clock.elapsed()
    this.#current = run
  }

  /** The run's entry is over; the next one in the line can be entered. */
  yield(run: RunInCell): void {
    if (this.#current === run) this.#current = undefined
    this.#endTurn()
    // Nearly always the first one.
    const index = this.#line[0] === run ? 0 : this.#line.indexOf(run)
    if (index < 0) return
    if (index === 0) this.#line.shift()
    else this.#line.splice(index, 1)
    const head = this.#line[0]
    if (index === 0 && head !== undefined) this.#begin(head)
  }

  remove(run: RunInCell): void {
    this.#runs.delete(run.number)
    this.yield(run)
  }

  /**
   * How long a run that came now would wait for its first entry, in ms, going by the turns before it. Infinite while the
   * turn that is going on is longer than `patienceMs` and far longer than usual: it may last to its limit. `coming` runs
   * are on their way before it.
   */
  expectedWaitMs(patienceMs: number, coming = 0): number {
    if (this.#current === undefined && this.#line.length === 0) return coming * this.#turnMs
    const startedMs = this.#turnStartedMs
    const ageMs = startedMs === undefined ? 0 : this.#parts.clock.elapsed() - startedMs
    if (ageMs > Math.max(patienceMs, LONG_TURN_FACTOR * this.#turnMs)) return Infinity
    return (this.#line.length + coming) * this.#turnMs
  }

  /** The run that the cell has said it is in. */
  get current(): RunInCell | undefined {
    return this.#current
  }

  /** There is a new reading of the process; messages that tell what it was spent on may follow. */
  observe(): void {
    this.#traces.observe(this.#parts.reading(), this.#current)
  }

  /** The messages that came with a reading have been read. */
  settle(): void {
    this.#traces.settle()
  }

  /** CPU time that no run is known to have used. */
  get unknownCpuMs(): number {
    return this.#traces.unknownCpuMs
  }

  /** What is known when the cell has died. */
  scene(): Omit<Scene, 'reason' | 'overdue'> {
    return {
      runs: this.all(),
      current: this.#current,
      awaitsEntry: (run) => this.#line.includes(run),
      isOwed: this.isOwed,
      unknownCpuMs: this.unknownCpuMs,
    }
  }

  #endTurn(): void {
    const nowMs = this.#parts.clock.elapsed()
    if (this.#turnStartedMs !== undefined) {
      this.#turnMs += TURN_WEIGHT * (nowMs - this.#turnStartedMs - this.#turnMs)
    }
    this.#turnStartedMs = this.#line.length > 1 ? nowMs : undefined
  }

  #begin(run: RunInCell): void {
    if (run.startedMs !== undefined) return
    run.startedMs = this.#parts.clock.elapsed()
    this.#turnStartedMs = run.startedMs
    this.#parts.onBegin(run)
  }
}
