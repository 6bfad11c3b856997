import type { BindConfig } from './binding.ts'
import type { RunJournal } from './durable.ts'
import type { Exchange } from './exchange.ts'
import type { HttpCaller } from './http-config.ts'
import type { ArtifactId, FunctionName, RunId, TenantId } from './ids.ts'
import type { RunStatus } from './outcome.ts'
import type { Policy, Reuse } from './policy.ts'
import type { Bytes, EpochMillis, Mebibytes, Micros, Millis, Units } from './quantity.ts'

/**
 * What started a run: submitted code, a call of a deployed function, an HTTP request to one, another function, a call that
 * nobody waits for, messages of a queue, a time that was planned, a change of a blob or a document, a step of an execution. The ledger keeps it; later
 * triggers add to the list.
 */
export const TRIGGERS = [
  'execute',
  'invoke',
  'http',
  'function',
  'async',
  'queue',
  'schedule',
  'blob',
  'doc',
  'durable',
] as const
export type Trigger = (typeof TRIGGERS)[number]

/**
 * How strong the operating-system wall around cells is, found by trying. `C`: Node's permission model and a process
 * of its own. `A` and `B`, which close the kernel to the cell, are stronger.
 */
export type WallLevel = 'A' | 'B' | 'C'

/** Code as it was submitted: one or several files, by name. Named by its content, so equal code is the same artifact. */
export interface Artifact {
  readonly id: ArtifactId
  readonly language: 'javascript' | 'typescript'
  readonly main: string
  readonly modules: ReadonlyMap<string, string>
  /** UTF-8 size of all sources together. */
  readonly size: Bytes
}

/** The deployed function that a run is of. */
export interface FunctionVersion {
  readonly name: FunctionName
  /** From 1 up. */
  readonly version: number
}

/** What a door asks for. */
export interface RunRequest {
  readonly tenant: TenantId
  readonly trigger: Trigger
  readonly artifact: Artifact
  /** JSON text in UTF-8. Carried to the cell as it is; a door has made sure that it is JSON. */
  readonly input: Uint8Array
  /** Absent for submitted code. */
  readonly function?: FunctionVersion
  /** Plain configuration that the guest sees as `context.env`. */
  readonly env?: Readonly<Record<string, string>>
  /** What the host reads before the run and writes after it. */
  readonly bind?: BindConfig
  /** What else than the input placeholders may stand for: parameters of a route, the query of a URL. */
  readonly parameters?: Readonly<Record<'params' | 'query', Readonly<Record<string, string>>>>
  /** Who sent the HTTP request, as it was proved. */
  readonly caller?: HttpCaller
  /** How isolates live on between runs; a policy that states its own is only ever made stricter by it. */
  readonly reuse?: Reuse
  /** `load`: the code is loaded and asked for its handlers, and none of them is called. Never charged. */
  readonly stage?: 'load'
  /** The id that the run was promised; a new one if absent. */
  readonly run?: RunId
  /** 1, or higher when an event is tried again; 1 if absent. */
  readonly attempt?: number
  /** The run that called for this one. */
  readonly parentRun?: RunId
  /** How many calls of functions lead to this run; 0 if absent. */
  readonly depth?: number
  /** Where its turn comes from: the run that waits for it lends its own. The scheduler if absent. */
  readonly turns?: Scheduler
  /** Shortens the policy's wall limit; never lengthens it. */
  readonly timeout?: Millis
  /** Aborting it ends the run as `cancelled`. */
  readonly signal?: AbortSignal
  /** The execution that the run takes further; its code has steps then. */
  readonly execution?: { readonly id: RunId; readonly journal: RunJournal }
  /** The HTTP request that the run answers, for the trigger `http`: bodies stream through it. */
  readonly exchange?: Exchange
}

/** An admitted run: proof that its tenant exists, may run now, and that the request is within the policy's sizes. */
export interface Ticket extends Disposable {
  readonly run: RunId
  readonly request: RunRequest
  readonly policy: Policy
  readonly reuse: Reuse
  /** Wall limit of this run: the policy's or the caller's, whichever is shorter. */
  readonly wall: Millis
  /** Plain configuration of the tenant; that of the request goes over it. */
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly admittedAt: EpochMillis
  /** Told once what the run was charged for. */
  readonly charged?: (units: Units) => void
}

/** Money set aside for a run. Leaving its scope without a post gives it all back: what failed to settle is free. */
export interface Hold extends Disposable {
  readonly ticket: Ticket
  /**
   * Sets aside what operations cost that the run is about to make. False if the budget has no room for them, or the hold is
   * closed; a promise only while the tenant's sums are being read, which rejects if they cannot be.
   */
  allow(operation: string, count: number): boolean | Promise<boolean>
}

/** A place in the queue, granted. Leaving its scope lets the next run in. */
export interface Turn extends Disposable {
  readonly ticket: Ticket
}

/** A captured `console` call. `message` is the tenant's text: never put it in the host's own log. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
}

/** What the guest threw, as text. All of it is the tenant's; bounded by the wire. */
export interface GuestError {
  readonly name: string
  readonly message: string
  readonly stack: string
}

