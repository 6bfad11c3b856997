import { BINDING_CAPABILITIES, kindOf } from '../core/binding.ts'
import type { Clock } from '../core/clock.ts'
import { CloisterError } from '../core/errors.ts'
import { emit } from '../core/events.ts'
import type { FunctionTarget } from '../core/function-request.ts'
import type {
  AliasRecord,
  Canary,
  Deployed,
  FunctionConfig,
  FunctionRecord,
  FunctionStore,
  Rollback,
  VersionRecord,
} from '../core/function-store.ts'
import { type AliasName, type FunctionName, type TenantId, parseAliasName } from '../core/ids.ts'
import type { FunctionQuota, Grants } from '../core/policy.ts'
import type { Bytes } from '../core/quantity.ts'
import type { Artifact } from '../core/run.ts'
import { chooseVersion } from './canary.ts'
import type { CanaryWatch } from './canary-watch.ts'
import type { LoadCode } from './load-code.ts'
import { type LoadedVersion, VersionCache } from './version-cache.ts'

/** A version that is to run. */
export interface ResolvedFunction extends LoadedVersion {
  readonly name: FunctionName
}

/** A deployment as it is asked for. */
export interface NewVersion {
  readonly artifact: Artifact
  readonly config: FunctionConfig
  /** Whether the alias `live` is to name it. */
  readonly publish: 'live' | 'later'
}

/** Deployed functions of all tenants. Everything about a function that is not there rejects with NOT_FOUND. */
export interface FunctionDirectory {
  /**
   * Loads the code once and stores it as a new version; code and configuration equal to the newest version's are that
   * version. Rejects as {@link LoadCode} does, and with QUOTA_EXCEEDED.
   */
  deploy(
    tenant: TenantId,
    name: FunctionName,
    wanted: NewVersion,
  ): Promise<{ readonly version: number; readonly created: boolean }>
  /** Finds what a call runs, from memory if it was called before. */
  resolve(tenant: TenantId, name: FunctionName, target: FunctionTarget): Promise<ResolvedFunction>
  list(tenant: TenantId): Promise<readonly FunctionRecord[]>
  get(tenant: TenantId, name: FunctionName): Promise<FunctionRecord>
  /** Newest first. */
  versions(tenant: TenantId, name: FunctionName): Promise<readonly VersionRecord[]>
  /** Deletes all versions and aliases. Runs in progress end as they would. */
  delete(tenant: TenantId, name: FunctionName): Promise<void>
  alias(tenant: TenantId, name: FunctionName, alias: AliasName): Promise<AliasRecord>
  /** Moves an alias, or makes it: the next call goes where it says. Rejects with CONFLICT past 20 aliases. */
  setAlias(
    tenant: TenantId,
    name: FunctionName,
    alias: AliasName,
    to: { readonly version: number; readonly canary?: Canary },
  ): Promise<AliasRecord>
  deleteAlias(tenant: TenantId, name: FunctionName, alias: AliasName): Promise<void>
  /** Ends the alias's canary if it has one, else goes back to the version that it named before. Rejects with CONFLICT. */
  rollBack(
    tenant: TenantId,
    name: FunctionName,
    alias: AliasName,
  ): Promise<{ readonly version: number; readonly from: number }>
  /** Ends a canary that is worse. False if it had ended before. */
  endCanary(tenant: TenantId, name: FunctionName, rollback: Omit<Rollback, 'at'>): Promise<boolean>
  /** Canaries that ended so, newest first. */
  rollbacks(tenant: TenantId, name: FunctionName): Promise<readonly Rollback[]>
  /** A tenant is gone. */
  forgetTenant(tenant: TenantId): void
}

interface Parts {
  readonly clock: Clock
  readonly store: FunctionStore
  readonly load: LoadCode
  /** Told of each call by an alias. */
  readonly watch: Pick<CanaryWatch, 'called' | 'forget'>
  /** What the code of versions may take in memory together. */
  readonly cacheSize: Bytes
}

/** What calls mean that name no version and no alias. */
export const LIVE = parseAliasName('live') as AliasName

