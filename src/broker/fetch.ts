import type { FetchGrant } from '../core/policy.ts'
import { invalid } from './arguments.ts'
import { type Capability, CapabilityError, type Operation, type RunScope } from './capability.ts'
import { failureOf } from './egress/failure.ts'
import { Fetching } from './egress/fetching.ts'
import { Connections } from './egress/pools.ts'
import { idOf, pieceOf, requestOf } from './egress/request.ts'
import type { Resolve } from './egress/resolver.ts'
import { ResponseBody } from './egress/response-body.ts'
import { RunSecrets } from './secrets/run-secrets.ts'
import type { Secrets } from './secrets/secrets.ts'

interface Parts {
  readonly resolve: Resolve
  /** Sockets of all tenants together; past it requests fail as UNAVAILABLE. */
  readonly socketsMax: number
  /** What placeholders in requests stand for. */
  readonly secrets: Secrets
}

/** The capability, and the connections that it keeps for all tenants. */
export interface FetchCapability extends Capability<'fetch'>, AsyncDisposable {
  /** Sockets that are open or being opened. */
  readonly sockets: number
}

/** Longest arguments of one call: a piece of a body as base64, with all headers and a URL. */
const ARGUMENTS_MAX = (2 << 20) + (64 << 10)
const MINE = {}

/**
 * Host half of `fetch`. `send` gives the head of the response and as much of its body as is there; `read` gives the rest of
 * it, `write` takes the body of a request that is streamed. The guest chooses the number by which it speaks of a request.
 */
export function createFetchCapability({ resolve, socketsMax, secrets }: Parts): FetchCapability {
  const connections = new Connections({ resolve, socketsMax })
  const operations = new Map<string, Operation<FetchGrant>>([
    [
      'send',
      { effect: 'lasting', run: (scope, grant, [given]) => send({ connections, secrets }, scope, grant, given) },
    ],
    ['write', { effect: 'lasting', run: (scope, _, [id, piece]) => write(requestsOf(scope), id, piece) }],
    ['read', { effect: 'none', run: (scope, _, [id]) => read(requestsOf(scope), id) }],
    [
      'cancel',
      {
        effect: 'none',
        async run(scope, _, [id]) {
          requestsOf(scope).end(idOf(id))
          return ''
        },
      },
    ],
  ])
  return {
    name: 'fetch',
    operations,
    argumentsMax: () => ARGUMENTS_MAX,
    get sockets() {
      return connections.sockets
    },
    [Symbol.asyncDispose]: () => connections[Symbol.asyncDispose](),
  }
}

interface Open {
  readonly fetching: Fetching
  body?: ResponseBody
}

/** The requests of one run. Its end closes them all. */
class RunRequests implements Disposable {
  readonly #open = new Map<number, Open>()
  #count = 0

  add(id: number, open: Open): void {
    if (this.#open.has(id)) throw invalid(`there is a request ${id} already`)
    this.#open.set(id, open)
  }

  get(id: number): Open | undefined {
    return this.#open.get(id)
  }

  /** Counts one that is sent, redirects and all. */
  count(max: number): void {
    if (this.#count >= max) {
      throw new CapabilityError('QUOTA_EXCEEDED', `a run may send ${max} requests (capabilities.fetch.requests)`)
    }
    this.#count += 1
  }

  end(id: number): void {
    this.#open.get(id)?.fetching[Symbol.dispose]()
    this.#open.delete(id)
  }

  [Symbol.dispose](): void {
    for (const { fetching } of this.#open.values()) fetching[Symbol.dispose]()
    this.#open.clear()
  }
}

function requestsOf(scope: RunScope): RunRequests {
  return scope.keep(MINE, () => new RunRequests())
}

interface Shared {
  readonly connections: Connections
  readonly secrets: Secrets
}

async function send(
  { connections, secrets }: Shared,
  scope: RunScope,
  grant: FetchGrant,
  given: unknown,
): Promise<string> {
  const request = requestOf(given, grant)
  const requests = requestsOf(scope)
  const fetching = new Fetching({
    connections,
    scope,
    grant,
    request,
    secrets: RunSecrets.of(secrets, scope),
    count: () => requests.count(grant.requests),
  })
  const open: Open = { fetching }
  requests.add(request.id, open)
  try {
    const { head, url, redirected, body } = await fetching.send()
    open.body = new ResponseBody(body)
    const first = await open.body.next('now')
    if (first.done) requests.end(request.id)
    return JSON.stringify({ ...head, url, redirected, ...first })
  } catch (error) {
    requests.end(request.id)
    throw failureOf(error)
  }
}

async function write(requests: RunRequests, id: unknown, piece: unknown): Promise<string> {
  const upload = requests.get(idOf(id))?.fetching.upload
  const bytes = piece === null || piece === undefined ? null : pieceOf(piece)
  // The server has answered, or the request has failed, without waiting for all of the body.
  if (upload === undefined) return 'false'
  return String(await upload.write(bytes))
}

async function read(requests: RunRequests, given: unknown): Promise<string> {
  const id = idOf(given)
  const body = requests.get(id)?.body
  if (body === undefined) throw invalid(`there is no response ${id} to read`)
  try {
    const piece = await body.next('wait')
    if (piece.done) requests.end(id)
    return JSON.stringify(piece)
  } catch (error) {
    requests.end(id)
    throw failureOf(error)
  }
}
