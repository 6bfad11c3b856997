import { type Kysely, sql } from 'kysely'
import type {
  AliasRecord,
  Canary,
  FunctionConfig,
  FunctionRecord,
  Handler,
  Rollback,
  RollbackFinding,
  VersionRecord,
} from '../core/function-store.ts'
import type { AliasName, ArtifactId, FunctionName, TenantId } from '../core/ids.ts'
import { bytes, epochMillis } from '../core/quantity.ts'
import type { Artifact } from '../core/run.ts'
import type { AliasesTable, FunctionVersionsTable, FunctionsTable, Tables } from './schema.ts'

/** All functions of a tenant, by name. */
export async function listFunctions(database: Kysely<Tables>, tenant: TenantId): Promise<readonly FunctionRecord[]> {
  return recordsOf(database, await functionsOf(database, tenant).orderBy('functions.name').execute())
}

export async function findFunction(
  database: Kysely<Tables>,
  tenant: TenantId,
  name: FunctionName,
): Promise<FunctionRecord | undefined> {
  const [record] = await recordsOf(database, await functionsOf(database, tenant).where('name', '=', name).execute())
  return record
}

/** Newest first. */
export async function listVersions(
  database: Kysely<Tables>,
  tenant: TenantId,
  name: FunctionName,
): Promise<readonly VersionRecord[]> {
  const rows = await versionsOf(database, tenant, name).orderBy('version', 'desc').execute()
  return rows.map(versionOf)
}

export async function findVersion(
  database: Kysely<Tables>,
  tenant: TenantId,
  name: FunctionName,
  version: number,
): Promise<VersionRecord | undefined> {
  const row = await versionsOf(database, tenant, name).where('version', '=', version).executeTakeFirst()
  return row && versionOf(row)
}

/** Canaries that were ended because they were worse, newest first. */
export async function listRollbacks(
  database: Kysely<Tables>,
  tenant: TenantId,
  name: FunctionName,
): Promise<readonly Rollback[]> {
  const rows = await database
    .selectFrom('rollbacks')
    .innerJoin('functions', 'functions.number', 'rollbacks.function')
    .innerJoin('tenants', 'tenants.number', 'functions.tenant')
    .selectAll('rollbacks')
    .where('tenants.id', '=', tenant)
    .where('functions.name', '=', name)
    .orderBy('rollbacks.number', 'desc')
    .execute()
  return rows.map(({ alias, version, canary, findings, at }) => ({
    alias: alias as AliasName,
    version,
    from: canary,
    findings: JSON.parse(findings) as RollbackFinding[],
    at: epochMillis(at),
  }))
}

/** The code that is kept under an id. */
export async function findArtifact(database: Kysely<Tables>, id: ArtifactId): Promise<Artifact | undefined> {
  const row = await database.selectFrom('artifacts').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined) return undefined
  const modules = new Map(JSON.parse(row.modules) as [string, string][])
  let size = 0
  for (const source of modules.values()) size += Buffer.byteLength(source)
  const language = row.language as Artifact['language']
  return Object.freeze({ id, language, main: row.main, modules, size: bytes(size) })
}

function functionsOf(database: Kysely<Tables>, tenant: TenantId) {
  return database
    .selectFrom('functions')
    .innerJoin('tenants', 'tenants.number', 'functions.tenant')
    .selectAll('functions')
    .where('tenants.id', '=', tenant)
}

function versionsOf(database: Kysely<Tables>, tenant: TenantId, name: FunctionName) {
  return database
    .selectFrom('function_versions')
    .innerJoin('functions', 'functions.number', 'function_versions.function')
    .innerJoin('tenants', 'tenants.number', 'functions.tenant')
    .selectAll('function_versions')
    .where('tenants.id', '=', tenant)
    .where('functions.name', '=', name)
}

/** One query for all the aliases and one for all the newest versions: a list does not get slower a function at a time. */
async function recordsOf(
  database: Kysely<Tables>,
  functions: readonly FunctionsTable[],
): Promise<readonly FunctionRecord[]> {
  const numbers = functions.map(({ number }) => number)
  if (numbers.length === 0) return []
  const aliases = await database
    .selectFrom('aliases')
    .selectAll()
    .where(isOneOf('function', numbers))
    .orderBy('name')
    .execute()
  const newest = await database
    .selectFrom('function_versions')
    .selectAll()
    .where(isOneOf('function', numbers))
    // The newest of each.
    .where(
      sql<boolean>`version = (select max(version) from function_versions other where other.function = function_versions.function)`,
    )
    .execute()
  const byFunction = Map.groupBy(aliases, (alias) => alias.function)
  const versions = new Map(newest.map((row) => [row.function, versionOf(row)]))
  return functions.flatMap(({ number, name, created_at: created, updated_at: updated }) => {
    const latest = versions.get(number)
    if (latest === undefined) return []
    return {
      name: name as FunctionName,
      latest,
      aliases: (byFunction.get(number) ?? []).map(aliasOf),
      createdAt: epochMillis(created),
      updatedAt: epochMillis(updated),
    }
  })
}

function isOneOf(column: string, numbers: readonly number[]) {
  // As one JSON text: the number of parameters is bounded, and each number of them would be another statement.
  return sql<boolean>`${sql.ref(column)} in (select value from json_each(${JSON.stringify(numbers)}))`
}

function versionOf(row: FunctionVersionsTable): VersionRecord {
  return Object.freeze({
    number: row.number,
    version: row.version,
    artifact: row.artifact as ArtifactId,
    size: bytes(row.size),
    config: Object.freeze(JSON.parse(row.config) as FunctionConfig),
    handlers: JSON.parse(row.handlers) as Handler[],
    createdAt: epochMillis(row.created_at),
  })
}

function aliasOf({ name, version, canary, history, updated_at: updated }: AliasesTable): AliasRecord {
  return Object.freeze({
    name: name as AliasName,
    version,
    ...(canary !== null && { canary: JSON.parse(canary) as Canary }),
    history: JSON.parse(history) as number[],
    updatedAt: epochMillis(updated),
  })
}
