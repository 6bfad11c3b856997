import { randomUUID } from 'node:crypto'
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Clock } from '../core/clock.ts'
import { type InspectorAddress, hostOf } from './inspector-address.ts'
import { DebuggedRun } from './debugged-run.ts'
import { EXIT_REFUSED, Stop } from './stop.ts'

interface Parts {
  readonly address: InspectorAddress
  readonly clock: Clock
  /** What debuggers call the run. */
  readonly title: string
  /** The folder of the submitted file as a URL, if it has one. */
  readonly origin: string
}

/** Where debuggers connect to, for as long as it is not disposed. */
export interface Inspector extends AsyncDisposable {
  /** `ws://HOST:PORT/TOKEN`. Who knows it may do in the guest what the guest may do, and read what it holds. */
  readonly url: string
  readonly run: DebuggedRun
}

/** Longest message of a debugger: the wire to the cell takes four times that. */
const MESSAGE_MAX = 4 << 20

/**
 * Opens the port that DevTools and editors know from Node: a list of what can be debugged over HTTP, and one WebSocket
 * at a path that cannot be guessed. Rejects with a Stop when the address cannot be had.
 */
export async function openInspector({ address, clock, title, origin }: Parts): Promise<Inspector> {
  const token = randomUUID()
  const run = new DebuggedRun({ clock, title, origin })
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_MAX, perMessageDeflate: false })
  const server = createServer((request, response) =>
    answer(request, response, () => describe(hostOf(server), token, run)),
  )
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // A debugger that goes away while it connects is nobody's trouble.
    socket.on('error', () => socket.destroy())
    if (request.url !== `/${token}` || !isLocal(request)) {
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
      return
    }
    sockets.handleUpgrade(request, socket, head, (client) => attach(client, run))
  })
  await listen(server, address)
  return {
    url: `ws://${hostOf(server)}/${token}`,
    run,
    async [Symbol.asyncDispose]() {
      for (const client of sockets.clients) client.close(1_000, 'the run is over')
      sockets.close()
      server.close()
      // A debugger that does not answer the closing is not waited for.
      await new Promise<void>((resolve) => setTimeout(resolve, sockets.clients.size === 0 ? 0 : CLOSING_MS))
      for (const client of sockets.clients) client.terminate()
      server.closeAllConnections()
    },
  }
}

const CLOSING_MS = 200

/** A debugger takes the place of the one before: an editor that lost its connection must get in again. */
function attach(client: WebSocket, run: DebuggedRun): void {
  const detach = run.attach({ send: (text) => client.send(text), close: () => client.close(1_000, 'another debugger') })
  client.on('message', (data, isBinary) => {
    if (!isBinary) run.take(String(data))
  })
  client.on('close', detach)
  client.on('error', () => client.terminate())
}

function answer(request: IncomingMessage, response: ServerResponse, describeRun: () => object): void {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost')
  const body =
    pathname === '/json/version' ? VERSION : /^\/json(\/list)?\/?$/.test(pathname) ? [describeRun()] : undefined
  if (body === undefined || request.method !== 'GET' || !isLocal(request)) {
    response.writeHead(isLocal(request) ? 404 : 400).end()
    return
  }
  response.writeHead(200, { 'content-type': 'application/json; charset=UTF-8', 'cache-control': 'no-cache' })
  response.end(JSON.stringify(body))
}

const VERSION = { Browser: `node.js/${process.version}`, 'Protocol-Version': '1.3' }

function describe(host: string, token: string, { title, url }: DebuggedRun): object {
  const address = `${host}/${token}`
  return {
    description: 'a guest of Cloister',
    devtoolsFrontendUrl: `devtools://devtools/bundled/js_app.html?experiments=true&v8only=true&ws=${address}`,
    id: token,
    title,
    type: 'node',
    url,
    webSocketDebuggerUrl: `ws://${address}`,
  }
}

/** Whether the request names this machine by its address: a page whose own name leads here must not read the list. */
function isLocal({ headers }: IncomingMessage): boolean {
  return /^(127(\.\d{1,3}){3}|\[::1\]|localhost)(:\d+)?$/i.test(headers.host ?? '')
}

async function listen(server: Server, { host, port }: InspectorAddress): Promise<AddressInfo> {
  const listening = Promise.withResolvers<void>()
  server.once('error', listening.reject).listen(port, host, () => listening.resolve())
  try {
    await listening.promise
  } catch (error) {
    throw new Stop(`no debugger can be let in at ${host}:${port}: ${error instanceof Error ? error.message : error}`, {
      exit: EXIT_REFUSED,
      next: 'choose another port: --inspect=127.0.0.1:9230',
    })
  }
  return server.address() as AddressInfo
}
