import { CloisterError } from '../core/errors.ts'
import type { RunStatus } from '../core/outcome.ts'
import type { Report } from '../core/run.ts'

/** Why a cell ended: a closed list, shared by reports, events and metrics. */
export type KillReason =
  | 'deadline'
  | 'cpu'
  | 'memory'
  | 'cancel'
  | 'protocol'
  | 'flood'
  | 'start-timeout'
  | 'idle'
  | 'evicted'
  | 'policy-changed'
  | 'tenant-deleted'
  | 'closing'
  | 'out-of-memory'
  | 'crash'
  | 'exit'

export interface Death {
  /** How the run that is to blame ended. */
  readonly status: RunStatus
  readonly reason: KillReason
  /** Standard error of the process, cut. */
  readonly lastWords: string
}

interface Evidence {
  /** Set if the host or its watchdog killed the process. */
  readonly killReason: KillReason | undefined
  /** The signal that ended the process, or `exit`. */
  readonly signal: string
  /** What the process wrote to standard error at its end: a hint, written by a process that nobody trusts. */
  readonly lastWords: string
}

/** Turns the evidence of a death into one reason and one status. Every status that can come of it is billed alike. */
export function explain(evidence: Evidence): Death {
  return { ...judge(evidence), lastWords: evidence.lastWords }
}

function judge({ killReason, signal, lastWords }: Evidence): Pick<Death, 'status' | 'reason'> {
  switch (killReason) {
    case 'deadline':
      return { status: 'timeout', reason: killReason }
    case 'cpu':
      return { status: 'cpu-exceeded', reason: killReason }
    case 'memory':
      return { status: 'memory-exceeded', reason: killReason }
    case 'cancel':
      return { status: 'cancelled', reason: killReason }
    case undefined:
      break
    default:
      return { status: 'crashed', reason: killReason }
  }
  // V8 aborts the process itself when an allocation that it cannot refuse fails.
  if (/out of memory|allocation failed/i.test(lastWords)) return { status: 'memory-exceeded', reason: 'out-of-memory' }
  return { status: 'crashed', reason: signal === 'exit' ? 'exit' : 'crash' }
}

/** How a run ended, without its measurements. */
export type Ending = Pick<Report, 'status' | 'result' | 'error' | 'killReason' | 'bystander'>

/** The ending of the run that is to blame for the death of its cell. */
export function guilty({ status, reason }: Death, wish: 'cancelled' | 'not cancelled'): Ending {
  const ended = wish === 'cancelled' && reason === 'cancel' ? 'cancelled' : status
  const error = { name: 'Error', message: NOTES[ended] ?? 'the cell of this run ended', stack: '' }
  return { status: ended, error, killReason: reason }
}

/** The ending of a run whose cell died of another run's doing. */
export function bystander(reason: KillReason): Ending {
  const error = { name: 'Error', message: 'the cell was ended by another run of the same tenant', stack: '' }
  return { status: 'crashed', error, killReason: reason, bystander: true }
}

const NOTES: Partial<Record<RunStatus, string>> = {
  timeout: 'the run reached its wall time limit and was killed',
  'cpu-exceeded': 'the run reached its CPU time limit (limits.cpuMs) and was killed',
  'memory-exceeded': 'the run passed its memory limit (limits.memoryMb) and was killed',
  crashed: 'the code brought its cell down',
  cancelled: 'the run was cancelled',
}

/** Reasons that are the host's doing: a run that ends so is not charged. */
const HOST_REASONS: ReadonlySet<KillReason> = new Set([
  'closing',
  'evicted',
  'idle',
  'policy-changed',
  'tenant-deleted',
  'start-timeout',
])

/** The host fault that a run's caller gets, if its cell was ended for a reason of the host's own. */
export function hostFault({ reason }: Death): CloisterError | undefined {
  if (!HOST_REASONS.has(reason)) return undefined
  if (reason === 'closing')
    return new CloisterError('DRAINING', 'the host shut down before the run had ended; nothing was billed')
  return new CloisterError('INTERNAL', `the cell was ended (${reason}) before the run had; nothing was billed`)
}
