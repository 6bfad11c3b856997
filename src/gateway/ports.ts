/** What the gateway needs of the other parts. `main.ts` hands them in. */
import type { DocCollection } from '../core/documents.ts'
import type { FunctionTarget } from '../core/function-request.ts'
import type {
  AliasRecord,
  Canary,
  FunctionConfig,
  FunctionRecord,
  Handler,
  Rollback,
  VersionRecord,
} from '../core/function-store.ts'
import type { HttpCaller, JwtAuth } from '../core/http-config.ts'
import type { AliasName, FunctionName, KeyId, RunId, TenantId } from '../core/ids.ts'
import type { Grants, SecretsGrant } from '../core/policy.ts'
import type { EpochMillis } from '../core/quantity.ts'
import type { Artifact, Outcome, RunRequest, Usage, WallLevel } from '../core/run.ts'
import type { Budget, KeyRecord, KvEntry, LedgerStore, TenantRecord, TimeRange, UsageGroup } from '../core/stores.ts'

/** Who is asking. */
export type Principal = { readonly kind: 'admin' } | { readonly kind: 'tenant'; readonly tenant: TenantId }

/** Who may pass. */
export interface Gatekeeper {
  /** Reads the Authorization header. Throws UNAUTHENTICATED. */
  authenticate(header: string | undefined): Principal
  /** Throws FORBIDDEN unless the principal is that tenant or the administrator. */
  authorize(principal: Principal, tenant: TenantId): void
  /** Throws FORBIDDEN unless the principal is the administrator. */
  authorizeAdmin(principal: Principal): void
}

interface AllowanceChange {
  readonly units?: number | null | undefined
  readonly usd?: string | number | null | undefined
}

interface BudgetChange {
  readonly day?: AllowanceChange | null | undefined
  readonly month?: AllowanceChange | null | undefined
}

/** What is absent stays as it is, null clears. */
export interface TenantChange {
  readonly policy?: string | Readonly<Record<string, unknown>> | undefined
  readonly budget?: BudgetChange | null | undefined
}

/** What a tenant's code has done to its cells since the host started. */
export interface CellsView {
  /** Cells that it has brought down. */
  readonly deaths: number
  readonly last: { readonly reason: string; readonly at: EpochMillis } | undefined
  /** When new runs are admitted again; undefined if they are now. */
  readonly backedOffUntil: EpochMillis | undefined
}

/** Tokens of HTTP requests to functions: who they are from, undefined if they are not good. */
export interface TokenChecks {
  /** A session's token or a JSON Web Token of a user of the tenant's. */
  user(tenant: TenantId, token: string): Promise<HttpCaller | undefined>
  /** A JSON Web Token of another issuer. Throws OVERLOADED if its keys cannot be had. */
  jwt(tenant: TenantId, auth: JwtAuth, token: string): Promise<HttpCaller | undefined>
}

/** Who there is. Every call about a tenant that is not there throws NOT_FOUND, unless it says otherwise. */
export interface Directory {
  /** Throws INVALID_POLICY, INVALID_REQUEST. */
  putTenant(id: TenantId, change: TenantChange): Promise<{ readonly record: TenantRecord; readonly created: boolean }>
  getTenant(id: TenantId): TenantRecord
  findTenant(id: TenantId): TenantRecord | undefined
  listTenants(): readonly TenantRecord[]
  deleteTenant(id: TenantId): Promise<void>
  /** Changes a tenant's variables as a whole and gives what they are then. Throws INVALID_REQUEST with every fault. */
  changeEnv(
    id: TenantId,
    change: (present: Readonly<Record<string, string>>) => Readonly<Record<string, string>>,
  ): Promise<Readonly<Record<string, string>>>
  /** A budget as JSON, money as decimal text. */
  viewBudget(budget: Budget): object
  cellsOf(id: TenantId): CellsView
  /** What the tenant's policy grants of a capability. Throws FORBIDDEN if nothing. */
  requireGrant<Name extends keyof Grants>(id: TenantId, capability: Name): NonNullable<Grants[Name]>
  /** Throws CONFLICT if there are too many. */
  createKey(tenant: TenantId): Promise<{ readonly id: KeyId; readonly key: string }>
  listKeys(tenant: TenantId): readonly KeyRecord[]
  deleteKey(tenant: TenantId, id: KeyId): Promise<void>
}

