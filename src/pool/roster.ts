import type { Clock } from '../core/clock.ts'
import { FrameError } from '../wire/frame.ts'
import type { RunInCell } from './run-in-cell.ts'

interface Parts {
  readonly clock: Clock
  /** A run's code can be entered from now on. */
  readonly onBegin: (run: RunInCell) => void
}

/**
 * The runs in one cell, and what the host knows of their progress. A cell takes runs in the order in which they were
 * sent, so the clock of each starts when the one before it has had its first entry: waiting behind another run is free.
 */
export class Roster {
  readonly #parts: Parts
  readonly #runs = new Map<number, RunInCell>()
  /** Runs whose first entry has not ended yet, in the order in which the cell takes them. */
  readonly #line: RunInCell[] = []
  /** The run that the cell has said it is in. */
  #current: RunInCell | undefined

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

  /** The run that a message from the cell names. Throws FrameError if there is none: the cell makes things up. */
  named(number: number): RunInCell {
    const run = this.#runs.get(number)
    if (run === undefined) throw new FrameError('a message for a run that is not in the cell')
    return run
  }

  add(run: RunInCell): void {
    this.#runs.set(run.number, run)
    this.#line.push(run)
    if (this.#line.length === 1) this.#begin(run)
  }

  /** The cell says that it runs code of this run now. Believed only to find a culprit, never to charge. */
  enter(run: RunInCell): void {
    this.#current = run
  }

  /** The run's entry is over; the next one in the line can be entered. */
  yield(run: RunInCell): void {
    if (this.#current === run) this.#current = undefined
    const index = this.#line.indexOf(run)
    if (index < 0) return
    this.#line.splice(index, 1)
    const head = this.#line[0]
    if (index === 0 && head !== undefined) this.#begin(head)
  }

  remove(run: RunInCell): void {
    this.#runs.delete(run.number)
    this.yield(run)
  }

  /** How long the run that has the cell's thread has had it, in ms; 0 if nobody has. */
  get headAgeMs(): number {
    const head = this.#current ?? this.#line[0]
    return head?.startedMs === undefined ? 0 : this.#parts.clock.elapsed() - head.startedMs
  }

  /** The run whose code the cell is in, as far as the host can tell. */
  get suspect(): RunInCell | undefined {
    if (this.#current !== undefined) return this.#current
    if (this.#line[0] !== undefined) return this.#line[0]
    const [only] = this.#runs.values()
    return this.#runs.size === 1 ? only : undefined
  }

  #begin(run: RunInCell): void {
    if (run.startedMs !== undefined) return
    run.startedMs = this.#parts.clock.elapsed()
    this.#parts.onBegin(run)
  }
}
