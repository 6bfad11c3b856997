import type { EpochMillis } from '../../core/quantity.ts'
import type { TenantRecord } from '../../core/stores.ts'
import { DONE, json } from '../answer.ts'
import type { CellsView, Directory } from '../ports.ts'
import { type Route, jsonBody, route } from '../route.ts'
import { keyList, newKey, tenant, tenantChange, tenantList } from '../schemas.ts'

interface Parts {
  readonly directory: Directory
}

/** Tenants and their keys. */
export function tenantRoutes({ directory }: Parts): readonly Route[] {
  return [...tenants(directory), ...keys(directory)]
}

function tenants(directory: Directory): readonly Route[] {
  const view = (record: TenantRecord): object => viewTenant(record, directory)
  return [
    route({
      method: 'GET',
      path: '/v1/tenants',
      caller: 'admin',
      summary: 'All tenants, by name.',
      answer: { status: 200, description: 'All tenants.', schema: tenantList },
      handle: () => json({ tenants: directory.listTenants().map(view) }),
    }),
    route({
      method: 'PUT',
      path: '/v1/tenants/{tenant}',
      caller: 'admin',
      summary: 'Create a tenant (201), or change what is given of one (200).',
      body: jsonBody(tenantChange, 'optional'),
      answer: { status: 200, description: 'The tenant as it is now.', schema: tenant },
      refusals: ['INVALID_POLICY'],
      async handle({ path, body }) {
        const { record, created } = await directory.putTenant(path.tenant, body)
        return json(view(record), created ? 201 : 200)
      },
    }),
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}',
      caller: 'tenant',
      summary: 'One tenant: its policy, its budget and how its cells fare.',
      answer: { status: 200, description: 'The tenant.', schema: tenant },
      refusals: ['NOT_FOUND'],
      handle: ({ path }) => json(view(directory.getTenant(path.tenant))),
    }),
    route({
      method: 'DELETE',
      path: '/v1/tenants/{tenant}',
      caller: 'admin',
      summary: 'Delete a tenant with its keys and data. The ledger keeps what it was charged.',
      answer: { status: 204, description: 'It is deleted.' },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        await directory.deleteTenant(path.tenant)
        return DONE
      },
    }),
  ]
}

function keys(directory: Directory): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/keys',
      caller: 'admin',
      summary: 'The keys of a tenant: ids and dates, never the keys themselves.',
      answer: { status: 200, description: 'The keys, oldest first.', schema: keyList },
      refusals: ['NOT_FOUND'],
      handle({ path }) {
        const records = directory.listKeys(path.tenant)
        return json({ keys: records.map(({ id, createdAt }) => ({ id, createdAt: timeText(createdAt) })) })
      },
    }),
    route({
      method: 'POST',
      path: '/v1/tenants/{tenant}/keys',
      caller: 'admin',
      summary: 'Make a key. It is shown this once.',
      answer: { status: 201, description: 'The key.', schema: newKey },
      refusals: ['NOT_FOUND', 'CONFLICT'],
      handle: async ({ path }) => json(await directory.createKey(path.tenant), 201),
    }),
    route({
      method: 'DELETE',
      path: '/v1/tenants/{tenant}/keys/{keyId}',
      caller: 'admin',
      summary: 'Revoke a key, at once.',
      answer: { status: 204, description: 'It is revoked.' },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        await directory.deleteKey(path.tenant, path.keyId)
        return DONE
      },
    }),
  ]
}

function viewTenant({ id, policy, budget, createdAt, updatedAt }: TenantRecord, directory: Directory): object {
  return {
    tenant: id,
    // A policy of the tenant's own is kept as JSON text, which no name looks like.
    policy: policy.trimStart().startsWith('{') ? (JSON.parse(policy) as object) : policy,
    budget: directory.viewBudget(budget),
    cells: viewCells(directory.cellsOf(id)),
    createdAt: timeText(createdAt),
    updatedAt: timeText(updatedAt),
  }
}

function viewCells({ deaths, last, backedOffUntil }: CellsView): object {
  return {
    deaths: { total: deaths, ...(last && { lastReason: last.reason, lastAt: timeText(last.at) }) },
    ...(backedOffUntil !== undefined && { backedOffUntil: timeText(backedOffUntil) }),
  }
}

function timeText(at: EpochMillis): string {
  return new Date(at).toISOString()
}