/** What may be known of a database that is bound: everything but its password. */
export interface SqlBinding {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly tls: string
  readonly boundBy: 'operator' | 'tenant'
  readonly createdAt: EpochMillis
  readonly updatedAt: EpochMillis
}

/** Databases that tenants have bound. Every call about a name that is not bound throws NOT_FOUND. */
export interface Databases {
  /** Throws INVALID_REQUEST with every fault of the URL, CONFLICT if there are too many, NOT_FOUND without the tenant. */
  put(
    tenant: TenantId,
    name: string,
    change: { readonly url: string; readonly boundBy: SqlBinding['boundBy'] },
  ): Promise<{ readonly binding: SqlBinding; readonly created: boolean }>
  get(tenant: TenantId, name: string): Promise<SqlBinding>
  list(tenant: TenantId): Promise<readonly SqlBinding[]>
  delete(tenant: TenantId, name: string): Promise<void>
  /** Connects once. Throws OVERLOADED. */
  test(
    tenant: TenantId,
    name: string,
  ): Promise<
    | { readonly ok: true; readonly elapsed: number; readonly server: string }
    | { readonly ok: false; readonly elapsed: number; readonly reason: string }
  >
}

/** What may be known of a secret: everything but its value. */
export interface Secret {
  readonly name: string
  readonly hosts: readonly string[]
  readonly createdAt: EpochMillis
  readonly updatedAt: EpochMillis
}

/** Secrets of tenants, write-only. Every call about a name that is not there throws NOT_FOUND. */
export interface Secrets {
  /** Throws INVALID_REQUEST with every fault, QUOTA_EXCEEDED, NOT_FOUND without the tenant. */
  put(
    tenant: TenantId,
    name: string,
    change: { readonly value: string; readonly hosts: readonly string[] },
    grant: SecretsGrant,
  ): Promise<{ readonly secret: Secret; readonly created: boolean }>
  get(tenant: TenantId, name: string): Promise<Secret>
  list(tenant: TenantId): Promise<readonly Secret[]>
  delete(tenant: TenantId, name: string): Promise<void>
}

/** Code as it was submitted. */
export interface Submission {
  readonly code?: string | undefined
  readonly modules?: Readonly<Record<string, string>> | undefined
  readonly main?: string | undefined
  readonly language?: Artifact['language'] | undefined
}

export interface Artifacts {
  /** Throws INVALID_REQUEST naming the field. */
  build(submission: Submission): Artifact
}

/** A deployed version that is to run. */
export interface ResolvedFunction {
  readonly name: FunctionName
  readonly version: number
  readonly code: Artifact
  readonly config: FunctionConfig
  readonly handlers: readonly Handler[]
}

/** Deployed functions. Every call about one that is not there rejects with NOT_FOUND. */
export interface Functions {
  /** Rejects with INVALID_CODE, NO_HANDLER, START_TOO_SLOW, START_TOO_LARGE, QUOTA_EXCEEDED, and what refuses a run. */
  deploy(
    tenant: TenantId,
    name: FunctionName,
    wanted: { readonly artifact: Artifact; readonly config: FunctionConfig; readonly publish: 'live' | 'later' },
  ): Promise<{ readonly version: number; readonly created: boolean }>
  resolve(tenant: TenantId, name: FunctionName, target: FunctionTarget): Promise<ResolvedFunction>
  list(tenant: TenantId): Promise<readonly FunctionRecord[]>
  get(tenant: TenantId, name: FunctionName): Promise<FunctionRecord>
  versions(tenant: TenantId, name: FunctionName): Promise<readonly VersionRecord[]>
  delete(tenant: TenantId, name: FunctionName): Promise<void>
  alias(tenant: TenantId, name: FunctionName, alias: AliasName): Promise<AliasRecord>
  /** Rejects with CONFLICT if there are too many. */
  setAlias(
    tenant: TenantId,
    name: FunctionName,
    alias: AliasName,
    to: { readonly version: number; readonly canary?: Canary },
  ): Promise<AliasRecord>
  deleteAlias(tenant: TenantId, name: FunctionName, alias: AliasName): Promise<void>
  /** Rejects with CONFLICT if there is nothing to go back to. */
  rollBack(
    tenant: TenantId,
    name: FunctionName,
    alias: AliasName,
  ): Promise<{ readonly version: number; readonly from: number }>
  /** Canaries that ended by themselves, newest first. */
  rollbacks(tenant: TenantId, name: FunctionName): Promise<readonly Rollback[]>
}

