import { Worker } from 'node:worker_threads'
import { WatchTable } from './watch-table.ts'
import type { WatchdogData } from './watchdog-thread.ts'

interface Parts {
  /** Most cells that exist at once. */
  readonly rows: number
  readonly intervalMs: number
  /** Called when the thread ends by itself: without it no limit is certain any more. */
  readonly onFailure: (error: Error) => void
}

/** A thread that samples busy cells and kills those over a limit, also while the main thread is busy. */
export interface Watchdog extends AsyncDisposable {
  readonly table: WatchTable
  /** Takes a free row for a new process; undefined when all are taken. */
  open(pid: number): number | undefined
  /** Gives a row back once its process has been reaped. */
  close(row: number): void
  /** Tells the thread that a row's cell became busy or idle. */
  setBusy(row: number, busy: 0 | 1): void
}

/** Starts the watchdog. While no cell is busy its thread sleeps and costs nothing. */
export function startWatchdog({ rows, intervalMs, onFailure }: Parts): Watchdog {
  const table = new WatchTable(rows)
  const busy = new Int32Array(new SharedArrayBuffer(8))
  const free = Array.from({ length: rows }, (_, index) => rows - 1 - index)
  const data: WatchdogData = { table: table.shared, rows, busy: busy.buffer as SharedArrayBuffer, intervalMs }
  const file = import.meta.url.endsWith('.ts') ? './watchdog-thread.ts' : './watchdog-thread.js'
  const worker = new Worker(new URL(file, import.meta.url), { workerData: data, name: 'cloister-watchdog' })
  let stopping = false
  worker.on('error', onFailure)
  worker.on('exit', () => {
    if (!stopping) onFailure(new Error('the watchdog thread ended'))
  })
  worker.unref()

  return {
    table,
    open(pid) {
      const row = free.pop()
      if (row === undefined) return undefined
      table.clear(row)
      table.set(row, 'pid', pid)
      // One look at it, so that the thread has it in hand from the start.
      Atomics.notify(busy, 0)
      return row
    },
    close(row) {
      if (table.get(row, 'busy') === 1) this.setBusy(row, 0)
      table.clear(row)
      free.push(row)
    },
    setBusy(row, state) {
      if (table.get(row, 'busy') === state) return
      table.set(row, 'busy', state)
      if (state === 1 && Atomics.add(busy, 0, 1) === 0) Atomics.notify(busy, 0)
      else if (state === 0) Atomics.sub(busy, 0, 1)
    },
    async [Symbol.asyncDispose]() {
      stopping = true
      Atomics.store(busy, 0, -1_000_000)
      Atomics.notify(busy, 0)
      Atomics.notify(busy, 1)
      await worker.terminate()
    },
  }
}