export function createFunctionDirectory({ clock, store, load, watch, cacheSize }: Parts): FunctionDirectory {
  const cache = new VersionCache({ store, size: cacheSize })
  const get = async (tenant: TenantId, name: FunctionName): Promise<FunctionRecord> => {
    const found = await cache.function(tenant, name)
    if (found === undefined) throw noSuchFunction(tenant, name)
    return found
  }
  const choose = (tenant: TenantId, found: FunctionRecord, alias: AliasName, call: FunctionTarget): number => {
    const chosen = chooseVersion(found, alias, call)
    const called = found.aliases.find((each) => each.name === alias)
    if (called?.canary !== undefined) watch.called(tenant, found.name, called)
    return chosen
  }
  return {
    async deploy(tenant, name, { artifact, config, publish }) {
      const { handlers, quota, grants } = await load(tenant, artifact)
      requireGrants(config, grants)
      const to = publish === 'live' ? { publish: LIVE } : {}
      const deployed = await store.deploy(tenant, { name, artifact, config, handlers, now: clock.now(), ...to }, quota)
      cache.forget(tenant, name)
      if (deployed.outcome === 'quota-exceeded') throw quotaExceeded(deployed, quota)
      return { version: deployed.version, created: deployed.outcome === 'created' }
    },
    async resolve(tenant, name, { version, alias = LIVE, ...call }) {
      const wanted = version ?? choose(tenant, await get(tenant, name), alias, call)
      const found = await cache.version(tenant, name, wanted)
      if (found !== undefined) return { ...found, name }
      await get(tenant, name)
      throw new CloisterError('NOT_FOUND', `function "${name}" has no version ${wanted}`)
    },
    list: (tenant) => store.list(tenant),
    get,
    async versions(tenant, name) {
      await get(tenant, name)
      return store.versions(tenant, name)
    },
    async delete(tenant, name) {
      const existed = await store.delete(tenant, name)
      cache.forget(tenant, name)
      if (!existed) throw noSuchFunction(tenant, name)
    },
    ...aliasesOf({ clock, store, cache, watch, get }),
    forgetTenant: (tenant) => cache.forgetTenant(tenant),
  }
}

interface AliasParts {
  readonly clock: Clock
  readonly store: FunctionStore
  readonly cache: VersionCache
  readonly watch: Pick<CanaryWatch, 'forget'>
  readonly get: FunctionDirectory['get']
}

type Aliases = Pick<FunctionDirectory, 'alias' | 'setAlias' | 'deleteAlias' | 'rollBack' | 'endCanary' | 'rollbacks'>

function aliasesOf({ clock, store, cache, watch, get }: AliasParts): Aliases {
  const find = async (tenant: TenantId, name: FunctionName, alias: AliasName): Promise<AliasRecord> => {
    const found = (await get(tenant, name)).aliases.find((each) => each.name === alias)
    if (found === undefined) throw noSuchAlias(name, alias)
    return found
  }
  return {
    alias: find,
    async setAlias(tenant, name, alias, { version, canary }) {
      const change = { name, alias, version, now: clock.now(), ...(canary && { canary }) }
      const outcome = await store.setAlias(tenant, change)
      cache.forget(tenant, name)
      if (outcome === 'done') return find(tenant, name, alias)
      if (outcome === 'no-function') throw noSuchFunction(tenant, name)
      if (outcome === 'too-many')
        throw new CloisterError('CONFLICT', `function "${name}" has 20 aliases, the most it may have`)
      const either =
        canary === undefined ? `no version ${version}` : `not both version ${version} and ${canary.version}`
      throw new CloisterError('NOT_FOUND', `function "${name}" has ${either}`)
    },
    async deleteAlias(tenant, name, alias) {
      const existed = await store.deleteAlias(tenant, name, alias)
      cache.forget(tenant, name)
      if (!existed) throw noSuchAlias(name, alias)
    },
    async endCanary(tenant, name, given) {
      const rollback = { ...given, at: clock.now() }
      const hasEnded = await store.endCanary(tenant, name, rollback)
      cache.forget(tenant, name)
      if (hasEnded) emit('canary.rolled-back', { tenant, function: name, rollback })
      return hasEnded
    },
    async rollbacks(tenant, name) {
      await get(tenant, name)
      return store.rollbacks(tenant, name)
    },
    async rollBack(tenant, name, alias) {
      const back = await store.rollBack(tenant, name, alias, clock.now())
      cache.forget(tenant, name)
      watch.forget(tenant, name, alias)
      if (back.outcome === 'done') return { version: back.version, from: back.from }
      await find(tenant, name, alias)
      throw new CloisterError('CONFLICT', `alias "${alias}" of function "${name}" has no version to go back to`)
    },
  }
}

function noSuchAlias(name: FunctionName, alias: AliasName): CloisterError {
  return new CloisterError('NOT_FOUND', `function "${name}" has no alias "${alias}"`)
}

function noSuchFunction(tenant: TenantId, name: FunctionName): CloisterError {
  return new CloisterError('NOT_FOUND', `tenant "${tenant}" has no function "${name}"`)
}

/** Faults of a configuration that only the tenant's policy tells. */
function requireGrants({ bind = {} }: FunctionConfig, grants: Grants): void {
  const faults = Object.entries(bind).flatMap(([name, binding]) => {
    const needed = BINDING_CAPABILITIES[kindOf(binding)]
    return grants[needed] === undefined ? [`config.bind.${name}: the policy does not grant ${needed}`] : []
  })
  if (faults.length > 0) throw new CloisterError('INVALID_REQUEST', faults.join('; '))
}

type Exceeded = Deployed & { readonly outcome: 'quota-exceeded' }

function quotaExceeded({ quota, needed }: Exceeded, bounds: FunctionQuota): CloisterError {
  const what =
    quota === 'storedBytes'
      ? `the tenant's versions would have ${needed} bytes of code`
      : `the tenant would have ${needed} functions`
  return new CloisterError('QUOTA_EXCEEDED', `${what}; functions.${quota} of the policy allows ${bounds[quota]}`)
}
