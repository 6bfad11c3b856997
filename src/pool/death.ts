import type { RunStatus } from '../core/outcome.ts'

/** Why a cell ended: a closed list, shared by reports, events and metrics. */
export type KillReason =
  | 'deadline'
  | 'cpu'
  | 'memory'
  | 'cancel'
  | 'protocol'
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
}

interface Evidence {
  /** Set if the host or its watchdog killed the process. */
  readonly killReason: KillReason | undefined
  /** The signal that ended the process, or `exit`. */
  readonly signal: string
  /** What the process wrote to standard error at its end: a hint, written by a process that nobody trusts. */
  readonly lastWords: string
  readonly tenant: string | undefined
}

/** Turns the evidence of a death into one reason and one status. Every status that can come of it is billed alike. */
export function explain({ killReason, signal, lastWords }: Evidence): Death {
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
