import type { Clock } from '../core/clock.ts'
import type { MemoryPoint } from './result.ts'

/** A cell of the host under test. */
export interface CellSample {
  /** Absent while it is blank. */
  readonly tenant: string | undefined
  /** Memory that is its own. */
  readonly bytes: number
}

/** The cells of the host under test, where they can be seen. */
export interface Cells {
  list(): readonly CellSample[]
  /** Processes that look like cells of this host and that it does not know. */
  strays(): readonly number[]
}

const EVERY_MS = 100
const MEBIBYTE = 2 ** 20

/** Samples the cells' memory until it is disposed. Times count from `startedMs`. */
export function watchMemory(
  cells: Cells,
  clock: Clock,
  startedMs: number,
  isQuiet: (tenant: string) => boolean,
): Disposable & { readonly points: readonly MemoryPoint[] } {
  const points: MemoryPoint[] = []
  const sample = (): void => {
    const sum = { quietMb: 0, attackersMb: 0, blankMb: 0, largestMb: 0, cells: 0 }
    for (const { tenant, bytes } of cells.list()) {
      const mb = bytes / MEBIBYTE
      sum[tenant === undefined ? 'blankMb' : isQuiet(tenant) ? 'quietMb' : 'attackersMb'] += mb
      sum.largestMb = Math.max(sum.largestMb, mb)
      sum.cells += 1
    }
    points.push({ atMs: clock.elapsed() - startedMs, ...sum })
  }
  const timer = setInterval(sample, EVERY_MS)
  return { points, [Symbol.dispose]: () => clearInterval(timer) }
}
