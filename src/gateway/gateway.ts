import type { AddressInfo } from 'node:net'
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import type { z } from 'zod'
import type { FunctionConfig } from '../core/function-store.ts'
import type { Executions } from '../core/durable.ts'
import type { BlobUrls } from '../core/blob-urls.ts'
import type { AuthStore } from '../core/auth.ts'
import type { Clock } from '../core/clock.ts'
import type { BlobStore } from '../core/blobs.ts'
import type { Tail } from '../core/log-tail.ts'
import type { Bytes } from '../core/quantity.ts'
import type { QueueStore } from '../core/queues.ts'
import { BodyReader } from './body-reader.ts'
import type { Calls, DeadLetters, Schedules } from './event-ports.ts'
import { HTTP_LIMITS, type HttpLimits } from './http-limits.ts'
import { describeApi } from './openapi.ts'
import { Pace } from './pace.ts'
import type * as ports from './ports.ts'
import { createReception } from './reception.ts'
import { createRequestIds } from './request-ids.ts'
import type { Route } from './route.ts'
import { createRunDoor } from './run/door.ts'
import { readFunctionHosts } from './run/hosts.ts'
import type { ForwardedTrust } from './run/request.ts'
import type { RunOrigin } from './run/responder.ts'
import { createRouter } from './router.ts'
import type { Webhooks } from './webhook-ports.ts'
import { accountRoutes } from './routes/accounts.ts'
import { aliasRoutes } from './routes/aliases.ts'
import { deadLetterRoutes } from './routes/dead-letters.ts'
import { docRoutes } from './routes/docs.ts'
import { envRoutes } from './routes/env.ts'
import { executionRoutes } from './routes/executions.ts'
import { functionRoutes } from './routes/functions.ts'
import { invokeRoutes } from './routes/invoke.ts'
import { blobRoutes } from './routes/blobs.ts'
import { operationRoutes } from './routes/operations.ts'
import { queueRoutes } from './routes/queues.ts'
import { logRoutes } from './routes/logs.ts'
import { kvRoutes } from './routes/kv.ts'
import { executeRoute, runRoutes } from './routes/runs.ts'
import { scheduleRoutes } from './routes/schedules.ts'
import { secretRoutes } from './routes/secrets.ts'
import { sqlRoutes } from './routes/sql.ts'
import { tenantRoutes } from './routes/tenants.ts'
import { userRoutes } from './routes/users.ts'
import { webhookRoutes } from './routes/webhooks.ts'

export interface GatewayParts {
  readonly gatekeeper: ports.Gatekeeper
  readonly directory: ports.Directory
  readonly artifacts: ports.Artifacts
  readonly execute: ports.Execute
  readonly functions: ports.Functions
  readonly executions: Executions
  readonly calls: Calls
  readonly schedules: Schedules
  readonly deadLetters: DeadLetters
  /** What a function's configuration must look like. */
  readonly functionConfig: z.ZodType<FunctionConfig>
  readonly accounts: ports.Accounts
  readonly runs: ports.Runs
  readonly tail: Tail
  readonly blobs: Pick<BlobStore, 'open' | 'begin' | 'list' | 'delete'>
  readonly blobUrls: Pick<BlobUrls, 'check'>
  readonly queues: Pick<QueueStore, 'put' | 'list' | 'find' | 'delete' | 'peek' | 'purge'>
  readonly users: AuthStore
  readonly tokens: ports.TokenChecks
  readonly clock: Clock
  readonly databases: ports.Databases
  readonly secrets: ports.Secrets
  readonly webhooks: Webhooks
  readonly data: ports.Data
  readonly health: () => ports.Health
  /** Whether the host is shutting down. Asked at every answer. */
  readonly draining: () => boolean
  readonly metrics: ports.Exposition
  readonly log: ports.Log
  /** Whose word counts for who an HTTP trigger's client is, and whether tenants share the origin of their functions. */
  readonly forwarded: ForwardedTrust
  readonly functionOrigin: RunOrigin
  /** `host=tenant/function,…`. */
  readonly functionHosts?: string | undefined
  /** Of the program, for the API's document. */
  readonly version: string
  /** Longest body of a request. */
  readonly bodySizeMax: Bytes
  /** Bounds of connections that should differ from {@link HTTP_LIMITS}. */
  readonly limits?: Partial<HttpLimits>
}

export interface Gateway {
  /** The router. Routes of other parts can be added to it until it listens. */
  readonly app: FastifyInstance
  /** Opens the door. Rejects with Node's own error when the address cannot be had. Port 0 takes a free one. */
  listen(address: { readonly host: string; readonly port: number }): Promise<{ readonly url: string }>
  /** Answers one request without a socket, by the same code. */
  inject(request: InjectOptions): Promise<LightMyRequestResponse>
  /** Takes no more connections, lets answers that are on their way out go, and cuts what is left after a grace. */
  close(): Promise<void>
}

/** Puts the doors up. Nothing listens yet. */
export function createGateway(parts: GatewayParts): Gateway {
  const limits = { ...HTTP_LIMITS, ...parts.limits }
  const pace = new Pace(limits.turnSize)
  const bodies = new BodyReader({
    pace,
    sizeMax: parts.bodySizeMax,
    arrivingMax: limits.arrivingSize,
    discardMax: limits.discardedSize,
  })
  let closing = false
  const ending = (): boolean => closing || parts.draining()
  const newRequestId = createRequestIds()
  const reception = createReception({ ...parts, bodies, ending, newRequestId })
  const { forwarded: trust, functionOrigin: origin } = parts
  const door = createRunDoor({ ...parts, bodies, ending, newRequestId, trust, origin })
  const { routes, execute } = createRoutes(parts)
  const app = createRouter({
    reception,
    limits,
    pace,
    routes,
    busiest: execute,
    door,
    hosts: readFunctionHosts(parts.functionHosts, trust),
  })
  return {
    app,
    async listen({ host, port }) {
      await app.listen({ host, port })
      return { url: urlOf(app.server.address() as AddressInfo) }
    },
    inject: (request) => app.inject(request),
    async close() {
      closing = true
      const cut = setTimeout(() => app.server.closeAllConnections(), limits.closeGrace)
      await app.close().finally(() => clearTimeout(cut))
    },
  }
}

function createRoutes(parts: GatewayParts): { readonly routes: readonly Route[]; readonly execute: Route } {
  const execute = executeRoute(parts)
  let openApi: object | undefined
  const routes: readonly Route[] = [
    execute,
    ...runRoutes(parts),
    ...logRoutes(parts),
    ...functionRoutes(parts),
    ...invokeRoutes(parts),
    ...deadLetterRoutes(parts),
    ...scheduleRoutes(parts),
    ...aliasRoutes(parts),
    ...executionRoutes(parts),
    ...accountRoutes(parts),
    ...tenantRoutes(parts),
    ...blobRoutes(parts),
    ...queueRoutes(parts),
    ...userRoutes(parts),
    ...sqlRoutes(parts),
    ...secretRoutes(parts),
    ...webhookRoutes(parts),
    ...envRoutes(parts),
    ...kvRoutes(parts),
    ...docRoutes(parts),
    ...operationRoutes({ ...parts, openApi: () => (openApi ??= describeApi(routes, parts.version)) }),
  ]
  return { routes, execute }
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}
