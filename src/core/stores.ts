/**
 * What the stages need of storage. Each port is small and asynchronous, so that SQLite and PostgreSQL can both serve it;
 * `store/` implements them, `main.ts` hands them in. Every promise rejects with an INTERNAL CloisterError when storage fails.
 */
import type { AuthStore } from './auth.ts'
import type { DeadLetterStore } from './dead-letters.ts'
import type { DocStore } from './documents.ts'
import type { EventSourceStore } from './event-sources.ts'
import type { IdempotencyStore } from './idempotency.ts'
import type { FunctionName, KeyId, RunId, TenantId } from './ids.ts'
import type { InvocationStore } from './invocations.ts'
import type { RunStatus } from './outcome.ts'
import type { FunctionStore } from './function-store.ts'
import type { InvoiceStore } from './invoices.ts'
import type { Bytes, EpochMillis, Micros, NanoUsd } from './quantity.ts'
import type { QueueStore } from './queues.ts'
import type { SqlBindingStore } from './sql-bindings.ts'
import type { SecretStore } from './secrets.ts'
import type { FunctionVersion, GuestError, LogLine, Trigger, Usage, WallLevel } from './run.ts'
import type { WebhookStore } from './webhooks.ts'

/** A ceiling on a tenant's spending in one UTC day or month. Absent fields do not limit. */
export interface Allowance {
  readonly units?: number
  readonly money?: NanoUsd
}
export interface Budget {
  readonly day?: Allowance
  readonly month?: Allowance
}

export interface TenantRecord {
  readonly id: TenantId
  /** The policy as it was given: a name, or the JSON text of an object. */
  readonly policy: string
  readonly budget: Budget
  /** Plain configuration that the tenant's code sees as `context.env`; absent: none. */
  readonly env?: Readonly<Record<string, string>>
  readonly createdAt: EpochMillis
  readonly updatedAt: EpochMillis
}

export interface TenantStore {
  put(tenant: TenantRecord): Promise<void>
  /** Deletes the tenant, its keys, its functions and its kv data. The ledger keeps what it was charged. False if there was none. */
  delete(id: TenantId): Promise<boolean>
  /** All tenants, by name. Read once at start; the admission stage keeps them in memory. */
  list(): Promise<readonly TenantRecord[]>
}

export interface KeyRecord {
  readonly id: KeyId
  readonly tenant: TenantId
  /** SHA-256 of the whole key text, hexadecimal. The key itself is never stored. */
  readonly hash: string
  readonly createdAt: EpochMillis
}

export interface KeyStore {
  put(key: KeyRecord): Promise<void>
  delete(tenant: TenantId, id: KeyId): Promise<boolean>
  list(): Promise<readonly KeyRecord[]>
}

/**
 * What a record charges for: a run; the evaluation of a function's module ahead of any run; or an hour of what a tenant
 * keeps in stores.
 */
export type RecordKind = 'run' | 'init' | 'storage'

/** One line of the ledger: one run (or init, or hour of storage), exactly once. Quantities are whole numbers. */
export interface LedgerRecord {
  /** Absent for a run. */
  readonly kind?: Exclude<RecordKind, 'run'>
  readonly run: RunId
  readonly tenant: TenantId
  readonly trigger: Trigger | 'host'
  readonly function?: FunctionVersion
  readonly parentRun?: RunId
  readonly status: RunStatus
  readonly startedAt: EpochMillis
  readonly usage: Usage
  /** Bytes kept × hours, in records of storage. */
  readonly storedByteHours?: number
  readonly policy: string
  readonly walls: WallLevel
}

/** What is kept of a run besides its charge, for as long as runs are kept. */
export interface RunDetails {
  readonly error?: GuestError
  readonly logs: readonly LogLine[]
  /** Why the run's cell was killed or died; absent if the cell ended the run itself. */
  readonly killReason?: string
  /** How far past its wall limit the run was ended, which nobody is charged for; absent if it was not. */
  readonly overdue?: Micros
}

export interface PostedRun extends LedgerRecord {
  readonly details: RunDetails
}

/** Runs of submitted code have no function and no version, which reads as an empty text. */
export const USAGE_GROUPS = ['day', 'hour', 'outcome', 'trigger', 'policy', 'function', 'version', 'kind'] as const
export type UsageGroup = (typeof USAGE_GROUPS)[number]

/** Sums of ledger records. All exact integers; sums of large periods pass 2^53, hence bigint. */
export interface UsageSums {
  readonly group: Readonly<Partial<Record<UsageGroup, string>>>
  /** Records of any kind; `requests` are those of runs. */
  readonly records: bigint
  readonly requests: bigint
  readonly units: bigint
  /** Σ units × configured MiB: what compute is priced by. */
  readonly unitMebibytes: bigint
  readonly wallMicros: bigint
  readonly cpuMicros: bigint
  readonly inputBytes: bigint
  readonly outputBytes: bigint
  readonly egressBytes: bigint
  readonly ingressBytes: bigint
  readonly storedByteHours: bigint
  readonly coldStarts: bigint
  readonly operations: Readonly<Record<string, bigint>>
}

export interface TimeRange {
  /** Inclusive. */
  readonly from: EpochMillis
  /** Exclusive. */
  readonly to: EpochMillis
}

