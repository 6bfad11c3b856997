import { ENDING } from '../../sandbox-api/bridge.ts'
import type { CellStatus } from '../wire/from-cell.ts'
import { withoutOrigin, withoutRuntimeFrames } from './error-text.ts'
import { NO_MEMORY, noMemoryText } from './texts.ts'

/** How a run ended, as the cell saw it. */
export interface Ending {
  readonly status: CellStatus
  /** JSON text: the result, or `{name, message, stack}`. */
  readonly text: string
}

const BY_ITSELF: ReadonlySet<CellStatus> = new Set(['ok', 'error', 'output-exceeded', 'suspended'])

/** Whether the guest came to its own end, so that nothing of the run is still going on in the isolate. */
export function endedByItself(ending: Ending | undefined): boolean {
  return ending !== undefined && BY_ITSELF.has(ending.status)
}

/** The ending of a run that was cancelled before it had begun, as text. */
export const CANCELLED = JSON.stringify({ name: 'Error', message: 'the run was cancelled', stack: '' })

interface Place {
  /** What comes before the file names of stacks, and is not the guest's. */
  readonly origin: string
  readonly memoryMb: number
}

/** The ending that the guest's runtime tells of: one of `ENDING`, with its text. */
export function toldEnding(ending: number, text: string, { origin, memoryMb }: Place): Ending {
  if (ending === ENDING.value) return { status: 'ok', text }
  if (ending === ENDING.tooLong) return { status: 'output-exceeded', text }
  const error = withoutOrigin(text, origin)
  if (NO_MEMORY.test(error)) return { status: 'memory-exceeded', text: noMemoryText(error, memoryMb) }
  return { status: 'error', text: withoutRuntimeFrames(error) }
}
