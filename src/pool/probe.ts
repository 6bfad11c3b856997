import { text } from 'node:stream/consumers'
import { mebibytes } from '../core/quantity.ts'
import type { WallLevel } from '../core/run.ts'
import { type Attempt, PROBE_REPORT_MAX, type ProbeReport, decodeProbeReport } from '../wire/probe.ts'
import { HOSTNAME } from './bubblewrap.ts'
import type { CellProfile } from './profile.ts'
import type { CellProgram } from './program.ts'
import type { Walls } from './walls.ts'

/** What became of the attempt to put up walls of one level. */
export interface Trial {
  readonly level: WallLevel
  readonly isUp: boolean
  /** Why it is not up; empty if it is. */
  readonly faults: readonly string[]
  /** What the probe tried; empty if it could not even be started. */
  readonly attempts: readonly Attempt[]
}

/** The engine makes no difference to the walls. */
const PROFILE: CellProfile = { jit: true, sharedMemory: false, memoryMb: mebibytes(16) }
/** A probe takes some 100 ms; far more on a machine that is overloaded. */
const PROBE_TIMEOUT_MS = 30_000
/**
 * Starts a probe inside the walls and has it try what is forbidden. Never rejects: a probe that cannot be started, that
 * says nothing or that gets through anywhere is a wall that is not up.
 */
export async function tryWalls(walls: Walls, program: CellProgram): Promise<Trial> {
  const { level } = walls
  try {
    const report = await runProbe(walls, program)
    const faults = faultsOf(level, report)
    return { level, isUp: faults.length === 0, faults, attempts: report.attempts }
  } catch (error) {
    return failedTrial(level, error)
  }
}

/** A level that could not be tried. */
export function failedTrial(level: WallLevel, error: unknown): Trial {
  return { level, isUp: false, faults: [error instanceof Error ? error.message : String(error)], attempts: [] }
}

async function runProbe(walls: Walls, program: CellProgram): Promise<ProbeReport> {
  const cell = await walls.start({ ...program, file: program.probe }, PROFILE)
  const timer = setTimeout(() => cell.kill(), PROBE_TIMEOUT_MS)
  try {
    const said = await text(cell.socket)
    if (said.length > PROBE_REPORT_MAX) throw new Error('a probe reports too much')
    const { lastWords } = said === '' ? await cell.ended : { lastWords: '' }
    if (said === '') throw new Error(`a probe ended without a report: ${lastWords.slice(0, 500)}`)
    return decodeProbeReport(said)
  } finally {
    clearTimeout(timer)
    cell.kill()
    await cell.ended
  }
}

/** What a level promises and the probe found otherwise. Level C promises nothing that native code could break. */
function faultsOf(level: WallLevel, { attempts, folders, hostname, pid }: ProbeReport): readonly string[] {
  if (level === 'C') return []
  const open = attempts.filter(({ refused }) => !refused)
  const faults = open.map(({ name, from, detail }) => `${name} (${from}) was not refused: ${detail}`)
  if (!attempts.some(({ from }) => from === 'native')) faults.push('the probe could not call the kernel')
  if (level === 'B') return faults
  if (folders.length > 0) faults.push(`the file tree is not empty: ${folders.join(' ')}`)
  if (hostname !== HOSTNAME) faults.push('it has the name of the host')
  if (pid !== 1) faults.push('it sees the processes of the host')
  return faults
}
