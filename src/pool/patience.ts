import { availableParallelism } from 'node:os'

/**
 * A tenant gets another cell when a run would wait for more than this in each of those it has, times their number. Cells
 * beyond the machine's processors only take turns with each other, so there it takes a run that is long beyond doubt. In ms.
 */
const PATIENCE_MS = 5
const PATIENCE_BEYOND_PROCESSORS_MS = 50
const PROCESSORS = availableParallelism()

/** How long a run may have to wait for its first entry in a tenant's cells before the tenant gets another one, in ms. */
export function patienceWith(cells: number): number {
  return cells * (cells < PROCESSORS ? PATIENCE_MS : PATIENCE_BEYOND_PROCESSORS_MS)
}
