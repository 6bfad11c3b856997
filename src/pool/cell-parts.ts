import type { Clock } from '../core/clock.ts'
import type { Inspection } from '../core/inspection.ts'
import type { Bytes } from '../core/quantity.ts'
import type { CellGroups } from './cgroups.ts'
import type { ProcessMeter } from './meter.ts'
import type { CellProfile } from './profile.ts'
import type { CellProgram } from './program.ts'
import type { Walls } from './walls.ts'
import type { Watchdog } from './watchdog.ts'

/** What every cell of a host is made with, and how many there may be. */
export interface CellParts {
  readonly clock: Clock
  readonly program: CellProgram
  readonly meter: ProcessMeter
  readonly watchdog: Watchdog
  readonly walls: Walls
  /** Cgroups for cells, where this host may make some. */
  readonly groups?: CellGroups | undefined
  /** Cells of `blankProfile` kept ready, without a tenant; the most that are kept of any other profile. */
  readonly blankCells: number
  readonly isolatesPerBlankCell: number
  /** What most tenants need. */
  readonly blankProfile: CellProfile
  readonly cellsMax: number
  /** Memory of all cells together past which no further one is started. */
  readonly memoryMax: Bytes
  readonly killGraceMs: number
  readonly startTimeoutMs: number
  /** Looks into every run of this host. */
  readonly inspection?: Inspection | undefined
}
