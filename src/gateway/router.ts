import {
  METHODS as NODE_METHODS,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
  createServer as createHttp,
} from 'node:http'
import fastify, { type FastifyInstance, type HTTPMethods } from 'fastify'
import { CloisterError, asCloisterError } from '../core/errors.ts'
import { boundConnections } from './connection-bound.ts'
import type { HttpLimits } from './http-limits.ts'
import type { Pace } from './pace.ts'
import { boundPipeline, stopParsingWhatIsCut } from './pipeline-bound.ts'
import { quoted } from './quoted.ts'
import type { PathTexts, Reception } from './reception.ts'
import { refuseConnection } from './refusal.ts'
import type { Route } from './route.ts'
import type { RunDoor } from './run/door.ts'
import type { FunctionHosts } from './run/hosts.ts'
import { readRunTarget } from './run/target.ts'

type Listener = (request: IncomingMessage, response: ServerResponse) => void

interface Parts {
  readonly reception: Reception
  readonly limits: HttpLimits
  readonly pace: Pace
  readonly routes: readonly Route[]
  /** The one of them that is called all the time: `POST /v1/tenants/{tenant}/execute`. */
  readonly busiest: Route
  /** Where requests to functions go. */
  readonly door: RunDoor
  /** Host names that lead there. */
  readonly hosts: FunctionHosts
}

/** Finds the route of each request. What it has to refuse itself, it refuses in the words of the API. */
export function createRouter({ reception, limits, pace, routes, busiest, door, hosts }: Parts): FastifyInstance {
  const app = fastify({
    logger: false,
    requestIdHeader: false,
    // Admission says DRAINING, in the API's own words.
    return503OnClosing: false,
    routerOptions: { maxParamLength: limits.headersSize },
    frameworkErrors(error, _request, reply) {
      reply.hijack()
      reception.refuse(routerError(error), reply.raw)
    },
    clientErrorHandler: refuseConnection,
    serverFactory(router) {
      const server = createHttpServer(
        limits,
        boundPipeline(
          requireHost(expressLane(router, { reception, busiest, door, hosts }), reception),
          limits.pipelined,
          pace,
        ),
      )
      refuseByServer(server, reception)
      stopParsingWhatIsCut(server)
      boundConnections(server, limits.connectionsPerAddress)
      return server
    },
  })
  // No route takes these, so their bodies are nobody's: Fastify would look for a parser before it looks for the route.
  for (const method of METHODS) if (!ROUTE_METHODS.has(method)) app.addHttpMethod(method, { overrideExisting: true })
  // Bodies are read by the route, after it is known who asks; the router must leave them alone.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  addDoor(app, { reception, door })
  for (const [path, rows] of Map.groupBy(routes, (route) => route.path)) addPath(app, reception, path, rows)
  addRefusals(app, reception)
  return app
}

/** Requests that Node would answer or drop by itself, without a word of ours. */
function refuseByServer(server: HttpServer, reception: Reception): void {
  server.on('checkExpectation', (_request, response) => {
    const message = 'the only expectation that this host meets is 100-continue'
    reception.refuse(new CloisterError('INVALID_REQUEST', message), response)
  })
  server.on('connect', (_request, socket) => refuseConnection(new Error('this host is no proxy'), socket))
}

function createHttpServer(limits: HttpLimits, listener: Listener): HttpServer {
  const server = createHttp(
    {
      headersTimeout: limits.headersTimeout,
      requestTimeout: limits.requestTimeout,
      keepAliveTimeout: limits.keepAliveTimeout,
      connectionsCheckingInterval: limits.checkInterval,
      maxHeaderSize: limits.headersSize,
      // Looked at by requireHost, which says what is missing.
      requireHostHeader: false,
    },
    listener,
  )
  server.maxConnections = limits.connections
  server.timeout = limits.socketTimeout
  return server
}

const EXECUTE = /^\/v1\/tenants\/([a-z0-9-]+)\/execute$/

/**
 * Takes the one path that is called all the time past the router, whose request and reply objects cost 6 µs where all of
 * ours costs 9. The router has the same route too: for injected requests, and for spellings that this does not know.
 *
 * Requests to functions go past it as well: their methods, paths and bodies are the functions' own affair.
 */
