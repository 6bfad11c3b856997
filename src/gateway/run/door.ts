import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../../core/clock.ts'
import { CloisterError, asCloisterError } from '../../core/errors.ts'
import { emit } from '../../core/events.ts'
import { functionRequest } from '../../core/function-request.ts'
import type { Cors } from '../../core/http-config.ts'
import { type TenantId, parseFunctionName, parseTenantId } from '../../core/ids.ts'
import type { Outcome } from '../../core/run.ts'
import { type Envelope, send } from '../answer.ts'
import { readCallerTarget } from '../caller-target.ts'
import { type BodyReader, hasBody } from '../body-reader.ts'
import type { Execute, Functions, Gatekeeper, Log, ResolvedFunction, TokenChecks } from '../ports.ts'
import { quoted } from '../quoted.ts'
import { refusalAnswer } from '../refusal.ts'
import { identify } from './callers.ts'
import { corsHeaders, isPreflight, preflightHeaders, withCors } from './cors.ts'
import { HttpExchange } from './exchange.ts'
import { failureAnswer } from './failure.ts'
import type { ResponseHead } from './head.ts'
import { type ForwardedTrust, type RequestDescription, clientOf, describeRequest, hasReadableBody } from './request.ts'
import { RouteRates } from './route-rates.ts'
import { MethodRefused, matchRoute } from './routes.ts'
import { type Responder, type RunOrigin, createResponder } from './responder.ts'
import type { RunTarget } from './target.ts'

/** A body of at most so many bytes is read before the run starts: nobody pays for the time in which it arrives. */
const SMALL_BODY_MAX = 16 << 10

interface Parts {
  readonly functions: Pick<Functions, 'resolve'>
  readonly gatekeeper: Gatekeeper
  readonly execute: Execute
  readonly bodies: BodyReader
  /** Whether the host is about to stop, so that no other request should come over the same connection. */
  readonly ending: () => boolean
  readonly newRequestId: () => string
  readonly log: Log
  readonly trust: ForwardedTrust
  readonly origin: RunOrigin
  readonly tokens: TokenChecks
  readonly clock: Clock
}

/** One request on its way. */
interface Visit {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly responder: Responder
  /** What every answer to it says of who may read it. */
  cors: readonly string[]
}

/** Where requests to functions arrive. */
export interface RunDoor {
  /** Never rejects: whatever goes wrong is answered, logged or both. */
  serve(target: RunTarget, request: IncomingMessage, response: ServerResponse): Promise<void>
}

/**
 * `ANY /run/{tenant}/{function}/*`: has a function answer a request. What the platform refuses is answered in its own words;
 * a response that is whole leaves after the run's record is in the ledger, and so does the end of one that is streamed.
 */