export interface LedgerStore {
  /**
   * Appends the record and resolves once it is committed; many posts share one commit. Posting a run id again changes
   * nothing and resolves too.
   */
  post(record: LedgerRecord, details: RunDetails): Promise<void>
  /**
   * Sums by the groups asked for, in a stable order. No groups: one row, also when there is no record. Whole hours and
   * days come from roll-ups, so what it costs does not grow with the records.
   */
  sum(tenant: TenantId, range: TimeRange, groupBy: readonly UsageGroup[]): Promise<readonly UsageSums[]>
  find(tenant: TenantId, run: RunId): Promise<PostedRun | undefined>
  /** A page of runs, newest first, without their details. `before` is the last id of the page before. */
  page(
    tenant: TenantId,
    filter: { status?: RunStatus; function?: FunctionName; range?: TimeRange; before?: RunId; limit: number },
  ): Promise<readonly LedgerRecord[]>
  /** Every record of the range in the order of the tenant's chain, for export and verification. */
  records(tenant: TenantId, range: TimeRange): AsyncIterable<LedgerLine>
  /** Commits as much as a large record takes and takes it away again. Rejects as a post would. */
  tryWrite(): Promise<void>
  /**
   * Checks the tenant's whole chain and that its roll-ups are the sums of it, with every record that was posted when it
   * was asked for. One tenant at a time.
   */
  verify(tenant: TenantId): Promise<LedgerVerdict>
}

/** What checking a tenant's ledger found: the last hash, or what is wrong first. */
export type LedgerVerdict =
  | { readonly ok: true; readonly records: number; readonly head: string }
  | { readonly ok: false; readonly sequence: number; readonly reason: string }
  /** The records are right, and a roll-up is not their sum. */
  | { readonly ok: false; readonly reason: 'rollup-differs'; readonly rollup: RollupFault }

/** A roll-up that is not the sum of its records. */
export interface RollupFault {
  readonly resolution: 'hour' | 'day'
  /** ISO 8601: its first moment. */
  readonly from: string
  readonly records: number
  readonly rolledUp: number
}

/** A ledger record as stored: its place in the tenant's hash chain and the canonical bytes that were hashed. */
export interface LedgerLine {
  readonly sequence: number
  /** The canonical JSON text of the record: what `hash` covers. */
  readonly canonical: string
  /** SHA-256, hexadecimal, of the previous line's hash followed by `canonical`. */
  readonly hash: string
  readonly previousHash: string
}

/** What a list shows of an entry: all but its value. */
export interface KvKey {
  readonly key: string
  readonly expiresAt?: EpochMillis
  /** JSON text. */
  readonly metadata?: string
}

export interface KvEntry extends KvKey {
  /** JSON text. */
  readonly value: string
}

/** How much a tenant may keep; a write that would pass it is refused as a whole. */
export interface KvQuota {
  readonly keys: number
  readonly storedBytes: number
}

export type KvWrite = 'done' | 'quota-exceeded' | 'mismatch' | 'not-a-number'

/** Key-value data per tenant. Entries past their expiry are never seen; they are swept in the background. */
export interface KvStore {
  get(tenant: TenantId, key: string): Promise<KvEntry | undefined>
  /**
   * The entries of several keys as they were at one moment, in the keys' order. Undefined as a whole if the values have more
   * than `bytesMax` bytes together.
   */
  getMany(
    tenant: TenantId,
    keys: readonly string[],
    bytesMax: number,
  ): Promise<readonly (KvEntry | undefined)[] | undefined>
  put(tenant: TenantId, entry: KvEntry, quota: KvQuota): Promise<KvWrite>
  /** Writes all of the entries or none, in one atomic step. */
  putMany(tenant: TenantId, entries: readonly KvEntry[], quota: KvQuota): Promise<KvWrite>
  delete(tenant: TenantId, key: string): Promise<boolean>
  /** Deletes several keys in one atomic step, and says how many of them were there. */
  deleteMany(tenant: TenantId, keys: readonly string[]): Promise<number>
  /** Keys that start with `prefix`, in code-point order, after `cursor`. */
  list(tenant: TenantId, query: { prefix: string; cursor?: string; limit: number }): Promise<readonly KvKey[]>
  /** Adds to a number, from 0 if absent, keeping its expiry and metadata, in one atomic step. */
  increment(
    tenant: TenantId,
    key: string,
    by: number,
    quota: KvQuota,
  ): Promise<{ outcome: KvWrite; value: number | undefined }>
  /** Writes only if the present value is `expected` (JSON text; undefined: absent), in one atomic step. */
  compareAndSet(tenant: TenantId, entry: KvEntry, expected: string | undefined, quota: KvQuota): Promise<KvWrite>
}

/** What one tenant keeps, in all stores together. */
export interface StoredBytes {
  readonly tenant: TenantId
  readonly bytes: Bytes
}

/** Everything that lasts, opened together and closed together. */
export interface Stores extends AsyncDisposable {
  readonly tenants: TenantStore
  readonly keys: KeyStore
  readonly ledger: LedgerStore
  readonly kv: KvStore
  readonly docs: DocStore
  readonly functions: FunctionStore
  readonly queues: QueueStore
  readonly invocations: InvocationStore
  readonly deadLetters: DeadLetterStore
  readonly eventSources: EventSourceStore
  readonly idempotency: IdempotencyStore
  readonly invoices: InvoiceStore
  /** What each tenant keeps that keeps anything, now. Every store counts what it charges for. */
  storedBytes(): Promise<readonly StoredBytes[]>
  readonly sqlBindings: SqlBindingStore
  readonly secrets: SecretStore
  readonly auth: AuthStore
  readonly webhooks: WebhookStore
}