function expressLane(
  router: Listener,
  { reception, busiest, door, hosts }: Pick<Parts, 'reception' | 'busiest' | 'door' | 'hosts'>,
): Listener {
  return (request, response) => {
    const { url = '' } = request
    const named = hosts.find(request)
    if (named === 'nowhere') return reception.refuse(new CloisterError('NOT_FOUND', 'there is nothing here'), response)
    if (named !== undefined) return void door.serve(named, request, response)
    const tenant = request.method === 'POST' ? EXECUTE.exec(url)?.[1] : undefined
    if (tenant !== undefined) return void reception.serve(busiest, request, response, { tenant })
    const target = readRunTarget(url)
    if (target === undefined) router(request, response)
    else void door.serve(target, request, response)
  }
}

/**
 * HTTP/1.1 wants one Host header in every request (RFC 9112, 3.2). Of two, a proxy in front may have gone by the other.
 */
function requireHost(listener: Listener, reception: Reception): Listener {
  return (request, response) => {
    const { headers, rawHeaders, httpVersion } = request
    if (headers.host === undefined && httpVersion === '1.1') {
      reception.refuse(new CloisterError('INVALID_REQUEST', 'the request has no Host header'), response)
    } else if (countHosts(rawHeaders) > 1) {
      reception.refuse(new CloisterError('INVALID_REQUEST', 'the request has more than one Host header'), response)
    } else listener(request, response)
  }
}

function countHosts(rawHeaders: readonly string[]): number {
  let count = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]
    if (name?.length === 4 && name.toLowerCase() === 'host') count += 1
  }
  return count
}

const ROUTE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS'])
/** All that Node reads. CONNECT never reaches the router. */
const METHODS = NODE_METHODS.filter((method) => method !== 'CONNECT') as readonly HTTPMethods[]

/** For requests that are injected, and those whose target is a whole URL. */
function addDoor(app: FastifyInstance, { reception, door }: Pick<Parts, 'reception' | 'door'>): void {
  for (const url of ['/run/:tenant/:function', '/run/:tenant/:function/*']) {
    app.route({
      method: [...METHODS],
      url,
      handler(request, reply) {
        reply.hijack()
        const target = readRunTarget(request.url.replace(/^https?:\/\/[^/?#]*/i, ''))
        if (target !== undefined) return void door.serve(target, request.raw, reply.raw)
        reception.refuse(new CloisterError('NOT_FOUND', 'the path is not spelt /run/{tenant}/{function}'), reply.raw)
      },
    })
  }
}

function addPath(app: FastifyInstance, reception: Reception, path: string, rows: readonly Route[]): void {
  const url = path.replaceAll(/\{(\w+)\}/g, ':$1')
  for (const row of rows) {
    app.route({
      method: row.method,
      url,
      handler(request, reply) {
        reply.hijack()
        void reception.serve(row, request.raw, reply.raw, request.params as PathTexts)
      },
    })
  }
  refuseOtherMethods(app, reception, url, rows)
}

function refuseOtherMethods(app: FastifyInstance, reception: Reception, url: string, rows: readonly Route[]): void {
  const taken = new Set<string>(rows.map((row) => row.method))
  if (taken.has('GET')) taken.add('HEAD')
  const allowed = [...taken].join(', ')
  app.route({
    method: METHODS.filter((method) => !taken.has(method)),
    url,
    handler(request, reply) {
      reply.hijack()
      const error = new CloisterError('METHOD_NOT_ALLOWED', `${request.method} is not allowed here; ${allowed} are`)
      reception.refuse(error, reply.raw, ['allow', allowed])
    },
  })
}

function addRefusals(app: FastifyInstance, reception: Reception): void {
  app.setNotFoundHandler((request, reply) => {
    reply.hijack()
    const asked = quoted(`${request.method} ${request.url}`)
    reception.refuse(new CloisterError('NOT_FOUND', `there is no route ${asked}`), reply.raw)
  })
  app.setErrorHandler((error, _request, reply) => {
    reply.hijack()
    reception.refuse(routerError(error), reply.raw)
  })
}

/** The router itself refuses a request only for the form of its URL or headers. */
function routerError(error: unknown): CloisterError {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined
  if (status === 415) return new CloisterError('UNSUPPORTED_MEDIA', 'the content-type is not one')
  if (status === 400 || status === 414) return new CloisterError('INVALID_REQUEST', 'the URL is not well-formed')
  return asCloisterError(error)
}
