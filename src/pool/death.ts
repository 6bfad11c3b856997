import { constants } from 'node:os'
import { CloisterError } from '../core/errors.ts'
import { cpuReached, memoryReached, wallReached } from '../core/limit-messages.ts'
import { type RunStatus, unreachable } from '../core/outcome.ts'
import type { Limits } from '../core/policy.ts'
import type { Millis } from '../core/quantity.ts'
import type { Report } from '../core/run.ts'

/** Why a cell ended: a closed list, shared by reports, events and metrics. */
export type KillReason =
  | 'deadline'
  | 'cpu'
  | 'memory'
  | 'cancel'
  | 'protocol'
  | 'flood'
  | 'taken-back'
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

/** How a process ended. */
export interface ProcessEnd {
  /** By the kernel's word: one of the two is null. */
  readonly code: number | null
  readonly signal: string | null
  /** What it wrote to standard error at its end, cut: a hint, written by a process that nobody trusts. */
  readonly lastWords: string
}

interface Evidence extends ProcessEnd {
  /** Set if the host or its watchdog killed the process. */
  readonly killReason: KillReason | undefined
}

/** Turns the evidence of a death into one reason and one status. Every status that can come of it is billed alike. */
export function explain(evidence: Evidence): Death {
  return { ...judge(evidence), lastWords: evidence.lastWords }
}

function judge({ killReason, lastWords, ...end }: Evidence): Pick<Death, 'status' | 'reason'> {
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
  const signal = signalOf(end)
  if (signal === undefined) return { status: 'crashed', reason: 'exit' }
  // V8 aborts the process itself when an allocation that it cannot refuse fails.
  if (OUT_OF_MEMORY.test(lastWords)) return { status: 'memory-exceeded', reason: 'out-of-memory' }
  return { status: 'crashed', reason: 'crash' }
}

/**
 * What V8, Node and the C++ runtime say before they abort for want of memory: a heap at its limit, an address space at the
 * process's own (a code range or a page that cannot be reserved), an array longer than any may be. Zone is V8's own memory
 * for parsing and compiling.
 */
const OUT_OF_MEMORY =
  /out of memory|is_heap_oom = 1|allocation failed|bad_alloc|cannot allocate memory|reserve virtual memory|CodeRange|invalid size error|\bOOM\b/i

/** By convention a parent that only waits for a child ends with this and the number of the signal that ended the child. */
const SIGNAL_CODES_FROM = 128

/** The signal that ended a process, or the child of one that only waits for it; undefined if it went by itself. */
function signalOf({ code, signal }: Pick<ProcessEnd, 'code' | 'signal'>): string | undefined {
  if (signal !== null) return signal
  const number = (code ?? 0) - SIGNAL_CODES_FROM
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0]
}

/** How a run ended, without its measurements. */
export type Ending = Pick<Report, 'status' | 'result' | 'error' | 'killReason' | 'bystander'>

/** The ending of the run that is to blame for the death of its cell. */
export function guilty({ status, reason }: Death, bounds: Bounds): Ending {
  const error = { name: 'Error', message: noteOf(status, bounds), stack: '' }
  return { status, error, killReason: reason }
}

/** The limits of a run whose cell has died. */
export interface Bounds {
  readonly wall: Millis
  readonly policy: { readonly limits: Pick<Limits, 'cpu' | 'memory'> }
}

/** The ending of a run whose cell died of another run's doing. */
export function bystander(reason: KillReason): Ending {
  const error = { name: 'Error', message: 'the cell was ended by another run of the same tenant', stack: '' }
  return { status: 'crashed', error, killReason: reason, bystander: true }
}

function noteOf(status: RunStatus, { wall, policy: { limits } }: Bounds): string {
  switch (status) {
    case 'timeout':
      return wallReached(wall)
    case 'cpu-exceeded':
      return cpuReached(limits.cpu)
    case 'memory-exceeded':
      return memoryReached(limits.memory)
    case 'cancelled':
      return 'the run was cancelled'
    case 'crashed':
      return 'the code brought its cell down'
    case 'ok':
    case 'error':
    case 'output-exceeded':
    case 'suspended':
      return 'the cell of this run ended'
    default:
      return unreachable(status)
  }
}

/** Reasons that are the doing of a tenant's code: each counts against the tenant. Being cancelled is its caller's wish. */
const GUEST_REASONS: ReadonlySet<KillReason> = new Set([
  'deadline',
  'cpu',
  'memory',
  'protocol',
  'flood',
  'taken-back',
  'out-of-memory',
  'crash',
  'exit',
])

/** Whether a tenant's code brought the cell down, as far as the host can tell. */
export function isGuestDoing({ reason }: Death): boolean {
  return GUEST_REASONS.has(reason)
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
