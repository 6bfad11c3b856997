import { type Socket, connect } from 'node:net'

/** Where a flood goes, with the key of a tenant that nobody would miss. */
export interface FloodTarget {
  readonly port: number
  readonly authorization: string
}

/** Begins a flood that goes on until its process is ended. */
type Flood = (target: FloodTarget) => void

const PATH = '/v1/tenants/flooder/execute'

function open({ port }: FloodTarget, onOpen: (socket: Socket) => void): void {
  const socket = connect(port, '127.0.0.1', () => onOpen(socket))
  socket.resume()
  // A flooder that is sent away comes back.
  socket.on('error', () => {})
  socket.on('close', () => setTimeout(() => open({ port, authorization: '' }, onOpen), 5))
}

/** Many connections that each do the same. */
function many(count: number, onOpen: (socket: Socket, target: FloodTarget) => void): Flood {
  return (target) => {
    for (let index = 0; index < count; index += 1) open(target, (socket) => onOpen(socket, target))
  }
}

const head = ({ authorization }: FloodTarget, more: string): string =>
  `POST ${PATH} HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\ncontent-type: application/json\r\n${more}`

function withBody(body: string): (socket: Socket, target: FloodTarget) => void {
  return (socket, target) => {
    const request = head(target, `content-length: ${Buffer.byteLength(body)}\r\n\r\n`) + body
    socket.on('data', () => socket.write(request))
    socket.write(request)
  }
}

/** A text, a byte at a time, that never ends a request. */
function drip(start: (target: FloodTarget) => string): (socket: Socket, target: FloodTarget) => void {
  return (socket, target) => {
    socket.write(start(target))
    const timer = setInterval(() => socket.write('x'), 50)
    socket.on('close', () => clearInterval(timer))
  }
}

function endlessly(text: string): (socket: Socket) => void {
  return (socket) => {
    const more = (): void => {
      while (socket.writable && socket.write(text));
    }
    socket.on('drain', more)
    more()
  }
}

const keys = (count: number): string => Array.from({ length: count }, (_, index) => `"k${index}":1`).join(',')
const PIPELINED = 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(200)

/** Floods of the door, by whoever can reach it. */
export const HTTP_FLOODS: Readonly<Record<string, Flood>> = {
  '3,000 idle connections': many(3_000, () => {}),
  '500 connections that drip headers': many(
    500,
    drip(() => 'GET / HTTP/1.1\r\nhost: x\r\nx: '),
  ),
  '500 connections that drip a body': many(
    500,
    drip((target) => head(target, 'content-length: 1000000\r\n\r\n{"code":"')),
  ),
  'headers without an end': many(20, endlessly(`GET / HTTP/1.1\r\nhost: x\r\n${'a: b\r\n'.repeat(5_000)}`)),
  'what is not HTTP': many(20, endlessly('nonsense\r\n\r\n'.repeat(100))),
  'bodies over the bound': many(4, (socket, target) =>
    endlessly(head(target, 'transfer-encoding: chunked\r\n\r\n') + `10000\r\n${'x'.repeat(65_536)}\r\n`)(socket),
  ),
  'JSON a million levels deep': many(8, withBody(`{"code":"x","input":${'['.repeat(1_000_000)}`)),
  'JSON of 100,000 keys': many(8, withBody(`{${keys(100_000)}}`)),
  'an input of 60,000 keys': many(8, withBody(`{"code":"return 1","input":{${keys(60_000)}}}`)),
  'a number of a million digits': many(8, withBody(`{"code":"return 1","input":${'9'.repeat(1_000_000)}}`)),
  'pipelined requests': many(8, endlessly(PIPELINED)),
  'half-closed requests': many(100, (socket, target) => {
    const body = '{"code":"return 1"}'
    socket.end(head(target, `content-length: ${body.length}\r\n\r\n`) + body)
  }),
}

/** Floods by code of a tenant, within what its policy lets it do. */
export const GUEST_FLOODS: Readonly<Record<string, string>> = {
  logs: 'for (;;) console.log("x".repeat(60))',
  'log lines of 60,000 characters': 'for (;;) console.log("x".repeat(60_000))',
  'capability calls':
    'for (;;) await Promise.all(Array.from({ length: 200 }, () => context.kv.get("k").catch(() => 0)))',
  'large answers': `await context.kv.put("large", "x".repeat(250_000))
    for (;;) await Promise.all(Array.from({ length: 200 }, () => context.kv.get("large").catch(() => 0)))`,
  'refused calls': 'for (;;) await Promise.all(Array.from({ length: 200 }, () => context.kv.get("").catch(() => 0)))',
  timers:
    'const again = () => setTimeout(again, 0); for (let index = 0; index < 900; index++) again(); await new Promise(() => {})',
  promises: 'const again = () => Promise.resolve().then(again); again(); await new Promise(() => {})',
  rejections:
    'const again = () => { Promise.reject(new Error("x")); setTimeout(again, 0) }; again(); await new Promise(() => {})',
  'nested results': 'let value = []; for (let depth = 0; depth < 5_000; depth++) value = [value]; return value',
  'results of a megabyte': 'return "x".repeat(1_000_000)',
}

/** Repeats one request on a few connections. */
export function repeat(body: object): Flood {
  return many(8, withBody(JSON.stringify(body)))
}
