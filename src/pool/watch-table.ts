/**
 * What the host's main thread and its watchdog thread share: a row a cell, in shared memory, so that a busy main thread
 * never delays a kill and a warm run costs a few stores. Each field has one writer, named beside it.
 */
export const WATCH_FIELDS = {
  /** main: process id; 0 for a row that is not in use. */
  pid: 0,
  /** main: 1 while the cell has a run in progress. */
  busy: 1,
  /** main: grows whenever the memory of the cell is to be taken as the new base. */
  epoch: 2,
  /** main: bytes that the cell's own memory may grow above its base. */
  growthMax: 3,
  /** main: highest base in bytes: what a cell may keep between runs. */
  baseMax: 4,
  /** main: CPU time of the process in ms past which it is killed. */
  cpuMsMax: 5,
  /** main: time by CLOCK_MONOTONIC in ms past which the process is killed. */
  deadlineMs: 6,
  /** main: grows with each run that ends and each that finds the cell idle. */
  turn: 11,
  /** main: 1 once it has killed the process. */
  isDying: 12,
  /** watchdog: own memory at the last sample, in bytes. */
  bytes: 7,
  /** watchdog: highest own memory since the epoch began, in bytes. */
  peakBytes: 8,
  /** watchdog: CPU time at the last sample in ms, for machines where the main thread cannot read it. */
  cpuMs: 9,
  /** watchdog: one of {@link KILLED_FOR} once it has killed the process. */
  killedFor: 10,
} as const

type WatchField = keyof typeof WATCH_FIELDS
const ROW = 13

/** Why the watchdog killed a process. */
export const KILLED_FOR = { nothing: 0, memory: 1, cpu: 2, deadline: 3 } as const

export class WatchTable {
  readonly shared: SharedArrayBuffer
  readonly #cells: Float64Array
  readonly rows: number

  constructor(rows: number, shared = new SharedArrayBuffer(rows * ROW * 8)) {
    this.rows = rows
    this.shared = shared
    this.#cells = new Float64Array(shared)
  }

  get(row: number, field: WatchField): number {
    return this.#cells[row * ROW + WATCH_FIELDS[field]] ?? 0
  }

  set(row: number, field: WatchField, value: number): void {
    this.#cells[row * ROW + WATCH_FIELDS[field]] = value
  }

  clear(row: number): void {
    this.#cells.fill(0, row * ROW, (row + 1) * ROW)
  }
}
