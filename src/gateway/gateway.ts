import {
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
  createServer as createHttp,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import fastify, {
  type FastifyInstance,
  type HTTPMethods,
  type InjectOptions,
  type LightMyRequestResponse,
} from 'fastify'
import { CloisterError, asCloisterError } from '../core/errors.ts'
import type { Bytes } from '../core/quantity.ts'
import { BodyReader } from './body-reader.ts'
import { HTTP_LIMITS, type HttpLimits } from './http-limits.ts'
import { describeApi } from './openapi.ts'
import type * as ports from './ports.ts'
import { refuseConnection } from './refusal.ts'
import { createRequestIds } from './request-ids.ts'
import type { Route } from './route.ts'
import { accountRoutes } from './routes/accounts.ts'
import { operationRoutes } from './routes/operations.ts'
import { executeRoute, runRoutes } from './routes/runs.ts'
import { tenantRoutes } from './routes/tenants.ts'
import { type Server, createServer } from './serve.ts'

export interface GatewayParts {
  readonly gatekeeper: ports.Gatekeeper
  readonly directory: ports.Directory
  readonly artifacts: ports.Artifacts
  readonly execute: ports.Execute
  readonly accounts: ports.Accounts
  readonly runs: ports.Runs
  readonly health: () => ports.Health
  readonly metrics: ports.Exposition
  readonly log: ports.Log
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
  const bodies = new BodyReader({
    sizeMax: parts.bodySizeMax,
    arrivingMax: limits.arrivingSize,
    discardMax: limits.discardedSize,
  })
  let closing = false
  const ending = (): boolean => closing || parts.health().status === 'draining'
  const server = createServer({ ...parts, bodies, ending, newRequestId: createRequestIds() })
  const { routes, execute } = createRoutes(parts)
  const app = createRouter(limits, server, execute)
  addRoutes(app, server, routes)
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
    ...accountRoutes(parts),
    ...tenantRoutes(parts),
    ...operationRoutes({ ...parts, openApi: () => (openApi ??= describeApi(routes, parts.version)) }),
  ]
  return { routes, execute }
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void

function createRouter(limits: HttpLimits, server: Server, execute: Route): FastifyInstance {
  return fastify({
    logger: false,
    requestIdHeader: false,
    // Admission says DRAINING, in the API's own words.
    return503OnClosing: false,
    routerOptions: { maxParamLength: limits.headersSize },
    frameworkErrors(error, _request, reply) {
      reply.hijack()
      server.refuse(routerError(error), reply.raw)
    },
    clientErrorHandler: refuseConnection,
    serverFactory: (router) => createHttpServer(limits, expressLane(router, server, execute)),
  })
}

function createHttpServer(limits: HttpLimits, listener: Listener): HttpServer {
  const server = createHttp(
    {
      headersTimeout: limits.headersTimeout,
      requestTimeout: limits.requestTimeout,
      keepAliveTimeout: limits.keepAliveTimeout,
      connectionsCheckingInterval: limits.checkInterval,
      maxHeaderSize: limits.headersSize,
    },
    listener,
  )
  server.maxConnections = limits.connections
  server.timeout = limits.socketTimeout
  return server
}

const EXECUTE = /^\/v1\/tenants\/([a-z0-9-]+)\/execute$/

/**
 * Takes the one path that is called all the time past the router, whose request and reply objects cost more than all our
 * own checks. The router has the same route too: for injected requests, and for spellings that this does not know.
 */
function expressLane(router: Listener, server: Server, execute: Route): Listener {
  return (request, response) => {
    const tenant = request.method === 'POST' ? EXECUTE.exec(request.url ?? '')?.[1] : undefined
    if (tenant === undefined) router(request, response)
    else void server.serve(execute, request, response, { tenant })
  }
}

const METHODS: readonly HTTPMethods[] = ['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS']

function addRoutes(app: FastifyInstance, server: Server, routes: readonly Route[]): void {
  // Bodies are read by the route, after it is known who asks; the router must leave them alone.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  for (const [path, rows] of Map.groupBy(routes, (route) => route.path)) {
    const url = path.replaceAll(/\{(\w+)\}/g, ':$1')
    for (const row of rows) {
      app.route({
        method: row.method,
        url,
        handler(request, reply) {
          reply.hijack()
          void server.serve(row, request.raw, reply.raw, request.params as Record<string, string>)
        },
      })
    }
    refuseOtherMethods(app, server, url, rows)
  }
  app.setNotFoundHandler((request, reply) => {
    reply.hijack()
    const asked = JSON.stringify(`${request.method} ${request.url}`.slice(0, 200))
    server.refuse(new CloisterError('NOT_FOUND', `there is no route ${asked}`), reply.raw)
  })
  app.setErrorHandler((error, _request, reply) => {
    reply.hijack()
    server.refuse(routerError(error), reply.raw)
  })
}

function refuseOtherMethods(app: FastifyInstance, server: Server, url: string, rows: readonly Route[]): void {
  const taken = new Set<string>(rows.map((row) => row.method))
  if (taken.has('GET')) taken.add('HEAD')
  const allowed = [...taken].join(', ')
  app.route({
    method: METHODS.filter((method) => !taken.has(method)),
    url,
    handler(request, reply) {
      reply.hijack()
      const error = new CloisterError('METHOD_NOT_ALLOWED', `${request.method} is not allowed here; ${allowed} are`)
      server.refuse(error, reply.raw, ['allow', allowed])
    },
  })
}

/** The router itself refuses a request only for the form of its URL or headers. */
function routerError(error: unknown): CloisterError {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined
  if (status === 415) return new CloisterError('UNSUPPORTED_MEDIA', 'the content-type is not one')
  if (status === 400 || status === 414) return new CloisterError('INVALID_REQUEST', 'the URL is not well-formed')
  return asCloisterError(error)
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}
