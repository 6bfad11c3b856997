import type { RunInCell } from './run-in-cell.ts'

/** What the kernel says of a cell's process: CPU time that it has used, memory of its own. */
export interface Reading {
  readonly cpuMs: number
  readonly bytes: number
}

/**
 * Which run of a cell took what. What grows between two readings is put down to the run that the cell said it was in; if it
 * said nothing, to the runs that the messages of the same chunk name; what is left then is put down to nobody.
 *
 * Believed only to find a culprit and to bound what runs may still use, never to charge: a cell that was taken over can lie
 * about whose code it is in, which only moves blame among the runs of one tenant.
 */
export class Traces {
  #last: Reading = { cpuMs: 0, bytes: 0 }
  #cpuMs = 0
  #bytes = 0
  readonly #named = new Set<RunInCell>()

  /** CPU time that nobody is known to have used. */
  get unknownCpuMs(): number {
    return this.#cpuMs
  }

  /** The first run of a cell that had none: what was before is nobody's. */
  start(reading: Reading): void {
    this.#last = reading
    this.#cpuMs = 0
    this.#bytes = 0
  }

  /** Takes a reading while the cell was in a run, or in none that it has told of. */
  observe(reading: Reading, current: RunInCell | undefined): void {
    const cpuMs = Math.max(0, reading.cpuMs - this.#last.cpuMs)
    const bytes = reading.bytes - this.#last.bytes
    this.#last = { cpuMs: this.#last.cpuMs + cpuMs, bytes: reading.bytes }
    if (current !== undefined) return give(current, cpuMs, bytes)
    this.#cpuMs += cpuMs
    this.#bytes += bytes
  }

  /** The cell tells that it was in a run, or is. */
  name(run: RunInCell): void {
    this.#named.add(run)
  }

  /** The chunk has been read to its end: what nobody was known to have taken belongs to those that it named. */
  settle(): void {
    if (this.#named.size === 0) return
    const { size } = this.#named
    for (const run of this.#named) give(run, this.#cpuMs / size, this.#bytes / size)
    this.#named.clear()
    this.#cpuMs = 0
    this.#bytes = 0
  }
}

function give(run: RunInCell, cpuMs: number, bytes: number): void {
  run.tracedCpuMs += cpuMs
  // Memory that is freed was perhaps another run's; a run never has less than none.
  run.tracedBytes = Math.max(0, run.tracedBytes + bytes)
}
