import { expect, test } from 'vitest'
import { ERRORS } from '../../src/core/errors.ts'
import { openGateway } from './world.ts'

test('the process is healthy as long as it answers, and ready once cells are up', async () => {
  const world = await openGateway()
  for (const status of ['starting', 'ready', 'draining'] as const) {
    world.health = { ready: status !== 'starting', walls: 'B', blankCells: 2 }
    world.draining = status === 'draining'
    const alive = await world.call('GET', '/healthz', { key: null })
    const ready = await world.call('GET', '/readyz', { key: null })
    expect([alive.status, ready.status]).toEqual([200, status === 'ready' ? 200 : 503])
    expect(await ready.json()).toEqual({ status, walls: 'B', blankCells: 2 })
  }
})

test('measurements are text, for anybody on this side of the door', async () => {
  const world = await openGateway()
  const response = await world.call('GET', '/metrics', { key: null })
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4')
  expect(await response.text()).toContain('cloister_runs_total 1')
})

interface Operation {
  readonly security: readonly unknown[]
  readonly parameters: readonly { readonly name: string; readonly in: string }[]
  readonly requestBody?: { readonly required: boolean; readonly content: object }
  readonly responses: Record<string, { readonly description: string }>
}
type Document = {
  readonly openapi: string
  readonly info: object
  readonly paths: Record<string, Record<string, Operation>>
}

async function fetchDocument(): Promise<{
  document: Document
  statusOf: (method: string, path: string) => Promise<number>
}> {
  const world = await openGateway()
  const document = (await (await world.call('GET', '/openapi.json', { key: null })).json()) as Document
  const statusOf = async (method: string, path: string) => (await world.call(method, path, { key: null })).status
  return { document, statusOf }
}

test('the document names every route, and every route it names is there', async () => {
  const { document, statusOf } = await fetchDocument()
  expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'Cloister', version: '1.2.3' } })
  expect(Object.keys(document.paths).toSorted()).toEqual([
    '/blobs/{tenant}/{blobKey}',
    '/healthz',
    '/metrics',
    '/openapi.json',
    '/readyz',
    '/run/{tenant}/{function}/{path}',
    '/v1/tenants',
    '/v1/tenants/{tenant}',
    '/v1/tenants/{tenant}/bill',
    '/v1/tenants/{tenant}/bill/explain',
    '/v1/tenants/{tenant}/bill/records',
    '/v1/tenants/{tenant}/bill/simulate',
    '/v1/tenants/{tenant}/bill/verify',
    '/v1/tenants/{tenant}/blobs',
    '/v1/tenants/{tenant}/blobs/{blobKey}',
    '/v1/tenants/{tenant}/budget',
    '/v1/tenants/{tenant}/dead-letters',
    '/v1/tenants/{tenant}/dead-letters/replay',
    '/v1/tenants/{tenant}/dead-letters/{letter}',
    '/v1/tenants/{tenant}/dead-letters/{letter}/replay',
    '/v1/tenants/{tenant}/docs',
    '/v1/tenants/{tenant}/docs/{collection}',
    '/v1/tenants/{tenant}/docs/{collection}/{id}',
    '/v1/tenants/{tenant}/env',
    '/v1/tenants/{tenant}/env/{variable}',
    '/v1/tenants/{tenant}/execute',
    '/v1/tenants/{tenant}/executions',
    '/v1/tenants/{tenant}/executions/{runId}',
    '/v1/tenants/{tenant}/executions/{runId}/cancel',
    '/v1/tenants/{tenant}/executions/{runId}/events/{event}',
    '/v1/tenants/{tenant}/functions',
    '/v1/tenants/{tenant}/functions/{function}',
    '/v1/tenants/{tenant}/functions/{function}/aliases/{alias}',
    '/v1/tenants/{tenant}/functions/{function}/executions',
    '/v1/tenants/{tenant}/functions/{function}/invoke',
    '/v1/tenants/{tenant}/functions/{function}/rollback',
    '/v1/tenants/{tenant}/functions/{function}/rollbacks',
    '/v1/tenants/{tenant}/functions/{function}/versions',
    '/v1/tenants/{tenant}/jwks',
    '/v1/tenants/{tenant}/keys',
    '/v1/tenants/{tenant}/keys/{keyId}',
    '/v1/tenants/{tenant}/kv',
    '/v1/tenants/{tenant}/kv/{key}',
    '/v1/tenants/{tenant}/logs',
    '/v1/tenants/{tenant}/queues',
    '/v1/tenants/{tenant}/queues/{queue}',
    '/v1/tenants/{tenant}/queues/{queue}/messages',
    '/v1/tenants/{tenant}/runs',
    '/v1/tenants/{tenant}/runs/{runId}',
    '/v1/tenants/{tenant}/schedules',
    '/v1/tenants/{tenant}/schedules/{schedule}',
    '/v1/tenants/{tenant}/schedules/{schedule}/run',
    '/v1/tenants/{tenant}/secrets',
    '/v1/tenants/{tenant}/secrets/{secretName}',
    '/v1/tenants/{tenant}/sql',
    '/v1/tenants/{tenant}/sql/{databaseName}',
    '/v1/tenants/{tenant}/sql/{databaseName}/test',
    '/v1/tenants/{tenant}/usage',
    '/v1/tenants/{tenant}/users',
    '/v1/tenants/{tenant}/users/{userId}',
    '/v1/tenants/{tenant}/users/{userId}/sessions',
    '/v1/tenants/{tenant}/webhooks',
    '/v1/tenants/{tenant}/webhooks/{webhookName}',
    '/v1/tenants/{tenant}/webhooks/{webhookName}/deliveries',
    '/v1/tenants/{tenant}/webhooks/{webhookName}/test',
  ])
  for (const [path, operations] of Object.entries(document.paths)) {
    // What a function answers is its own affair.
    if (path.startsWith('/run/')) continue
    for (const [method, { security }] of Object.entries(operations)) {
      const status = await statusOf(method.toUpperCase(), path.replaceAll(/\{\w+\}/g, 'acme'))
      // A signed URL without its signature is no request.
      const open = path.startsWith('/blobs/') ? 400 : 200
      expect([path, method, status]).toEqual([path, method, security.length === 0 ? open : 401])
    }
  }
})

test('a route is described by the rows that serve it: parameters, body, answers and every refusal', async () => {
  const { document } = await fetchDocument()
  const execute = document.paths['/v1/tenants/{tenant}/execute']!.post!
  expect(execute.parameters).toMatchObject([{ name: 'tenant', in: 'path', required: true }])
  expect(execute.requestBody).toMatchObject({
    required: true,
    content: {
      'application/json': { schema: { additionalProperties: false, properties: { timeoutMs: { type: 'number' } } } },
    },
  })
  const refusals = ['401', '402', '403', '404', '413', '415', '429', '500', '503'].map(
    (status) => execute.responses[status]?.description,
  )
  expect(refusals.join(' ')).toContain(`BUDGET_EXCEEDED: ${ERRORS.BUDGET_EXCEEDED.when}`)
  expect(refusals).not.toContain(undefined)
  const runs = document.paths['/v1/tenants/{tenant}/runs']!.get!
  expect(runs.parameters.map(({ name }) => name)).toEqual([
    'tenant',
    'status',
    'function',
    'from',
    'to',
    'before',
    'limit',
  ])
  const bill = document.paths['/v1/tenants/{tenant}/bill']!.get!
  expect(bill.responses['200']).toMatchObject({ content: { 'application/json': {}, 'text/csv': {} } })
})
