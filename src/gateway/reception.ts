import type { IncomingMessage, ServerResponse } from 'node:http'
import { type CloisterError, asCloisterError } from '../core/errors.ts'
import { emit } from '../core/events.ts'
import { type TenantId, parseTenantId } from '../core/ids.ts'
import { type Envelope, send } from './answer.ts'
import { type BodyReader, hasBody } from './body-reader.ts'
import { connectionSignal } from './connection-signal.ts'
import { readParameter } from './path-parameters.ts'
import type { Gatekeeper, Log } from './ports.ts'
import { readQuery } from './read-json.ts'
import { refusalAnswer } from './refusal.ts'
import type { Call, Route } from './route.ts'

interface Parts {
  readonly gatekeeper: Gatekeeper
  readonly bodies: BodyReader
  /** Whether the host is about to stop, so that no other request should come over the same connection. */
  readonly ending: () => boolean
  readonly newRequestId: () => string
  readonly log: Log
}

/** The values of a path's parameters, as they stand in the URL, decoded. */
export type PathTexts = Readonly<Record<string, string>>

/** Where every request arrives. Never rejects: whatever goes wrong is answered, logged or both. */
export interface Reception {
  serve(route: Route, request: IncomingMessage, response: ServerResponse, path: PathTexts): Promise<void>
  /** Answers a request that no route takes. */
  refuse(error: CloisterError, response: ServerResponse, headers?: readonly string[]): void
}

/** One way for every request: who asks, may they, what do they ask; then the route; then the answer. */
export function createReception({ gatekeeper, bodies, ending, newRequestId, log }: Parts): Reception {
  return {
    async serve(route, request, response, path) {
      const requestId = newRequestId()
      try {
        const call = await open(route, request, path)
        const answer = await route.handle(call)
        await send(response, answer, envelope(requestId))
      } catch (thrown) {
        const error = asCloisterError(thrown)
        if (route.starts === 'run') emit('run.refused', { tenant: tenantIn(path), code: error.code })
        if (error.code === 'INTERNAL') logFault(error, route, requestId)
        answerRefusal(error, response, envelope(requestId))
      }
    },
    refuse(error, response, headers) {
      answerRefusal(error, response, envelope(newRequestId()), headers)
    },
  }

  async function open(
    route: Route,
    request: IncomingMessage,
    texts: PathTexts,
  ): Promise<Call<string, unknown, unknown>> {
    const principal = route.caller === 'public' ? undefined : gatekeeper.authenticate(request.headers.authorization)
    const path = readPath(route, texts)
    if (principal !== undefined && route.caller === 'admin') gatekeeper.authorizeAdmin(principal)
    if (principal !== undefined && route.caller === 'tenant') gatekeeper.authorize(principal, path.tenant as TenantId)
    const query = readQuery(request.url ?? '', route.query)
    const body = route.body === undefined ? undefined : route.body.read(await bytesOf(route.body, request))
    const signal = (): AbortSignal => connectionSignal(request)
    const { headers, method } = request
    const wants = method === 'HEAD' ? 'head' : 'all'
    return {
      path,
      query,
      body,
      principal,
      accept: headers.accept,
      headers,
      wants,
      content: () => bodies.stream(request),
      signal,
    }
  }

  function bytesOf({ presence }: NonNullable<Route['body']>, request: IncomingMessage): Buffer | Promise<Buffer> {
    return presence === 'optional' && !hasBody(request) ? NOTHING : bodies.read(request)
  }

  // Asked when the answer goes out: the host may have begun to stop since the request came.
  function envelope(requestId: string): Envelope {
    return { requestId, connection: ending() ? 'close' : 'keep' }
  }

  function logFault({ message, cause }: CloisterError, { method, path }: Route, requestId: string): void {
    log.error({ request: requestId, route: `${method} ${path}`, err: cause ?? message }, 'request.failed')
  }
}

const NOTHING = Buffer.alloc(0)

function readPath({ parameters }: Route, texts: PathTexts): Record<string, string> {
  const values: Record<string, string> = {}
  for (const name of parameters) values[name] = readParameter(name, texts[name] ?? '')
  return values
}

function answerRefusal(
  error: CloisterError,
  response: ServerResponse,
  envelope: Envelope,
  headers?: readonly string[],
): void {
  // An answer that broke off cannot be taken back; the cut connection tells the client that it is not whole.
  if (response.headersSent) response.destroy()
  else void send(response, refusalAnswer(error, headers), envelope)
}

function tenantIn({ tenant }: PathTexts): TenantId | undefined {
  return tenant === undefined ? undefined : parseTenantId(tenant)
}
