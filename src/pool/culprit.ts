import type { KillReason } from './death.ts'
import type { RunInCell } from './run-in-cell.ts'

/** What the host knows of a cell at the moment of its death. */
export interface Scene {
  readonly reason: KillReason
  readonly runs: readonly RunInCell[]
  /** The run whose code the cell said it was in. */
  readonly current: RunInCell | undefined
  /** The run that is furthest past its deadline. */
  readonly overdue: RunInCell | undefined
  /** Whether the cell has yet to tell that the first entry of a run is over. */
  readonly awaitsEntry: (run: RunInCell) => boolean
  /** The cell may have been in a run that was taken back: then even the only one there may be innocent. */
  readonly isOwed: boolean
  /** CPU time that nobody is known to have used. */
  readonly unknownCpuMs: number
}

/** A run that took less than this part of its limit is not why the limit was passed. */
const PROOF = 0.5

/**
 * The run that brought the cell down, or undefined if the evidence points to none of them beyond doubt. Then all of them
 * are run again if they can be, in a cell that announces every entry, where the guilty one is found.
 */
export function findCulprit(scene: Scene): RunInCell | undefined {
  switch (scene.reason) {
    case 'deadline':
      return overdueCulprit(scene)
    case 'cancel':
      return scene.overdue
    case 'cpu':
      return cpuCulprit(scene)
    case 'memory':
      return memoryCulprit(scene)
    default:
      return scene.current ?? onlyOne(scene)
  }
}

/** A run that has come to its first await has had its own time; one that has not may never have been entered at all. */
function overdueCulprit(scene: Scene): RunInCell | undefined {
  const { overdue, current } = scene
  if (overdue === undefined || overdue === current || !scene.awaitsEntry(overdue)) return overdue
  return current === undefined ? onlyOne(scene) : undefined
}

function cpuCulprit(scene: Scene): RunInCell | undefined {
  const only = onlyOne(scene)
  const usedMs = (run: RunInCell): number => run.tracedCpuMs + (run === only ? scene.unknownCpuMs : 0)
  const [most] = scene.runs.toSorted((a, b) => usedMs(b) - usedMs(a))
  // None of them used it: whoever did has just ended, before the kill came.
  return most !== undefined && usedMs(most) >= PROOF * most.ticket.policy.limits.cpu ? most : undefined
}

function memoryCulprit(scene: Scene): RunInCell | undefined {
  const [most] = scene.runs.toSorted((a, b) => b.tracedBytes - a.tracedBytes)
  if (most === undefined || onlyOne(scene) === most) return most
  return most.tracedBytes >= PROOF * most.ticket.policy.limits.memory * 2 ** 20 ? most : undefined
}

function onlyOne({ runs, isOwed }: Scene): RunInCell | undefined {
  return runs.length === 1 && !isOwed ? runs[0] : undefined
}
