import type { Clock } from '../core/clock.ts'
import type { DocCollection, DocStore } from '../core/documents.ts'
import { CloisterError, type ErrorCode } from '../core/errors.ts'
import type { TenantId } from '../core/ids.ts'
import type { Grants, Policy } from '../core/policy.ts'
import type { QueueStore } from '../core/queues.ts'
import type { KvEntry, KvStore } from '../core/stores.ts'
import { CapabilityError, type CapabilityErrorCode, type DataCapability } from './capability.ts'
import { collectionNameOf, indexesOf } from './docs-arguments.ts'
import { createDocsCapability } from './docs.ts'
import { createKvCapability } from './kv.ts'
import { createQueuesCapability } from './queues.ts'

interface Parts {
  readonly kv: KvStore
  readonly docs: DocStore
  readonly queues: QueueStore
  readonly clock: Clock
  /** Throws NOT_FOUND, INVALID_POLICY. */
  readonly policyOf: (tenant: TenantId) => Policy
}

/**
 * What a tenant keeps in kv, docs and queues, for its guests and for whoever operates it from outside: there it is checked and bounded
 * by the tenant's grant as a guest's call is, but part of no run, so neither counted nor billed. Every method throws NOT_FOUND
 * if there is no such tenant, and FORBIDDEN if its policy does not grant the capability.
 */
export interface TenantData {
  readonly capabilities: readonly DataCapability[]
  /** Carries out an operation of a guest. Resolves with JSON text, `''` for nothing; throws what it refuses with. */
  perform(tenant: TenantId, operation: string, args: readonly unknown[]): Promise<string>
  findKv(tenant: TenantId, key: string): Promise<KvEntry | undefined>
  collections(tenant: TenantId): Promise<readonly DocCollection[]>
  /** Makes a collection, or changes its indexes to these. */
  declare(tenant: TenantId, name: string, indexes: unknown): Promise<DocCollection>
  /** False if there was no such collection. */
  drop(tenant: TenantId, name: string): Promise<boolean>
}

export function createTenantData({ kv, docs, queues, clock, policyOf }: Parts): TenantData {
  const capabilities: readonly DataCapability[] = [
    createKvCapability({ store: kv, clock }),
    createDocsCapability({ store: docs, clock }),
    createQueuesCapability({ store: queues }),
  ]
  const grantOf = <Name extends keyof Grants>(tenant: TenantId, name: Name): NonNullable<Grants[Name]> => {
    const grant = policyOf(tenant).capabilities[name]
    if (grant !== undefined) return grant as NonNullable<Grants[Name]>
    throw new CloisterError('FORBIDDEN', `the policy of tenant "${tenant}" does not grant ${name}`)
  }
  return {
    capabilities,
    perform: (tenant, operation, args) =>
      outside(async () => {
        const [name, verb = ''] = operation.split('.')
        const capability = capabilities.find((one) => one.name === name)
        const found = capability?.operations.get(verb)
        if (capability === undefined || found === undefined) throw new CloisterError('INTERNAL', operation)
        return found.run({ tenant }, grantOf(tenant, capability.name) as never, args)
      }),
    async findKv(tenant, key) {
      grantOf(tenant, 'kv')
      return kv.get(tenant, key)
    },
    async collections(tenant) {
      grantOf(tenant, 'docs')
      return docs.collections(tenant)
    },
    declare: (tenant, given, indexes) =>
      outside(async () => {
        const grant = grantOf(tenant, 'docs')
        const name = collectionNameOf(given)
        const refused = await docs.declare(tenant, name, { paths: indexesOf(indexes, grant), mode: 'exactly' }, grant)
        if (refused !== undefined) throw new CapabilityError(refused.code, refused.message)
        return (await docs.collection(tenant, name)) ?? { name, documents: 0, storedBytes: 0, indexes: [] }
      }),
    async drop(tenant, name) {
      grantOf(tenant, 'docs')
      return docs.drop(tenant, name)
    },
  }
}

/** What a refusal of a guest's call is called outside. Operations on data refuse with no other code. */
const CODES: Readonly<Partial<Record<CapabilityErrorCode, ErrorCode>>> = {
  INVALID_ARGUMENT: 'INVALID_REQUEST',
  CONFLICT: 'CONFLICT',
  NOT_FOUND: 'NOT_FOUND',
  QUOTA_EXCEEDED: 'QUOTA_EXCEEDED',
  UNAVAILABLE: 'OVERLOADED',
}

async function outside<Value>(action: () => Promise<Value>): Promise<Value> {
  try {
    return await action()
  } catch (error) {
    throw error instanceof CapabilityError ? new CloisterError(CODES[error.code] ?? 'INTERNAL', error.message) : error
  }
}
