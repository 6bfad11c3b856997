import type { FunctionTarget } from './function-request.ts'
import type { FunctionName, RunId, TenantId } from './ids.ts'
import type { EpochMillis, Millis } from './quantity.ts'
import type { GuestError } from './run.ts'

/**
 * How an execution of a durable function stands. `running`: a run of it is in progress, or due. `suspended`: it waits for a
 * time or an event, and holds nothing but its rows. The others are ends.
 */
export const EXECUTION_STATUSES = ['running', 'suspended', 'done', 'failed', 'cancelled'] as const
export type ExecutionStatus = (typeof EXECUTION_STATUSES)[number]

/** What a step does. */
export const STEP_KINDS = ['step', 'sleep', 'event'] as const
export type StepKind = (typeof STEP_KINDS)[number]

/** One line of an execution's journal. */
export interface JournalEntry {
  /** The step's name; `name#2` for the second of that name, and so on. */
  readonly id: string
  /** Its place in the order in which the code came to it, from 1. */
  readonly place: number
  readonly kind: StepKind
  /** The event that is waited for, without the `#`. */
  readonly name: string
  /** `open`: to be done, or waited for. */
  readonly state: 'open' | 'done' | 'failed'
  /** JSON text: the value of what is done; the {@link GuestError} of what failed, or of the last try. */
  readonly value?: string
  /** When it is due next: the end of a sleep, of the wait for an event, or of the pause before another try. */
  readonly dueAt?: EpochMillis
  /** Tries of a step that failed. */
  readonly tries: number
  /** The version of the function that wrote it. */
  readonly version: number
  readonly at: EpochMillis
}

/** One execution of a durable function, over however many runs and days. Its id stands in its runs as their parent. */
export interface ExecutionRecord {
  readonly id: RunId
  readonly tenant: TenantId
  readonly function: FunctionName
  /** The version that it began with. */
  readonly version: number
  readonly status: ExecutionStatus
  /** JSON text. */
  readonly input: string
  /** JSON text, once it is done. */
  readonly result?: string
  /** Why it failed; `code` where it was not the code that threw. */
  readonly error?: GuestError & { readonly code?: string }
  /** When it goes on by itself. */
  readonly dueAt?: EpochMillis
  /** Runs so far. */
  readonly runs: number
  /** Runs in a row that brought it no further. */
  readonly setbacks: number
  readonly lastRun?: RunId
  readonly createdAt: EpochMillis
  readonly updatedAt: EpochMillis
}

export interface NewExecution {
  readonly id: RunId
  readonly tenant: TenantId
  readonly function: FunctionName
  readonly version: number
  readonly input: string
  readonly now: EpochMillis
}

/** How a run of an execution is put away. */
export type ExecutionSettlement =
  | { readonly kind: 'done'; readonly result: string }
  | { readonly kind: 'failed'; readonly error: GuestError & { readonly code?: string } }
  /** It waits: until a time, for an event, or both. */
  | { readonly kind: 'suspended'; readonly dueAt?: EpochMillis }
  /** It is to be tried again. `setback`: the run was the code's own failure, and no step of it was recorded. */
  | { readonly kind: 'again'; readonly dueAt: EpochMillis; readonly setbacks: number }

/** An event from outside, for the execution that waits for it or is going to. */
export interface ExecutionEvent {
  readonly name: string
  /** JSON text. */
  readonly payload: string
  readonly now: EpochMillis
}

export interface ExecutionFilter {
  readonly status?: ExecutionStatus
  readonly function?: FunctionName
  /** The last id of the page before. */
  readonly before?: RunId
  readonly limit: number
}

