import { STREAM_CALLS_MAX, wholeResponseMax } from '../core/exchange.ts'
import { outputReached } from '../core/limit-messages.ts'
import { bytes, micros } from '../core/quantity.ts'
import type { LogLine, Report, Session, Ticket, WallLevel } from '../core/run.ts'
import { FrameError } from '../wire/frame.ts'
import type { FromCell } from '../wire/from-cell.ts'
import type { Ending } from './death.ts'

/** A run as the host's side of its cell sees it. */
export interface RunInCell {
  readonly number: number
  readonly ticket: Ticket
  readonly session: Session
  readonly resolve: (report: Report | 'taken-back') => void
  /** For what is the host's own trouble. */
  readonly reject: (error: Error) => void
  /** When its code could be entered first, by the host's clock; undefined while it is behind others. */
  startedMs: number | undefined
  /** {@link CpuShares.level} when it started. */
  cpuLevelMs: number
  /** CPU time and memory that it seems to have taken, going by whose code the cell says it is in: see traces.ts. Never charged. */
  tracedCpuMs: number
  tracedBytes: number
  readonly logs: LogLine[]
  logBytes: number
  pendingCalls: number
  lastCall: number
  /** Ends the listening to the caller's signal: one signal may outlive many runs. */
  stopWatching: (() => void) | undefined
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
  { resolve, reject }: Pick<RunInCell, 'resolve' | 'reject'>,
): RunInCell {
  return {
    number,
    ticket,
    session,
    resolve,
    reject,
    startedMs: undefined,
    cpuLevelMs: 0,
    tracedCpuMs: 0,
    tracedBytes: 0,
    logs: [],
    logBytes: 0,
    pendingCalls: 0,
    lastCall: 0,
    cancelledMs: undefined,
    stopWatching: undefined,
  }
}

/** Lines that the runtime may add to those the guest is allowed. */
const LINES_SLACK = 100
const BYTES_SLACK = 65_536

/** Keeps a log line. The runtime has cut what is too much; a cell that sends more breaks the protocol. */
export function addLog(run: RunInCell, line: LogLine): void {
  const { logs, logLines } = run.ticket.policy.limits
  run.logBytes += Buffer.byteLength(line.message)
  // The runtime counts UTF-16 units, each of which is at most three bytes.
  if (run.logs.length >= logLines + LINES_SLACK || run.logBytes > logs * 3 + BYTES_SLACK) {
    throw new FrameError('more logs than the policy allows')
  }
  run.logs.push(line)
}

/** Calls `action` once the signal aborts, at once if it has. Returns what ends the listening. */
export function onAbort(signal: AbortSignal, action: () => void): () => void {
  if (signal.aborted) action()
  else signal.addEventListener('abort', action, { once: true })
  return () => signal.removeEventListener('abort', action)
}

/** Notes a capability call. Calls are numbered from 1 and bounded by the runtime; a cell that does otherwise breaks the protocol. */
export function startCall(run: RunInCell, { call }: FromCell & { kind: 'call' }): void {
  if (call !== run.lastCall + 1) throw new FrameError('calls are not numbered in order')
  const own = run.ticket.request.exchange === undefined ? 0 : STREAM_CALLS_MAX
  if (run.pendingCalls >= run.ticket.policy.limits.pendingCalls + own) throw new FrameError('more calls than may wait')
  run.lastCall = call
  run.pendingCalls += 1
}

/** Turns what the cell says of a run's end into its ending, checking what only the host knows. */
export function endingOf(run: RunInCell, { status, result, error }: FromCell & { kind: 'done' }): Ending {
  const isCancelled = run.cancelledMs !== undefined
  if (run.startedMs === undefined && !isCancelled) throw new FrameError('a run ended before its turn')
  if (status === 'cancelled' && !isCancelled) throw new FrameError('a run was cancelled by nobody')
  if (status === 'suspended' && run.ticket.request.execution === undefined) {
    throw new FrameError('a run waits that cannot be resumed')
  }
  if (status !== 'ok') return { status, ...(error && { error }) }
  const { output } = run.ticket.policy.limits
  if (result.length > (run.ticket.request.exchange === undefined ? output : wholeResponseMax(output))) {
    const message = outputReached(`the result has ${result.length} bytes`, output)
    return { status: 'output-exceeded', error: { name: 'RangeError', message, stack: '' } }
  }
  // Copied: the receive buffer is used again.
  return { status, result: Buffer.from(result) }
}

interface Measured {
  readonly nowMs: number
  readonly cpuMs: number
  readonly peakBytes: number
  readonly coldStart: boolean
  readonly walls: WallLevel
}

/** What is told of a run that is over: how it ended, and what the host measured of it. */
export function reportOf(run: RunInCell, ending: Ending, measured: Measured): Report {
  const { nowMs, cpuMs, peakBytes, coldStart, walls } = measured
  return {
    ...ending,
    logs: run.logs,
    wall: micros(Math.max(1, Math.ceil((nowMs - (run.startedMs ?? nowMs)) * 1_000))),
    cpu: micros(Math.round(cpuMs * 1_000)),
    peakMemory: bytes(peakBytes),
    coldStart,
    walls,
  }
}

/** Lets a run have its turn in another cell: nothing of it counts in this one any more. */
export function giveBack(run: RunInCell): void {
  run.stopWatching?.()
  run.resolve('taken-back')
}
