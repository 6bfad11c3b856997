import { CloisterError } from '../core/errors.ts'
import type { WallLevel } from '../core/run.ts'
import { openLibc } from '../kernel/libc.ts'
import { limitData } from '../kernel/resource-limits.ts'
import { bubblewrapLauncher, findBubblewrap } from './bubblewrap.ts'
import { type Launcher, plainLauncher } from './launch.ts'
import { openFiles } from './open-files.ts'
import { type Trial, failedTrial, tryWalls } from './probe.ts'
import type { CellProfile } from './profile.ts'
import type { CellProgram } from './program.ts'
import { type CellProcess, openSpawner } from './spawner.ts'

/** The walls that are up, and the way to start a cell inside them. */
export interface Walls extends AsyncDisposable {
  readonly level: WallLevel
  /** Starts a process of a cell's program with the engine of a profile. Rejects if the system cannot. */
  start(program: CellProgram, profile: CellProfile): Promise<CellProcess>
  /** Bounds a cell's writable memory in the kernel: see {@link limitData}. Absent where the system cannot. */
  readonly limitData?: (pid: number, bytes: number) => void
}

interface Parts {
  readonly program: CellProgram
  /** Called when cells can be started no more. */
  readonly onFailure: (error: Error) => void
}

/** Walls that were found to hold, and what was found at each level that was tried on the way. */
export interface RaisedWalls {
  readonly walls: Walls
  readonly trials: readonly Trial[]
}

/** Levels from the strongest to the weakest. */
const LEVELS: readonly WallLevel[] = ['A', 'B', 'C']

/**
 * Puts up the strongest walls that hold on this machine, found out by trying: a probe inside each level attempts what is
 * forbidden. `wanted` names one level: that or nothing. Rejects with why no level that was wanted is up.
 */
export async function raiseWalls({ wanted, ...parts }: Parts & { wanted: WallLevel | 'best' }): Promise<RaisedWalls> {
  const trials: Trial[] = []
  for (const level of wanted === 'best' ? LEVELS : [wanted]) {
    let walls: Walls
    try {
      walls = await buildWalls(level, parts)
    } catch (error) {
      trials.push(failedTrial(level, error))
      continue
    }
    const trial = await tryWalls(walls, parts.program)
    trials.push(trial)
    if (trial.isUp) return { walls, trials }
    await walls[Symbol.asyncDispose]()
  }
  const reasons = trials.map(({ level, faults }) => `${level}: ${faults.slice(0, 3).join('; ')}`)
  throw new CloisterError('INTERNAL', `no cell can be started behind walls of level ${reasons.join(' | ')}`)
}

/** Puts up walls of one level, without looking whether they hold. Rejects if this system cannot. */
export async function buildWalls(level: WallLevel, { program, onFailure }: Parts): Promise<Walls> {
  const libc = openLibc()
  const launcher = launcherOf(level, program)
  const files = level === 'B' ? openFiles(program) : undefined
  const spawner = await openSpawner({ libc, onFailure, ...(files !== undefined && { files }) })
  return {
    level,
    start: (started, profile) => spawner.spawn(launcher(started, profile)),
    ...(libc !== undefined && { limitData: (pid: number, bytes: number) => void limitData(libc, pid, bytes) }),
    [Symbol.asyncDispose]: () => spawner[Symbol.asyncDispose](),
  }
}

function launcherOf(level: WallLevel, program: CellProgram): Launcher {
  if (level !== 'A') return plainLauncher(level)
  const bubblewrap = findBubblewrap(process.env['PATH'])
  if (bubblewrap === undefined) throw new Error('bubblewrap is not installed')
  return bubblewrapLauncher(bubblewrap, program)
}