/** Executions and their journals. Each change is one atomic step, committed before it resolves. They go with their tenant. */
export interface ExecutionStore {
  /** False if the tenant has so many that are not over. Rejects with NOT_FOUND without the tenant. */
  begin(execution: NewExecution, openMax: number): Promise<boolean>
  /** Writes an entry, or writes over it. False if the execution is over: it was cancelled. */
  record(id: RunId, entry: JournalEntry): Promise<boolean>
  /** Takes the oldest event of the entry's name, and writes the entry with it as its value. Gives its payload. */
  takeEvent(id: RunId, entry: JournalEntry): Promise<string | undefined>
  journal(id: RunId): Promise<readonly JournalEntry[]>
  /** Puts a run away. Nothing changes if the execution is over. An event that came meanwhile makes what waits for it due. */
  settle(
    id: RunId,
    settlement: ExecutionSettlement,
    run: { readonly run?: RunId; readonly now: EpochMillis },
  ): Promise<void>
  /** Executions that are due: the longest due of each tenant, then the second of each, and so on. */
  due(now: EpochMillis, limit: number): Promise<readonly ExecutionRecord[]>
  /** When the next one is due, after a time. */
  nextDue(now: EpochMillis): Promise<EpochMillis | undefined>
  /** Keeps an event. One that is waited for makes its execution due. */
  deliver(
    tenant: TenantId,
    id: RunId,
    event: ExecutionEvent,
    max: number,
  ): Promise<'done' | 'none' | 'over' | 'too-many'>
  /** Ends it. False if there is none that is not over. */
  cancel(tenant: TenantId, id: RunId, now: EpochMillis): Promise<boolean>
  find(tenant: TenantId, id: RunId): Promise<ExecutionRecord | undefined>
  /** Newest first. */
  list(tenant: TenantId, filter: ExecutionFilter): Promise<readonly ExecutionRecord[]>
  /** Removes some that have been over since before a time; true if there may be more. */
  forget(endedBefore: EpochMillis): Promise<boolean>
}

/** Executions, as they are started and looked at from outside. */
export interface Executions {
  /**
   * Starts an execution of a durable function: it will come to an end whatever happens to the host. Rejects with FORBIDDEN,
   * NOT_FOUND, CONFLICT if the function is not durable, TOO_LARGE and QUOTA_EXCEEDED.
   */
  start(tenant: TenantId, name: FunctionName, call: FunctionTarget & { readonly input: Uint8Array }): Promise<RunId>
  /** Rejects with NOT_FOUND, as all that follow. */
  find(
    tenant: TenantId,
    id: RunId,
  ): Promise<{ readonly record: ExecutionRecord; readonly journal: readonly JournalEntry[] }>
  list(tenant: TenantId, filter: ExecutionFilter): Promise<readonly ExecutionRecord[]>
  /** Gives it an event. Rejects with CONFLICT if it is over, TOO_LARGE and QUOTA_EXCEEDED. */
  deliver(tenant: TenantId, id: RunId, event: Pick<ExecutionEvent, 'name' | 'payload'>): Promise<void>
  /** Ends it, with the run of it that is in progress. Rejects with CONFLICT if it is over. */
  cancel(tenant: TenantId, id: RunId): Promise<void>
}

/**
 * What a step is answered. `release`: what was parked may be asked for again, since the code has come to every step that
 * the journal has.
 */
export type StepAnswer = StepState & { readonly release?: true }

type StepState =
  | { readonly state: 'done'; readonly value: string }
  | { readonly state: 'failed'; readonly error: string }
  /** Its function is to be called. */
  | { readonly state: 'run'; readonly attempt: number }
  /** Nothing to do before another run. */
  | { readonly state: 'wait' }
  /** It is new, and the journal has steps that the code has not come to yet: another branch of it may. */
  | { readonly state: 'parked' }

/** A step as the code asks for it. */
export interface StepRequest {
  readonly id: string
  readonly kind: StepKind
  readonly name: string
  /** When a sleep ends, or the wait for an event. */
  readonly until?: EpochMillis
  readonly retries: number
  readonly backoff: Millis
}

/** The journal of an execution as one run of it meets it. What is wrong with a call is thrown as a JournalError. */
export interface RunJournal {
  begin(step: StepRequest): Promise<StepAnswer>
  /** A step's function has returned. */
  complete(id: string, value: string): Promise<void>
  /** A step's function has thrown. */
  fail(id: string, error: string, options: { readonly final: boolean }): Promise<StepAnswer>
}

/** Why a step is refused. `JOURNAL_MISMATCH`: the code asks for other steps than the journal has. */
export type JournalErrorCode = 'JOURNAL_MISMATCH' | 'QUOTA_EXCEEDED' | 'INVALID_ARGUMENT' | 'RUN_OVER'

/** A step that is refused: the guest sees code and message. */
export class JournalError extends Error {
  override readonly name = 'JournalError'
  readonly code: JournalErrorCode

  constructor(code: JournalErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