/** What happened in the cell, by the host's own observation. */
export interface Report {
  readonly status: RunStatus
  /** JSON text in UTF-8, when `status` is `ok`. */
  readonly result?: Uint8Array
  readonly error?: GuestError
  readonly logs: readonly LogLine[]
  /** From the moment the guest's code could be entered to its outcome, by the host's clock. */
  readonly wall: Micros
  /** CPU time of the cell's process during the run by the kernel's clock, shared out among runs that overlap. */
  readonly cpu: Micros
  /** Highest memory of the cell's own that the watchdog saw during the run; 0 if the run was too short to be seen. */
  readonly peakMemory: Bytes
  /** The run took a blank cell, or its isolate had to be made. */
  readonly coldStart: boolean
  readonly walls: WallLevel
  /** Why the host ended the cell, when it did. A closed list of labels: `deadline`, `cpu`, `memory`, `protocol`, … */
  readonly killReason?: string
  /** The cell died through another run of the same tenant: this one may be run again if it had no effects. */
  readonly bystander?: boolean
}

/** How often a run used each capability operation, by name: `kv.get`, `kv.put`, … Counted by the broker. */
export type Operations = Readonly<Record<string, number>>

/** Bytes that capabilities sent to and got from networks on behalf of a run, counted by the broker. */
export interface Traffic {
  readonly egress: Bytes
  readonly ingress: Bytes
}

/** What a run used beyond its cell, as its session counted it. */
export type Consumed = Pick<Session, 'operations' | 'traffic'>

/** What a run consumed, as decided by the host. Every figure is the host's own. */
export interface Usage {
  readonly wall: Micros
  readonly cpu: Micros
  readonly units: Units
  readonly memory: Mebibytes
  readonly peakMemory: Bytes
  readonly operations: Operations
  readonly inputSize: Bytes
  readonly outputSize: Bytes
  readonly logSize: Bytes
  /** Bytes that capabilities sent to networks for the run, and what came back. */
  readonly egress: Bytes
  readonly ingress: Bytes
  readonly coldStart: boolean
}

/** A run that took place: what the caller is told. */
export interface Outcome {
  readonly run: RunId
  readonly function?: FunctionVersion
  readonly status: RunStatus
  readonly result?: Uint8Array
  readonly error?: GuestError
  readonly logs: readonly LogLine[]
  readonly usage: Usage
  readonly billed: true
}

/**
 * The path's stages, as execute.ts takes them. Each stage is a folder that imports only core; main.ts puts them together.
 */
export interface Admission {
  /**
   * Checks tenant, policy, walls, sizes, rate and that the host is not draining. Throws the CloisterError that says
   * which: NOT_FOUND, WALLS_TOO_WEAK, TOO_LARGE, RATE_LIMITED, DRAINING.
   */
  admit(request: RunRequest): Ticket
}

export interface Billing {
  /** Sets aside the most that the run can spend, besides operations: see {@link Hold.allow}. Throws BUDGET_EXCEEDED, OVERLOADED while nothing can be charged. A promise only while the tenant's sums are being read. */
  reserve(ticket: Ticket): Hold | Promise<Hold>
  /**
   * Decides the usage, commits the ledger record and closes the hold; resolves after the commit.
   * Invariant: a run is charged if and only if its record is in the ledger.
   */
  post(hold: Hold, report: Report, consumed: Consumed): Promise<Usage>
}

/** The host's answer to a capability call: JSON text of the value, or of `{code, message}` when `ok` is false. */
export interface CallAnswer {
  readonly ok: boolean
  readonly text: string
}

/**
 * The capabilities that one run may touch. Identity is the session itself: no message from a cell ever names a tenant.
 * Leaving its scope ends it: later calls are refused, answers that come late are dropped.
 */
export interface Session extends Disposable {
  /** Never rejects: what goes wrong is an answer that is not ok. */
  call(operation: string, payload: string): Promise<CallAnswer>
  readonly operations: Operations
  readonly traffic: Traffic
  /** Whether any call may have changed something. Such a run is never run again behind its caller's back. */
  readonly hadEffects: boolean
  /** Absent if the function binds nothing. */
  readonly bindings?: Bindings | undefined
}

/** What the host reads for a run before it and writes after it. Both resolve with the fault that is the function's. */
export interface Bindings {
  read(): Promise<GuestError | undefined>
  /** What was read, and what is to be written, as JSON text for the guest half; empty before `read`. */
  readonly values: string
  /** Writes what the guest has left. Only ever after a run that has ended `ok`, and before its answer leaves. */
  write(): Promise<GuestError | undefined>
}

export interface Broker {
  /** Operations are set aside in the hold before they are made; without one nothing is. */
  open(ticket: Ticket, hold?: Hold): Session
}

export interface Scheduler {
  /** Waits for a place among the tenant's and the host's runs. Throws CONCURRENCY_LIMITED, OVERLOADED or DRAINING. */
  acquire(ticket: Ticket): Turn | Promise<Turn>
}

/** A cell of the ticket's tenant, for one run. Leaving its scope makes room in the cell. */
export interface Lease extends Disposable {
  /** Those of the cell. */
  readonly walls: WallLevel
  /**
   * Runs the ticket's code and resolves with what happened, however the guest ends. `bystander` in the report: the
   * cell died of another run's doing.
   */
  run(session: Session): Promise<Report>
}

export interface Pool {
  /** Throws OVERLOADED when no cell comes before the policy's wait is over. */
  lease(ticket: Ticket): Lease | Promise<Lease>
}
