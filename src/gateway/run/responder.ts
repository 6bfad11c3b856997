import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RunId } from '../../core/ids.ts'
import type { Outcome, Usage } from '../../core/run.ts'
import { microsToMillis } from '../../core/quantity.ts'
import { markAnswering } from '../refusal.ts'
import type { WholeResponse } from './exchange.ts'
import { type ResponseHead, isBodyless } from './head.ts'

/**
 * Whether functions of different tenants are behind one origin. `shared`: they are, and beside the API; `own`: a proxy
 * gives each tenant a host name.
 */
export type RunOrigin = 'shared' | 'own'

interface Parts {
  readonly ending: () => boolean
  readonly origin: RunOrigin
}

/** Sends what guests answer, with what the platform has to say beside it. */
export interface Responder {
  /** Sends the head of a response that is streamed. */
  begin(request: IncomingMessage, response: ServerResponse, run: RunId, head: ResponseHead): void
  /** Ends a response that was streamed: as a whole one if the run ended well, by cutting the connection if not. */
  end(response: ServerResponse, outcome: Outcome): void
  /** Sends a whole response. */
  send(request: IncomingMessage, response: ServerResponse, outcome: Outcome, whole: WholeResponse): void
  /** What the platform says of a run that is over. */
  headersOf(outcome: Outcome): string[]
}

const TRAILERS = 'x-cloister-status, x-cloister-usage'

/**
 * Pages of one origin may read each other's data: what one tenant's page says there would have the rights of another's, and
 * of whoever operates this host. Sandboxed, each of them is an origin of its own.
 */
const SANDBOX = [
  'content-security-policy',
  'sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts',
]

export function createResponder({ ending, origin }: Parts): Responder {
  const common = (run: RunId): string[] => {
    const headers = ['x-cloister-run-id', run]
    if (origin === 'shared') headers.push(...SANDBOX)
    if (ending()) headers.push('connection', 'close')
    return headers
  }
  const headersOf = ({ run, status, usage }: Outcome): string[] => [
    ...common(run),
    'x-cloister-status',
    status,
    'x-cloister-usage',
    usageText(usage),
  ]
  return {
    headersOf,
    begin(request, response, run, { status, statusText, headers }) {
      const own = common(run)
      if (takesTrailers(request) && !isBodyless(status)) own.push('trailer', TRAILERS)
      writeHead(response, status, statusText, [...headers, ...own])
      markAnswering(request.socket)
      response.flushHeaders()
    },
    end(response, { status, usage }) {
      if (status !== 'ok') {
        // A response that broke off cannot be taken back; the cut connection tells the client that it is not whole.
        response.destroy()
        return
      }
      if (takesTrailers(response.req) && !isBodyless(response.statusCode)) {
        response.addTrailers([
          ['x-cloister-status', status],
          ['x-cloister-usage', usageText(usage)],
        ])
      }
      response.end()
    },
    send(request, response, outcome, { status, statusText, headers, toldLength, body }) {
      const own = headersOf(outcome)
      // What HEAD tells of the length is the guest's word, if it has not said the body itself.
      const told = request.method === 'HEAD' && body.length === 0 ? toldLength : String(body.length)
      if (told !== undefined && status !== 204 && status !== 304) own.push('content-length', told)
      writeHead(response, status, statusText, [...headers, ...own])
      response.end(body)
    },
  }
}

function writeHead(response: ServerResponse, status: number, statusText: string, headers: string[]): void {
  if (statusText === '') response.writeHead(status, headers)
  else response.writeHead(status, statusText, headers)
}

/** Whether the client has said that it reads trailers (RFC 9110, 6.5.1). */
function takesTrailers({ headers, httpVersion }: IncomingMessage): boolean {
  return httpVersion === '1.1' && /(?:^|,)\s*trailers\s*(?:,|$)/i.test(String(headers.te ?? ''))
}

/** As a structured field (RFC 9651): a dictionary of numbers. */
function usageText({ units, wall, cpu, memory }: Usage): string {
  const [wallMs, cpuMs] = [microsToMillis(wall), microsToMillis(cpu)].map((ms) => Math.round(ms * 1_000) / 1_000)
  return `units=${units}, wall-ms=${wallMs}, cpu-ms=${cpuMs}, memory-mb=${memory}`
}
