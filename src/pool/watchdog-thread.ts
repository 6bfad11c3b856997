import { workerData } from 'node:worker_threads'
import { openLibc } from '../kernel/libc.ts'
import { type MemoryProbe, hasProc, openMemoryProbe, openProcessMeter, sampleByPs } from './meter.ts'
import { Standing } from './standing.ts'
import { KILLED_FOR, WatchTable } from './watch-table.ts'

/** What the watchdog thread is started with. */
export interface WatchdogData {
  readonly table: SharedArrayBuffer
  readonly rows: number
  /** One number: how many cells are busy. The thread sleeps while it is 0. */
  readonly busy: SharedArrayBuffer
  readonly intervalMs: number
}

/** `ps` costs milliseconds of CPU a call; without `/proc` the watchdog looks less often. */
const PS_INTERVAL_MS = 100

const { table: shared, rows, busy: busyShared, intervalMs } = workerData as WatchdogData
const table = new WatchTable(rows, shared)
const busy = new Int32Array(busyShared)
const meter = openProcessMeter()
const pause = hasProc ? intervalMs : PS_INTERVAL_MS
/** Nice value of this thread: it sleeps nearly always, and a late look costs tens of megabytes. */
const WATCHDOG_NICE = -10
/** A cell that has less than this left of its memory is looked at more often: 3.5 MB a millisecond were measured. */
const CLOSE_BYTES = 40 * 2 ** 20
const CLOSE_INTERVAL_MS = 1
/** Whether a cell was close to its memory bound at the last look. */
let isClose = false
/** What this thread knows of a row, as long as it belongs to the same process. */
const seen = new Map<number, Known>()

interface Known {
  readonly pid: number
  readonly probe: MemoryProbe | undefined
  readonly standing: Standing | undefined
  epoch: number
  base: number
}

// Where the system lets it, this thread goes before everything that it watches; elsewhere cells give way to the host.
const libc = openLibc()
const mayRaise = libc?.setNice(WATCHDOG_NICE) === 0

for (;;) {
  // A negative number is the word to stop.
  if (Atomics.load(busy, 0) < 0) break
  if (Atomics.load(busy, 0) === 0) Atomics.wait(busy, 0, 0)
  isClose = false
  look()
  Atomics.wait(busy, 1, 0, isClose ? Math.min(pause, CLOSE_INTERVAL_MS) : pause)
}

function look(): void {
  const active: number[] = []
  for (let row = 0; row < rows; row += 1) {
    const pid = table.get(row, 'pid')
    if (pid === 0) forget(row)
    else if (table.get(row, 'busy') === 1) active.push(row)
    else if (hasProc) know(row, pid)
  }
  if (hasProc) for (const row of active) lookAt(row)
  else lookByPs(active)
}

function lookAt(row: number): void {
  const pid = table.get(row, 'pid')
  if (pid === 0) return
  const known = know(row, pid)
  const bytes = known.probe?.read()
  const cpuMs = meter.cpuMs(pid)
  if (bytes === undefined || cpuMs === undefined) return
  judge(row, pid, known, bytes, cpuMs)
  const isDying = table.get(row, 'killedFor') !== KILLED_FOR.nothing || table.get(row, 'isDying') === 1
  known.standing?.observe(cpuMs, table.get(row, 'turn'), isDying ? 'dying' : 'alive')
}

function know(row: number, pid: number): Known {
  const known = seen.get(row)
  if (known?.pid === pid) return known
  forget(row)
  const standing = new Standing(pid, mayRaise ? libc : undefined)
  const fresh = { pid, probe: openMemoryProbe(pid), standing, epoch: -1, base: 0 }
  seen.set(row, fresh)
  return fresh
}

function lookByPs(active: readonly number[]): void {
  const samples = sampleByPs(active.map((row) => table.get(row, 'pid')))
  for (const row of active) {
    const pid = table.get(row, 'pid')
    const sample = samples.get(pid)
    if (sample === undefined) continue
    const known = seen.get(row)?.pid === pid ? seen.get(row) : undefined
    const entry = known ?? { pid, probe: undefined, standing: undefined, epoch: -1, base: 0 }
    seen.set(row, entry)
    judge(row, pid, entry, sample.bytes, sample.cpuMs)
  }
}

function judge(row: number, pid: number, known: Known, bytes: number, cpuMs: number): void {
  const epoch = table.get(row, 'epoch')
  if (epoch !== known.epoch) {
    known.epoch = epoch
    known.base = Math.min(bytes, table.get(row, 'baseMax'))
    table.set(row, 'peakBytes', bytes)
  }
  table.set(row, 'bytes', bytes)
  table.set(row, 'cpuMs', cpuMs)
  if (bytes > table.get(row, 'peakBytes')) table.set(row, 'peakBytes', bytes)
  const left = known.base + table.get(row, 'growthMax') - bytes
  if (left < CLOSE_BYTES) isClose = true
  // A kill takes effect a little later: the row is looked at until its process is gone, and the peak is what was reached.
  if (left < 0) kill(row, pid, KILLED_FOR.memory)
  else if (cpuMs > table.get(row, 'cpuMsMax')) kill(row, pid, KILLED_FOR.cpu)
  else if (monotonicMs() > table.get(row, 'deadlineMs')) kill(row, pid, KILLED_FOR.deadline)
}

function kill(row: number, pid: number, reason: number): void {
  // The row may have passed to another process since it was read; then there is nothing left to kill.
  if (
    table.get(row, 'pid') !== pid ||
    table.get(row, 'busy') !== 1 ||
    table.get(row, 'killedFor') !== KILLED_FOR.nothing
  )
    return
  table.set(row, 'killedFor', reason)
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It died by itself in between: its exit is reported all the same.
  }
}

/** The same clock as the main thread's: `performance.now()` counts from the start of each thread. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1_000_000
}

function forget(row: number): void {
  const known = seen.get(row)
  known?.probe?.[Symbol.dispose]()
  known?.standing?.[Symbol.dispose]()
  seen.delete(row)
}
