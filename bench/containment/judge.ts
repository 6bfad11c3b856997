import type { Ending } from './hosts/host.ts'
import { LIMITS, type Program } from './program.ts'

/** How late an end may be: the kill of a process, its notice and the noise of a busy machine. */
export const LATE_MS = 300
/**
 * Memory that a tree may take above its base and the limit before it counts as too much: garbage that an engine has not yet
 * collected, and what is taken between two looks.
 */
export const ALLOWANCE_MB = 64
/** From here the bench ends everything. Six times the limit; longer would only make the comparison longer. */
export const HANG_MS = 3_000
/** From here too: enough to see where a program is going, without filling the machine. */
export const MEMORY_CEILING_MB = 2_048
/** A clock with smaller steps leaks: browsers allow 100 µs to pages that are not isolated. */
export const CLOCK_STEP_US = 100

/** What the bench saw of one program in one peer. Nothing in it is the peer's own opinion but `ending` and `polluted`. */
export interface Observation {
  /** ms from the request to the answer of the program (or of its second part); undefined if none came. */
  readonly answeredMs?: number
  readonly ending?: Ending
  /** Highest memory of the tree above the base. */
  readonly peakMb: number
  /** The process of the host ended. */
  readonly hostDied: boolean
  /** The host answered the everyday program afterwards. */
  readonly answeredNext: boolean
  /** Cores were busy long after the answer. */
  readonly burnsOn: boolean
  readonly polluted: boolean
  /** The file that nobody may write was written. */
  readonly marked: boolean
}

/** What the bench knows and the guest does not. */
export interface Secrets {
  readonly canary: string
  /** A path that only the host knows. */
  readonly hostPath: string
}

export type Verdict =
  | { readonly kind: 'contained' | 'works' | 'not offered' }
  | { readonly kind: 'late'; readonly lateMs: number }
  | { readonly kind: 'memory'; readonly peakMb: number }
  | { readonly kind: 'host died' }
  | { readonly kind: 'hangs'; readonly how: 'no answer' | 'answers nobody else' | 'burns on' }
  | { readonly kind: 'escaped' | 'leaked' | 'wrong'; readonly what: string }

export type VerdictKind = Verdict['kind']

/** Verdicts that say that all is well. */
export const GOOD: ReadonlySet<VerdictKind> = new Set(['contained', 'works'])

/** Judges one program in one peer. Of several faults the worst is the verdict: what was reached before what was broken, before what was merely late. */
export function judge(program: Program, seen: Observation, secrets: Secrets): Verdict {
  return escapeOf(seen, secrets) ?? faultOf(seen) ?? leakOf(program, seen, secrets) ?? controlOf(program, seen)
}

function escapeOf({ ending, polluted, marked }: Observation, { canary }: Secrets): Verdict | undefined {
  if (ending?.text.includes(canary)) return { kind: 'escaped', what: 'read a file of the host' }
  if (marked) return { kind: 'escaped', what: 'wrote a file' }
  if (polluted) return { kind: 'escaped', what: "changed the host's Object.prototype" }
  return undefined
}

function faultOf(seen: Observation): Verdict | undefined {
  const { answeredMs, peakMb, hostDied, answeredNext, burnsOn } = seen
  if (hostDied) return { kind: 'host died' }
  const tooLarge = peakMb > LIMITS.memoryMb + ALLOWANCE_MB
  // Ended by the bench before it could hang: it is its size that is known.
  if (peakMb >= MEMORY_CEILING_MB) return { kind: 'memory', peakMb }
  if (answeredMs === undefined) return { kind: 'hangs', how: 'no answer' }
  if (!answeredNext) return { kind: 'hangs', how: 'answers nobody else' }
  if (burnsOn) return { kind: 'hangs', how: 'burns on' }
  if (tooLarge) return { kind: 'memory', peakMb }
  const lateMs = answeredMs - LIMITS.wallMs
  return lateMs > LATE_MS ? { kind: 'late', lateMs } : undefined
}

function leakOf(program: Program, { ending }: Observation, { hostPath }: Secrets): Verdict | undefined {
  if (ending?.kind !== 'value') return undefined
  if (ending.text.includes('LEFTOVER')) return { kind: 'leaked', what: "another run's data" }
  if (ending.text.includes(hostPath)) return { kind: 'leaked', what: 'a path of the host' }
  if (program.class !== 'clock') return undefined
  const { stepUs } = JSON.parse(ending.text) as { stepUs: number | null }
  if (stepUs === null || stepUs >= CLOCK_STEP_US) return undefined
  return { kind: 'leaked', what: `a clock of ${stepUs < 1 ? 'less than 1' : Math.round(stepUs)} µs` }
}

function controlOf(program: Program, { ending }: Observation): Verdict {
  if (program.class !== 'control') return { kind: 'contained' }
  if (ending?.kind === 'value' && ending.text === program.expected) return { kind: 'works' }
  return { kind: 'wrong', what: ending === undefined ? 'nothing' : `${ending.kind}: ${ending.text.slice(0, 200)}` }
}

/** A verdict in a few words, for a cell of a table. */
export function describeVerdict(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'contained':
    case 'works':
    case 'not offered':
    case 'host died':
      return verdict.kind
    case 'late':
      return `${(verdict.lateMs / 1_000).toFixed(1)} s late`
    case 'memory':
      return verdict.peakMb >= MEMORY_CEILING_MB ? `over ${MEMORY_CEILING_MB} MB` : `${Math.round(verdict.peakMb)} MB`
    case 'hangs':
      return verdict.how === 'no answer' ? 'hangs' : `hangs (${verdict.how})`
    case 'escaped':
    case 'leaked':
    case 'wrong':
      return `${verdict.kind}: ${verdict.what}`
    default:
      return verdict satisfies never
  }
}
