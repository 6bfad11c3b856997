import { json } from '../answer.ts'
import type { Exposition, Health } from '../ports.ts'
import { type Route, route } from '../route.ts'
import * as schemas from '../schemas.ts'

interface Parts {
  readonly health: () => Health
  readonly draining: () => boolean
  readonly metrics: Exposition
  /** Of all routes, these among them. */
  readonly openApi: () => object
}

/** What whoever operates the host asks of it. Nothing here tells one tenant from another. */
export function operationRoutes({ health, draining, metrics, openApi }: Parts): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/healthz',
      caller: 'public',
      summary: 'Whether the process lives.',
      answer: { status: 200, description: 'It does.', schema: schemas.health },
      handle: () => json({ status: 'ok' }),
    }),
    route({
      method: 'GET',
      path: '/readyz',
      caller: 'public',
      summary: 'Whether runs can start: 200 once blank cells are up, 503 while the host starts or drains.',
      answer: { status: 200, description: 'They can.', schema: schemas.readiness },
      handle() {
        const { ready, walls, blankCells } = health()
        const status = draining() ? 'draining' : ready ? 'ready' : 'starting'
        return json({ status, walls, blankCells }, status === 'ready' ? 200 : 503)
      },
    }),
    route({
      method: 'GET',
      path: '/metrics',
      caller: 'public',
      summary: 'Measurements of the host, in the text format of Prometheus.',
      answer: { status: 200, description: 'The measurements.', otherTypes: ['text/plain'] },
      handle: async () => ({ status: 200, type: metrics.contentType, body: await metrics.expose() }),
    }),
    route({
      method: 'GET',
      path: '/openapi.json',
      caller: 'public',
      summary: 'This document.',
      answer: { status: 200, description: 'OpenAPI 3.1.', schema: schemas.report },
      handle: () => json(openApi()),
    }),
  ]
}
