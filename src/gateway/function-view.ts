import type { AliasRecord, FunctionRecord, VersionRecord } from '../core/function-store.ts'
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
    previous: history.at(-1),
    updatedAt: timeText(updatedAt),
  }
}

function timeText(at: EpochMillis): string {
  return new Date(at).toISOString()
}
