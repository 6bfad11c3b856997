import { channel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { type IncomingMessage, type RequestListener, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo, Server, Socket } from 'node:net'
import { createBroker } from '../../../src/broker/broker.ts'
import type { Address } from '../../../src/broker/egress/addresses.ts'
import { type FetchCapability, createFetchCapability } from '../../../src/broker/fetch.ts'
import { createSecretsCapability } from '../../../src/broker/secrets.ts'
import { Secrets } from '../../../src/broker/secrets/secrets.ts'
import { systemClock } from '../../../src/core/clock.ts'
import type { FetchGrant, SecretsGrant } from '../../../src/core/policy.ts'
import { bytes, millis } from '../../../src/core/quantity.ts'
import type { Session } from '../../../src/core/run.ts'
import { loadPolicies } from '../../../src/policy/load.ts'
import { createVault } from '../../../src/vault/vault.ts'
import { ticketOf } from '../../scheduler/ticket.ts'

/** A request's answer as the guest's half gets it, or the refusal. */
export interface Answer {
  readonly status?: number
  readonly headers?: [string, string][]
  readonly url?: string
  readonly redirected?: boolean
  readonly body?: string
  readonly done?: boolean
  readonly code?: string
  readonly message?: string
}

export interface Guest extends Disposable {
  readonly session: Session
  call(operation: string, ...args: unknown[]): Promise<any>
  /** Sends a GET, or what else is said, and gives the answer's head and first piece, its body as text. */
  get(url: string, more?: object): Promise<Answer>
  /** The same with the whole of the body. */
  text(url: string, more?: object): Promise<Answer>
}

export interface FetchWorld extends AsyncDisposable {
  readonly capability: FetchCapability
  /** Grants everything to this machine's loopback but what is said otherwise. */
  grant(more?: Partial<FetchGrant>): FetchGrant
  as(tenant: string, grant?: FetchGrant, wallMs?: number): Guest
  /** Names, and what they resolve to: each list is one answer, the last of which stays. */
  readonly names: Map<string, Address[][]>
  /** Sockets that this process has opened to anywhere. */
  readonly connected: number
  readonly faults: readonly unknown[]
}

export const HOME: Address = { address: '127.0.0.1', family: 4 }

interface Options {
  readonly socketsMax?: number
  /** What guests are granted of secrets; nothing if absent. */
  readonly secrets?: { readonly service: Secrets; readonly grant: SecretsGrant }
}

/** Without a store: it is never asked as long as no policy grants secrets. */
const noSecrets = new Secrets({ store: {} as never, vault: createVault('no secret'), clock: systemClock })

export async function openFetch({ socketsMax = 1_000, secrets }: Options = {}): Promise<FetchWorld> {
  const names = new Map<string, Address[][]>()
  let connected = 0
  const count = (): void => void (connected += 1)
  channel('net.client.socket').subscribe(count)
  const capability = createFetchCapability({
    socketsMax,
    secrets: secrets?.service ?? noSecrets,
    async resolve(host) {
      const answers = names.get(host) ?? [[HOME]]
      return (answers.length > 1 ? answers.shift() : answers[0]) ?? []
    },
  })
  const faults: unknown[] = []
  const broker = createBroker({
    capabilities: [capability, createSecretsCapability({ secrets: secrets?.service ?? noSecrets })],
    clock: systemClock,
    ledger: { sum: () => Promise.resolve([]) } as never,
    onFault: (_, error) => faults.push(error),
  })
  const base = loadPolicies([]).resolve('default')
  const grant = (more: Partial<FetchGrant> = {}): FetchGrant => ({
    operations: 1_000_000,
    requests: 100_000,
    concurrency: 50,
    requestBytes: bytes(8 << 20),
    responseBytes: bytes(8 << 20),
    headerBytes: bytes(16 << 10),
    redirects: 5,
    timeoutMs: millis(60_000),
    allow: [{ host: '*', ports: Array.from({ length: 65_535 }, (_, index) => index + 1), methods: ['*'] }],
    privateRanges: ['127.0.0.0/8'],
    ...more,
  })
  const open = grant()
  return {
    capability,
    grant,
    names,
    faults,
    get connected() {
      return connected
    },
    as(tenant, given = open, wallMs = 600_000) {
      const policy = { ...base, capabilities: { fetch: given, ...(secrets && { secrets: secrets.grant }) } }
      const session = broker.open({ ...ticketOf(tenant, policy), wall: millis(wallMs) })
      let id = 0
      const call = async (operation: string, ...args: unknown[]): Promise<any> => {
        const { ok, text } = await session.call(`fetch.${operation}`, JSON.stringify(args))
        return ok && text === '' ? undefined : JSON.parse(text)
      }
      const get = async (url: string, more: object = {}): Promise<Answer> => {
        const answer = await call('send', { id: ++id, method: 'GET', url, ...more })
        return answer.body === undefined ? answer : { ...answer, body: plain(answer.body) }
      }
      return {
        session,
        call,
        get,
        async text(url, more) {
          let answer = await get(url, more)
          const mine = id
          while (answer.done === false) {
            const next = await call('read', mine)
            answer = next.code === undefined ? { ...answer, ...next, body: answer.body + plain(next.body) } : next
          }
          return answer
        },
        [Symbol.dispose]: () => session[Symbol.dispose](),
      }
    },
    async [Symbol.asyncDispose]() {
      channel('net.client.socket').unsubscribe(count)
      await capability[Symbol.asyncDispose]()
    },
  }
}

const plain = (base64: string): string => Buffer.from(base64, 'base64').toString('latin1')

export interface TestServer extends AsyncDisposable {
  readonly port: number
  /** `http://127.0.0.1:PORT` */
  readonly origin: string
  /** Requests so far. */
  readonly seen: IncomingMessage[]
  readonly sockets: Set<Socket>
  /** Connections that have been made. */
  readonly connections: number
  readonly server: Server
}

/** A server of this machine. Without a listener it answers with the request: its method, URL, headers and body. */
export async function openServer(listener: RequestListener = echo, host = '127.0.0.1'): Promise<TestServer> {
  const seen: IncomingMessage[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer((request, response) => {
    seen.push(request)
    listener(request, response)
  })
  server.on('connection', (socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
  })
  await once(server.listen(0, host), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    seen,
    sockets,
    server,
    get connections() {
      return connections
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export function echo(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const { method, url, headers } = request
    response.end(JSON.stringify({ method, url, headers, body: Buffer.concat(chunks).toString('latin1') }))
  })
}

/** Waits until something is so. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}
