import type { BindConfig } from './binding.ts'
import type { Destination, RetryConfig, TriggerConfig } from './event-config.ts'
import type { HttpConfig } from './http-config.ts'
import type { AliasName, ArtifactId, FunctionName, TenantId } from './ids.ts'
import type { FunctionQuota, Reuse } from './policy.ts'
import type { Bytes, EpochMillis } from './quantity.ts'
import type { Artifact } from './run.ts'

/** What the code of a version can be called by, of what its default export has. */
export const HANDLERS = ['default', 'fetch', 'queue', 'scheduled', 'blob', 'doc'] as const
export type Handler = (typeof HANDLERS)[number]

/** How the runs of a version are set up. What is absent is the policy's to say. */
export interface FunctionConfig {
  /** Shortens the policy's wall limit. */
  readonly timeoutMs?: number | undefined
  readonly reuse?: Reuse | undefined
  /** How it answers HTTP requests, and whose. */
  readonly http?: HttpConfig | undefined
  /** What the host reads before a run and writes after it, by the names that the guest has for it. */
  readonly bind?: BindConfig | undefined
  /** It is called as an execution, over many runs; whether each has the version that the alias `live` names then. */
  readonly durable?: { readonly versions?: 'pin' | 'follow' | undefined } | undefined
  /** How its events are tried again. */
  readonly retry?: RetryConfig | undefined
  /** What it is given events of, while `live` names this version. */
  readonly triggers?: readonly TriggerConfig[] | undefined
  /** Where the record of an event goes that it has dealt with, and of one that was given up. */
  readonly onSuccess?: Destination | undefined
  readonly onFailure?: Destination | undefined
  /** Plain values that the guest sees as `context.env`. */
  readonly env?: Readonly<Record<string, string>> | undefined
}

/** One version of a function, without its code. Nothing of it ever changes. */
export interface VersionRecord {
  /** Never given out twice, whatever is deleted. */
  readonly number: number
  readonly version: number
  readonly artifact: ArtifactId
  readonly size: Bytes
  readonly config: FunctionConfig
  readonly handlers: readonly Handler[]
  readonly createdAt: EpochMillis
}

/** A share of an alias's calls that goes to another version. */
export interface Canary {
  readonly version: number
  /** 0 to 100. At 0 only calls that ask for it by name get there. */
  readonly percent: number
  /** When it ends by itself because it is worse; the usual rules if absent. */
  readonly rollback?: RollbackRules | 'off'
}

/** What a canary is compared by: its share of runs that do not end as `ok`, and its figures for each run. */
export const ROLLBACK_METRICS = ['errors', 'latency', 'cpu', 'cost'] as const
export type RollbackMetric = (typeof ROLLBACK_METRICS)[number]

/** Rules that differ from the usual ones. */
export interface RollbackRules {
  readonly metrics?: readonly RollbackMetric[]
  /** Runs of each version before anything is concluded. */
  readonly minRuns?: number
  /** How much higher a figure must be at least. */
  readonly worsePercent?: number
}

/**
 * A figure by which a canary was significantly worse. Errors are shares of runs; the others geometric means of a run: µs of
 * wall or CPU time, billionths of a dollar.
 */
export interface RollbackFinding {
  readonly metric: RollbackMetric
  readonly canary: number
  readonly stable: number
  /** How often versions that are alike would differ as much. */
  readonly p: number
  readonly canaryRuns: number
  readonly stableRuns: number
}

/** A canary that was ended because it was worse. */
export interface Rollback {
  readonly alias: AliasName
  /** The version that calls get. */
  readonly version: number
  /** The canary. */
  readonly from: number
  readonly findings: readonly RollbackFinding[]
  readonly at: EpochMillis
}

export interface AliasRecord {
  readonly name: AliasName
  readonly version: number
  readonly canary?: Canary
  /** Versions that it named before, the latest last. */
  readonly history: readonly number[]
  readonly updatedAt: EpochMillis
}

export interface FunctionRecord {
  readonly name: FunctionName
  /** The newest version that is there. */
  readonly latest: VersionRecord
  readonly aliases: readonly AliasRecord[]
  readonly createdAt: EpochMillis
  readonly updatedAt: EpochMillis
}

/** A new version, checked and loaded once. */
export interface Deployment {
  readonly name: FunctionName
  readonly artifact: Artifact
  readonly config: FunctionConfig
  readonly handlers: readonly Handler[]
  /** The alias that is to name it; none if absent. Its canary ends. */
  readonly publish?: AliasName
  readonly now: EpochMillis
}

export type Deployed =
  | { readonly outcome: 'created' | 'unchanged'; readonly version: number }
  | { readonly outcome: 'quota-exceeded'; readonly quota: keyof FunctionQuota; readonly needed: number }

/** What is to become of an alias. Absent `canary`: all calls go to `version`. */
export interface AliasChange {
  readonly name: FunctionName
  readonly alias: AliasName
  readonly version: number
  readonly canary?: Canary
  readonly now: EpochMillis
}

export type AliasOutcome = 'done' | 'no-function' | 'no-version' | 'too-many'

/** Taking an alias a step back: ends its canary if it has one, else to the version that it named before. */
export type RolledBack =
  | { readonly outcome: 'done'; readonly version: number; readonly from: number }
  | { readonly outcome: 'no-alias' | 'no-history' }

/** Deployed functions. Each change is one atomic step. Writes for a tenant that does not exist reject with NOT_FOUND. */
export interface FunctionStore {
  /**
   * Stores a new version, unless code and config equal the newest one's, and moves the alias. Versions past the quota that
   * no alias names make room, the oldest first.
   */
  deploy(tenant: TenantId, deployment: Deployment, quota: FunctionQuota): Promise<Deployed>
  /** By name. */
  list(tenant: TenantId): Promise<readonly FunctionRecord[]>
  find(tenant: TenantId, name: FunctionName): Promise<FunctionRecord | undefined>
  /** Newest first. */
  versions(tenant: TenantId, name: FunctionName): Promise<readonly VersionRecord[]>
  findVersion(tenant: TenantId, name: FunctionName, version: number): Promise<VersionRecord | undefined>
  /** The code of a version. */
  findArtifact(id: ArtifactId): Promise<Artifact | undefined>
  /** False if there was none. */
  delete(tenant: TenantId, name: FunctionName): Promise<boolean>
  setAlias(tenant: TenantId, change: AliasChange): Promise<AliasOutcome>
  deleteAlias(tenant: TenantId, name: FunctionName, alias: AliasName): Promise<boolean>
  rollBack(tenant: TenantId, name: FunctionName, alias: AliasName, now: EpochMillis): Promise<RolledBack>
  /** Ends a canary and keeps why. False, and nothing changes, if the alias leads elsewhere by now. */
  endCanary(tenant: TenantId, name: FunctionName, rollback: Rollback): Promise<boolean>
  /** The canaries of a function that were ended, newest first: the last 20. */
  rollbacks(tenant: TenantId, name: FunctionName): Promise<readonly Rollback[]>
}
