import type {
  AliasRecord,
  FunctionRecord,
  Rollback,
  RollbackFinding,
  RollbackMetric,
  VersionRecord,
} from '../core/function-store.ts'
import type { EpochMillis } from '../core/quantity.ts'

/** A function as the API shows it. */
export function viewFunction({ name, latest, aliases, createdAt, updatedAt }: FunctionRecord): object {
  return {
    name,
    latest: viewVersion(latest),
    aliases: Object.fromEntries(aliases.map((alias) => [alias.name, viewAlias(alias)])),
    createdAt: timeText(createdAt),
    updatedAt: timeText(updatedAt),
  }
}

/** A version as the API shows it. */
export function viewVersion({ version, artifact, size, config, handlers, createdAt }: VersionRecord): object {
  return { version, sha256: artifact, codeBytes: size, handlers, config, createdAt: timeText(createdAt) }
}

/** Where an alias leads. */
export function viewAlias({ version, canary, history, updatedAt }: AliasRecord): object {
  return {
    version,
    ...(canary && { weights: { [canary.version]: canary.percent, [version]: 100 - canary.percent } }),
    ...(canary?.rollback && { rollback: canary.rollback }),
    previous: history.at(-1),
    updatedAt: timeText(updatedAt),
  }
}

/** Why a canary ended. Times in milliseconds, cost in dollars. */
export function viewRollback({ alias, version, from, findings, at }: Rollback): object {
  return { alias, version, from, at: timeText(at), findings: findings.map(viewFinding) }
}

function viewFinding({ metric, canary, stable, p, canaryRuns, stableRuns }: RollbackFinding): object {
  const { unit, per } = UNITS[metric]
  return { metric, unit, canary: canary / per, stable: stable / per, p, canaryRuns, stableRuns }
}

const UNITS = {
  errors: { unit: 'share', per: 1 },
  latency: { unit: 'ms', per: 1_000 },
  cpu: { unit: 'ms', per: 1_000 },
  cost: { unit: 'usd', per: 1e9 },
} as const satisfies Record<RollbackMetric, { readonly unit: string; readonly per: number }>

function timeText(at: EpochMillis): string {
  return new Date(at).toISOString()
}