/** The questions that the ledger and the price book answer. Objects are plain JSON. */
export interface Accounts {
  /** What one run cost, in dollars as decimal text, by the prices of a moment; of now if none is given. */
  costUsd(usage: Usage, at?: EpochMillis): string
  /** The bill of a month, `YYYY-MM`; the current one if none is named. Rejects with INVALID_PERIOD. */
  bill(tenant: TenantId, period: string | undefined): Promise<object>
  billCsv(bill: object): string
  /** As rows of FOCUS, the FinOps Open Cost and Usage Specification. */
  billFocus(bill: object): string
  /** As an HTML page to print, without scripts. Rejects as `bill` does. */
  billPage(tenant: TenantId, period: string | undefined): Promise<string>
  /** Where a line comes from. Rejects with INVALID_PERIOD and NOT_FOUND. */
  explain(tenant: TenantId, question: ExplainQuestion): Promise<object>
  /** The bill of a month beside what another price book makes of it. Rejects with INVALID_PERIOD and INVALID_REQUEST. */
  simulate(tenant: TenantId, book: unknown, period: string | undefined): Promise<object>
  usage(tenant: TenantId, range: TimeRange, groupBy: readonly UsageGroup[]): Promise<object>
  usageCsv(report: object): string
  /** What is spent, held and left of the budget. */
  budget(tenant: TenantId): Promise<object>
  /** NDJSON, line by line. Throws INVALID_PERIOD at once. */
  records(tenant: TenantId, period: string | undefined): AsyncIterable<string>
  /** Checks the tenant's whole chain. */
  verify(tenant: TenantId): Promise<object>
  /** Throws INVALID_PERIOD naming the field. */
  parseRange(text: { readonly from?: string | undefined; readonly to?: string | undefined }): TimeRange
  /** Throws INVALID_REQUEST. */
  parseGroups(text: string | undefined): readonly UsageGroup[]
}

/** Which line of a bill, and which of its runs. */
export interface ExplainQuestion {
  readonly line: string
  readonly period?: string | undefined
  readonly before?: RunId | undefined
  readonly limit?: number | undefined
}

/** How the host is. */
export interface Health {
  /** Whether blank cells are up. */
  readonly ready: boolean
  readonly walls: WallLevel
  readonly blankCells: number
}

/** Measurements in a text format. */
export interface Exposition {
  readonly contentType: string
  expose(): Promise<string>
}

/** What goes to the host's own log. */
export interface Log {
  info(fields: object, event: string): void
  error(fields: object, event: string): void
}

export type Execute = (request: RunRequest) => Promise<Outcome>
export type Runs = Pick<LedgerStore, 'find' | 'page'>

/** What tenants keep. Every method throws NOT_FOUND for a tenant that is not there, FORBIDDEN for what is not granted. */
export interface Data {
  /** Carries out an operation of a guest. Resolves with JSON text, `''` for nothing. */
  perform(tenant: TenantId, operation: string, args: readonly unknown[]): Promise<string>
  findKv(tenant: TenantId, key: string): Promise<KvEntry | undefined>
  collections(tenant: TenantId): Promise<readonly DocCollection[]>
  declare(tenant: TenantId, name: string, indexes: unknown): Promise<DocCollection>
  drop(tenant: TenantId, name: string): Promise<boolean>
}
