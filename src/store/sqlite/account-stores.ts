import type { Kysely } from 'kysely'
import type { KeyStore, TenantStore } from '../../core/stores.ts'
import { listKeys, listTenants } from '../account-queries.ts'
import { encodeBudget } from '../budget-text.ts'
import { reading } from '../reading.ts'
import type { Tables } from '../schema.ts'
import type { WriteQueue } from './write-queue.ts'

interface Parts {
  readonly queue: WriteQueue
  readonly database: Kysely<Tables>
}

/** Tenants. Deleting one takes its data out of sight at once and resolves when it is gone. */
export function createTenantStore({ queue, database }: Parts): TenantStore {
  return {
    put: ({ id, policy, budget, env = {}, createdAt, updatedAt }) =>
      queue.write('tenant.put', {
        id,
        policy,
        budget: encodeBudget(budget),
        env: JSON.stringify(env),
        createdAt,
        updatedAt,
      }),
    delete: async (id) => {
      const isDeleted = await queue.write('tenant.delete', { id })
      // In steps, so that other writes get in between. What a crash leaves over, a sweep removes.
      while (isDeleted && (await queue.write('kv.purge', {}))) continue
      return isDeleted
    },
    list: () => reading(() => listTenants(database)),
  }
}

/** API keys. Putting one for a tenant that does not exist rejects with NOT_FOUND. */
export function createKeyStore({ queue, database }: Parts): KeyStore {
  return {
    put: ({ id, tenant, hash, createdAt }) => queue.write('key.put', { id, tenant, hash, createdAt }),
    delete: (tenant, id) => queue.write('key.delete', { tenant, id }),
    list: () => reading(() => listKeys(database)),
  }
}
