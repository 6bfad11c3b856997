import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Deployed } from '../../core/function-store.ts'
import { CloisterError } from '../../core/errors.ts'
import { AliasWriter } from './alias-writer.ts'
import type { CommandInput, FunctionDeploy } from './commands.ts'

/** Artifacts that one step looks after: each may be megabytes. */
const PURGE_STEP = 4

interface FunctionRow {
  readonly number: number
  readonly last_version: number
}

interface VersionRow {
  readonly number: number
  readonly version: number
  readonly artifact: string
  readonly config: string
  readonly size: number
}

/** What a tenant keeps: functions, and the size of all their versions. */
interface Totals {
  readonly count: number
  readonly size: number
}

/** Changes deployed functions inside the writer's transaction: one command at a time, so each is atomic. */
export class FunctionWriter {
  readonly aliases: AliasWriter
  readonly #database: DatabaseSync
  readonly #findTenant: StatementSync
  readonly #find: StatementSync
  readonly #totals: StatementSync
  readonly #countVersions: StatementSync
  readonly #insert: StatementSync
  readonly #touch: StatementSync
  readonly #newest: StatementSync
  readonly #insertArtifact: StatementSync
  readonly #insertVersion: StatementSync
  readonly #spare: StatementSync
  readonly #deleteVersion: StatementSync
  readonly #delete: StatementSync
  readonly #orphans: StatementSync
  readonly #purge: StatementSync
  readonly #forget: StatementSync

  constructor(database: DatabaseSync) {
    this.#database = database
    this.aliases = new AliasWriter(database)
    this.#findTenant = database.prepare('SELECT number FROM tenants WHERE id = ?')
    this.#find = database.prepare('SELECT number, last_version FROM functions WHERE tenant = ? AND name = ?')
    this.#totals = database.prepare(
      `SELECT (SELECT count(*) FROM functions WHERE tenant = ?1) AS count, coalesce(sum(size), 0) AS size
      FROM functions JOIN function_versions ON function_versions.function = functions.number WHERE tenant = ?1`,
    )
    this.#countVersions = database.prepare('SELECT count(*) AS count FROM function_versions WHERE function = ?')
    this.#insert = database.prepare(
      'INSERT INTO functions (tenant, name, created_at, updated_at) VALUES (?, ?, ?, ?) RETURNING number, last_version',
    )
    this.#touch = database.prepare('UPDATE functions SET last_version = ?, updated_at = ? WHERE number = ?')
    this.#newest = database.prepare('SELECT * FROM function_versions WHERE function = ? ORDER BY version DESC LIMIT 1')
    this.#insertArtifact = database.prepare(
      'INSERT INTO artifacts (id, language, main, modules) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING',
    )
    this.#insertVersion = database.prepare(
      `INSERT INTO function_versions (function, version, artifact, config, handlers, size, created_at)
      VALUES (?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#spare = database.prepare(
      `SELECT number, version, size FROM function_versions WHERE function = ?1 AND version NOT IN
        (SELECT version FROM aliases WHERE function = ?1
        UNION SELECT canary ->> 'version' FROM aliases WHERE function = ?1 AND canary IS NOT NULL
        UNION SELECT history ->> '$[#-1]' FROM aliases WHERE function = ?1 AND history <> '[]') ORDER BY version`,
    )
    this.#deleteVersion = database.prepare('DELETE FROM function_versions WHERE number = ?')
    this.#delete = database.prepare(
      'DELETE FROM functions WHERE tenant = (SELECT number FROM tenants WHERE id = ?) AND name = ?',
    )
    this.#orphans = database.prepare(`SELECT id FROM artifact_orphans LIMIT ${PURGE_STEP}`)
    this.#purge = database.prepare(
      'DELETE FROM artifacts WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM function_versions WHERE artifact = ?1)',
    )
    this.#forget = database.prepare('DELETE FROM artifact_orphans WHERE id = ?')
  }

  /** Throws NOT_FOUND if there is no such tenant. What is refused leaves no trace. */
  deploy(input: FunctionDeploy): Deployed {
    const tenant = this.#findTenant.get(input.tenant) as { number: number } | undefined
    if (tenant === undefined) throw new CloisterError('NOT_FOUND', `there is no tenant ${input.tenant}`)
    const found = this.#find.get(tenant.number, input.name) as FunctionRow | undefined
    const newest = found && (this.#newest.get(found.number) as VersionRow | undefined)
    if (found !== undefined && newest?.artifact === input.artifact && newest.config === input.config) {
      this.aliases.publish(found.number, newest.version, input)
      return { outcome: 'unchanged', version: newest.version }
    }
    return this.#withUndo(() => this.#create(input, tenant.number, found))
  }

  delete({ tenant, name }: CommandInput<'function.delete'>): boolean {
    return this.#delete.run(tenant, name).changes !== 0
  }

  /** Removes some code that no version has any more; true if there may be more. */
  purgeArtifacts(): boolean {
    const orphans = this.#orphans.all() as { id: string }[]
    for (const { id } of orphans) {
      this.#purge.run(id)
      this.#forget.run(id)
    }
    return orphans.length === PURGE_STEP
  }

  #create(input: FunctionDeploy, tenant: number, found: FunctionRow | undefined): Deployed {
    const { number, last_version: last } =
      found ?? (this.#insert.get(tenant, input.name, input.now, input.now) as unknown as FunctionRow)
    const version = last + 1
    this.#insertArtifact.run(input.artifact, input.language, input.main, input.modules)
    this.#insertVersion.run(number, version, input.artifact, input.config, input.handlers, input.size, input.now)
    this.#touch.run(version, input.now, number)
    this.aliases.publish(number, version, input)
    const { count, size } = this.#makeRoom(number, version, {
      ...input,
      totals: this.#totals.get(tenant) as unknown as Totals,
    })
    if (count > input.countMax) return { outcome: 'quota-exceeded', quota: 'count', needed: count }
    if (size > input.bytesMax) return { outcome: 'quota-exceeded', quota: 'storedBytes', needed: size }
    return { outcome: 'created', version }
  }

  /** Removes versions that no alias needs, the oldest first, until the quota is met or none is left. */
  #makeRoom(
    number: number,
    newest: number,
    { versionsMax, bytesMax, totals }: FunctionDeploy & { totals: Totals },
  ): Totals {
    let { count: versions } = this.#countVersions.get(number) as { count: number }
    let { size } = totals
    for (const spare of this.#spare.all(number) as unknown as readonly VersionRow[]) {
      if (versions <= versionsMax && size <= bytesMax) break
      if (spare.version === newest) continue
      this.#deleteVersion.run(spare.number)
      versions -= 1
      size -= spare.size
    }
    return { count: totals.count, size }
  }

  /** What is over a quota is only known when everything is in place. */
  #withUndo(change: () => Deployed): Deployed {
    this.#database.exec('SAVEPOINT deploy')
    try {
      const deployed = change()
      this.#database.exec(
        deployed.outcome === 'quota-exceeded' ? 'ROLLBACK TO deploy; RELEASE deploy' : 'RELEASE deploy',
      )
      return deployed
    } catch (thrown) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK TO deploy; RELEASE deploy')
      throw thrown
    }
  }
}
