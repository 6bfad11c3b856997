import type { CellStatus } from '../wire/from-cell.ts'

/** How a run ended, as the cell saw it. */
export interface Ending {
  readonly status: CellStatus
  /** JSON text: the result, or `{name, message, stack}`. */
  readonly text: string
}

/** Whether the guest came to its own end, so that nothing of the run is still going on in the isolate. */
export function endedByItself(ending: Ending | undefined): boolean {
  return ending?.status === 'ok' || ending?.status === 'error' || ending?.status === 'output-exceeded'
}