export function createRunDoor(parts: Parts): RunDoor {
  const { functions, execute, bodies, ending, newRequestId, log } = parts
  const envelope = (): Envelope => ({ requestId: newRequestId(), connection: ending() ? 'close' : 'keep' })
  const rates = new RouteRates(parts.clock)
  const responders = {
    shared: createResponder({ ending, origin: parts.origin }),
    own: createResponder({ ending, origin: 'own' }),
  }

  async function run(target: RunTarget, visit: Visit): Promise<void> {
    const { request, response, responder } = visit
    const { tenant, found } = await find(target, request.headers)
    const { http = {} } = found.config
    if (http.cors !== undefined) {
      visit.cors = corsHeaders(http.cors, request)
      if (isPreflight(request)) return answerPreflight(response, http.cors, request)
    }
    const { route, index, params } = matchRoute(http, request.method ?? 'GET', pathOf(target.rest))
    if (route.rate !== undefined) {
      const client = route.rate.per === 'client' ? clientOf(request, parts.trust) : ''
      rates.take(`${tenant} ${found.name} ${index} ${client}`, route.rate)
    }
    const { authorization: credentials } = request.headers
    const auth = route.auth ?? http.auth ?? 'public'
    const { caller, authorization } = await identify(parts, auth, { tenant, authorization: credentials })
    const described = describeRequest(request, { target, trust: parts.trust, authorization })
    const { description, received } = await withBody(described, request)
    using exchange = new HttpExchange({
      request,
      response,
      received,
      sendHead: (id, head) => responder.begin(request, response, id, shared(head, visit)),
    })
    const input = Buffer.from(JSON.stringify(description))
    const { signal } = exchange
    // Only placeholders of bindings ask for the query here: the guest has its URL.
    const query = found.config.bind === undefined ? {} : queryOf(target.rest)
    const parameters = { params, query }
    const call = { tenant, trigger: 'http', input, signal, exchange, parameters, ...(caller && { caller }) } as const
    await finish(await execute(functionRequest(found, call)), exchange, visit)
  }

  function answerPreflight(response: ServerResponse, cors: Cors, request: IncomingMessage): Promise<void> | void {
    return send(response, { status: 204, headers: preflightHeaders(cors, request) }, envelope())
  }

  /** What cannot be a name is no function either: nobody is told which of them there are. */
  async function find(
    { tenant: tenantText, function: nameText }: RunTarget,
    headers: IncomingHttpHeaders,
  ): Promise<{ tenant: TenantId; found: ResolvedFunction }> {
    const [tenant, name] = [parseTenantId(tenantText), parseFunctionName(nameText)]
    if (tenant === undefined || name === undefined) {
      throw new CloisterError('NOT_FOUND', `tenant ${quoted(tenantText)} has no function ${quoted(nameText)}`)
    }
    const found = await functions.resolve(tenant, name, readCallerTarget(headers))
    if (found.handlers.includes('fetch')) return { tenant, found }
    throw new CloisterError('NOT_FOUND', `function "${name}" takes no HTTP requests: its code exports no fetch handler`)
  }

  async function withBody(
    description: RequestDescription,
    request: IncomingMessage,
  ): Promise<{ description: RequestDescription; received: number }> {
    if (!hasReadableBody(request)) return { description, received: 0 }
    const length = request.headers['content-length']
    if (length === undefined || Number(length) > SMALL_BODY_MAX) {
      return { description: { ...description, bodyStreams: true }, received: 0 }
    }
    const body = await bodies.collect(request)
    return { description: { ...description, bodyBase64: body.toString('base64') }, received: body.length }
  }

  async function finish(outcome: Outcome, { whole }: HttpExchange, visit: Visit): Promise<void> {
    const { request, response, cors, responder } = visit
    if (response.headersSent) return responder.end(response, outcome)
    if (whole !== undefined && typeof whole !== 'string') {
      return responder.send(request, response, outcome, shared(whole, visit))
    }
    const answer = failureAnswer(outcome)
    await send(response, { ...answer, headers: [...responder.headersOf(outcome), ...cors] }, envelope())
  }

  return {
    async serve(target, request, response) {
      // Whoever has gone is heard of by the connection's own end.
      response.on('error', () => {})
      const visit: Visit = { request, response, responder: responders[target.site], cors: [] }
      try {
        await run(target, visit)
      } catch (thrown) {
        const error = asCloisterError(thrown)
        emit('run.refused', { tenant: parseTenantId(target.tenant), code: error.code })
        const sent = envelope()
        if (error.code === 'INTERNAL') {
          log.error({ request: sent.requestId, route: 'ANY /run', err: error.cause ?? error.message }, 'request.failed')
        }
        if (response.headersSent) response.destroy()
        else await send(response, refusalAnswer(error, [...allowOf(error), ...visit.cors]), sent)
      }
      // What was not read of the body is read now, or the connection is cut: the next request comes behind it.
      if (hasBody(request) && !request.readableEnded) bodies.discard(request)
    },
  }
}

/** The guest's own headers of this kind give way to those of its configuration. */
function shared<Head extends ResponseHead>(head: Head, { cors }: Visit): Head {
  return { ...head, headers: withCors(head.headers, cors) }
}

function allowOf(error: unknown): readonly string[] {
  return error instanceof MethodRefused ? ['allow', error.allowed] : []
}

function queryOf(rest: string): Record<string, string> {
  return Object.fromEntries(URL.parse(rest, 'http://host')?.searchParams ?? [])
}

function pathOf(rest: string): string {
  return rest.replace(/\?.*$/s, '')
}
