import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { CloisterError, asCloisterError } from '../../core/errors.ts'
import { emit } from '../../core/events.ts'
import { functionRequest } from '../../core/function-request.ts'
import { type TenantId, parseFunctionName, parseTenantId } from '../../core/ids.ts'
import type { Outcome } from '../../core/run.ts'
import { type Envelope, send } from '../answer.ts'
import { readCallerTarget } from '../caller-target.ts'
import { type BodyReader, hasBody } from '../body-reader.ts'
import type { Execute, Functions, Gatekeeper, Log, ResolvedFunction } from '../ports.ts'
import { quoted } from '../quoted.ts'
import { refusalAnswer } from '../refusal.ts'
import { HttpExchange } from './exchange.ts'
import { failureAnswer } from './failure.ts'
import { type ForwardedTrust, type RequestDescription, describeRequest, hasReadableBody } from './request.ts'
import { type RunOrigin, createResponder } from './responder.ts'
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
  const { functions, gatekeeper, execute, bodies, ending, newRequestId, log } = parts
  const envelope = (): Envelope => ({ requestId: newRequestId(), connection: ending() ? 'close' : 'keep' })
  const responder = createResponder({ ending, origin: parts.origin })

  async function run(target: RunTarget, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { tenant, found } = await find(target, request.headers)
    const needsKey = found.config.http?.auth === 'key'
    if (needsKey) gatekeeper.authorize(gatekeeper.authenticate(request.headers.authorization), tenant)
    const authorization = needsKey ? 'used' : 'passed on'
    const described = describeRequest(request, { target, trust: parts.trust, authorization })
    const { description, received } = await withBody(described, request)
    using exchange = new HttpExchange({
      request,
      response,
      received,
      sendHead: (id, head) => responder.begin(request, response, id, head),
    })
    const input = Buffer.from(JSON.stringify(description))
    const { signal } = exchange
    const outcome = await execute(functionRequest(found, { tenant, trigger: 'http', input, signal, exchange }))
    await finish(outcome, exchange, request, response)
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

  async function finish(
    outcome: Outcome,
    { whole }: HttpExchange,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    if (response.headersSent) return responder.end(response, outcome)
    if (whole !== undefined && typeof whole !== 'string') return responder.send(request, response, outcome, whole)
    const answer = failureAnswer(outcome)
    await send(response, { ...answer, headers: responder.headersOf(outcome) }, envelope())
  }

  return {
    async serve(target, request, response) {
      // Whoever has gone is heard of by the connection's own end.
      response.on('error', () => {})
      try {
        await run(target, request, response)
      } catch (thrown) {
        const error = asCloisterError(thrown)
        emit('run.refused', { tenant: parseTenantId(target.tenant), code: error.code })
        const sent = envelope()
        if (error.code === 'INTERNAL') {
          log.error({ request: sent.requestId, route: 'ANY /run', err: error.cause ?? error.message }, 'request.failed')
        }
        if (response.headersSent) response.destroy()
        else await send(response, refusalAnswer(error), sent)
      }
      // What was not read of the body is read now, or the connection is cut: the next request comes behind it.
      if (hasBody(request) && !request.readableEnded) bodies.discard(request)
    },
  }
}
