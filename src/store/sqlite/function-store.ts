import type { Kysely } from 'kysely'
import type { FunctionStore } from '../../core/function-store.ts'
import {
  findArtifact,
  findFunction,
  findVersion,
  listFunctions,
  listRollbacks,
  listVersions,
} from '../function-queries.ts'
import { reading } from '../reading.ts'
import type { Tables } from '../schema.ts'
import type { WriteQueue } from './write-queue.ts'

interface Parts {
  readonly queue: WriteQueue
  readonly database: Kysely<Tables>
}

/** Deployed functions. Code that nobody needs any more goes with the change that left it over. */
export function createFunctionStore({ queue, database }: Parts): FunctionStore {
  const purging = async <Value>(change: Promise<Value>): Promise<Value> => {
    const value = await change
    // In steps, so that other writes get in between. What a crash leaves over, a sweep removes.
    while (await queue.write('artifacts.purge', {})) continue
    return value
  }
  return {
    deploy: (tenant, { name, artifact, config, handlers, publish, now }, quota) =>
      purging(
        queue.write('function.deploy', {
          tenant,
          name,
          artifact: artifact.id,
          language: artifact.language,
          main: artifact.main,
          modules: JSON.stringify([...artifact.modules]),
          size: artifact.size,
          config: JSON.stringify(config),
          handlers: JSON.stringify(handlers),
          publish: publish ?? null,
          now,
          countMax: quota.count,
          versionsMax: quota.versions,
          bytesMax: quota.storedBytes,
        }),
      ),
    list: (tenant) => reading(() => listFunctions(database, tenant)),
    find: (tenant, name) => reading(() => findFunction(database, tenant, name)),
    versions: (tenant, name) => reading(() => listVersions(database, tenant, name)),
    findVersion: (tenant, name, version) => reading(() => findVersion(database, tenant, name, version)),
    findArtifact: (id) => reading(() => findArtifact(database, id)),
    delete: (tenant, name) => purging(queue.write('function.delete', { tenant, name })),
    setAlias: (tenant, { name, alias, version, canary, now }) =>
      queue.write('alias.set', {
        tenant,
        name,
        alias,
        version,
        canary: canary === undefined ? null : JSON.stringify(canary),
        now,
      }),
    deleteAlias: (tenant, name, alias) => queue.write('alias.delete', { tenant, name, alias }),
    endCanary: (tenant, name, { alias, version, from, findings, at }) =>
      queue.write('alias.end-canary', {
        tenant,
        name,
        alias,
        version,
        from,
        findings: JSON.stringify(findings),
        now: at,
      }),
    rollbacks: (tenant, name) => reading(() => listRollbacks(database, tenant, name)),
    rollBack: (tenant, name, alias, now) => queue.write('alias.roll-back', { tenant, name, alias, now }),
  }
}
