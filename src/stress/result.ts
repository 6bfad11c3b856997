import type { Stopper } from './attack.ts'
import type { Audit } from './audit.ts'
import type { LatencySummary } from './statistics.ts'
import type { Verdict } from './strike.ts'

/** What quiet neighbours' calls were like in a short stretch of time. Times count from the start of the test. */
export interface LatencyPoint {
  readonly atMs: number
  readonly p50Ms: number
  readonly maxMs: number
}

/** Memory of the cells at one moment, as far as it is each cell's own. */
export interface MemoryPoint {
  readonly atMs: number
  readonly quietMb: number
  readonly attackersMb: number
  /** Cells that have no tenant yet. */
  readonly blankMb: number
  readonly largestMb: number
  readonly cells: number
}

/** Where the test ran, and how. */
export interface Setting {
  /** A host of the test's own, or a server that was there. */
  readonly target: 'own' | 'server'
  /** The operating-system wall that the target says it has. */
  readonly walls: string
  readonly seed: number
  readonly rounds: number
  readonly concurrency: number
  /** ISO 8601. */
  readonly startedAt: string
  /** This machine, if the host is on it: what else it had to do shows in how late kills are. */
  readonly machine?: Machine
}

export interface Machine {
  readonly processors: number
  /** Programs that wanted a processor before the test, on average over a minute. */
  readonly load: number
}

export interface QuietResult {
  readonly tenants: number
  readonly before: LatencySummary
  readonly attacked: LatencySummary
  /** What went wrong in their calls; each kind once, with how often. */
  readonly faults: readonly { readonly fault: string; readonly count: number }[]
  /** Answers of attackers that held a secret of theirs. */
  readonly leaks: number
}

export interface Totals {
  readonly attacks: number
  readonly contained: number
  /** Attacks by the strongest means that was needed. */
  readonly by: Readonly<Record<Stopper, number>>
  readonly runs: number
  /** The furthest past a deadline, and whose it was. */
  readonly worstLate: { readonly ms: number; readonly number: string | undefined }
  /** The highest memory above a limit, and whose it was. */
  readonly worstMemory: { readonly overMb: number; readonly number: string | undefined }
}

/** The whole stress test as one document. */
export interface StressResult {
  readonly passed: boolean
  /** Ended early, by a signal: what was not tried is not in it. */
  readonly cut: boolean
  readonly setting: Setting
  readonly durationMs: number
  readonly totals: Totals
  readonly quiet: QuietResult
  readonly ledger: Audit
  /** What is wrong with the host after all: it does not answer, cells are left. */
  readonly host: { readonly faults: readonly string[] }
  readonly verdicts: readonly Verdict[]
  /** When the attacks began, on the axis of the series. */
  readonly attackedFromMs: number
  readonly latency: readonly LatencyPoint[]
  /** Empty if the cells are another process's to see. */
  readonly memory: readonly MemoryPoint[]
}

/** Sums verdicts up. */
export function total(verdicts: readonly Verdict[]): Totals {
  const by: Record<Stopper, number> = { isolate: 0, kill: 0, abort: 0, refusal: 0 }
  let worstLate: Totals['worstLate'] = { ms: 0, number: undefined }
  let worstMemory: Totals['worstMemory'] = { overMb: 0, number: undefined }
  for (const { number, stoppedBy, lateMs, peakMemoryMb = 0, memoryLimitMb } of verdicts) {
    by[stoppedBy] += 1
    if (lateMs > worstLate.ms) worstLate = { ms: lateMs, number }
    if (peakMemoryMb - memoryLimitMb > worstMemory.overMb)
      worstMemory = { overMb: peakMemoryMb - memoryLimitMb, number }
  }
  return {
    attacks: verdicts.length,
    contained: verdicts.filter(({ contained }) => contained).length,
    by,
    runs: verdicts.reduce((sum, { runs }) => sum + runs, 0),
    worstLate,
    worstMemory,
  }
}
