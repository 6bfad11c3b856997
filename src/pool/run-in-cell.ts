import type { Clock } from '../core/clock.ts'
import type { LogLine, Report, Session, Ticket } from '../core/run.ts'

/**
 * A run as its cell's host side sees it. `sent`: behind others in the cell; `running`: at the head, or entered again;
 * `waiting`: for an answer or a timer.
 */
export interface RunInCell {
  readonly number: number
  readonly ticket: Ticket
  readonly session: Session
  readonly resolve: (report: Report) => void
  phase: 'sent' | 'running' | 'waiting'
  /** When its code could be entered first, by the host's clock; undefined while it is behind others. */
  startedMs: number | undefined
  /** {@link CpuShares.level} when it started. */
  cpuLevelMs: number
  readonly logs: LogLine[]
  logBytes: number
  pendingCalls: number
  lastCall: number
  /** Set once the host has asked the cell to end it. */
  cancelledMs: number | undefined
}

/**
 * Shares a process's CPU time among the runs in it: what is used between two readings is split evenly over the runs
 * in progress at that time. Invariant: the shares add up to the kernel's figure; one run alone gets it exactly.
 */
export class CpuShares {
  #levelMs = 0
  #lastMs: number
  #active = 0

  constructor(nowMs: number) {
    this.#lastMs = nowMs
  }

  /** CPU time that a run active since level 0 would have been given. */
  get level(): number {
    return this.#levelMs
  }
  /** The reading that the level is based on. */
  get readingMs(): number {
    return this.#lastMs
  }

  /** Takes a reading of the process's CPU clock. One that is not newer changes nothing. */
  advance(nowMs: number): void {
    const usedMs = nowMs - this.#lastMs
    if (!(usedMs > 0)) return
    this.#lastMs = nowMs
    if (this.#active > 0) this.#levelMs += usedMs / this.#active
  }

  enter(): void {
    this.#active += 1
  }

  leave(): void {
    this.#active -= 1
  }
}

/** Makes the run that a lease starts. */
export function createRunInCell(
  number: number,
  ticket: Ticket,
  session: Session,
  resolve: (report: Report) => void,
): RunInCell {
  return {
    number,
    ticket,
    session,
    resolve,
    phase: 'sent',
    startedMs: undefined,
    cpuLevelMs: 0,
    logs: [],
    logBytes: 0,
    pendingCalls: 0,
    lastCall: 0,
    cancelledMs: undefined,
  }
}

/** Time the run has taken so far, 0 if its code has not been reached. */
export function elapsedOf(run: RunInCell, clock: Clock): number {
  return run.startedMs === undefined ? 0 : clock.elapsed() - run.startedMs
}
