import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Pace } from './pace.ts'

type Listener = (request: IncomingMessage, response: ServerResponse) => void

/** What answering a request is reckoned as beside the bytes of bodies: both take about 30 µs. */
const REQUEST_WORK = 16 << 10

/**
 * Ends a connection that brings more than `requestsMax` requests in one turn of the event loop. Node reads all requests of a
 * piece of 64 KiB before anybody else has a turn, and that is more than a thousand small ones. What many connections bring in
 * one turn is answered at the host's pace.
 */
export function boundPipeline(listener: Listener, requestsMax: number, pace: Pace): Listener {
  const counts = new Map<Duplex, number>()
  const forget = (): void => counts.clear()
  return (request, response) => {
    const { socket } = request
    // What follows in the piece is read all the same; nothing is done for it.
    if (socket.destroyed) return
    if (counts.size === 0) setImmediate(forget)
    const count = (counts.get(socket) ?? 0) + 1
    counts.set(socket, count)
    if (count > requestsMax) socket.destroy()
    else if (pace.spend(REQUEST_WORK) === 'go on') listener(request, response)
    else pace.later(REQUEST_WORK, () => void (socket.destroyed || listener(request, response)))
  }
}

/** What Node's parser calls for each request, and takes for an answer. Node says nothing of it in its documents. */
interface Parser {
  onIncoming?: (request: IncomingMessage, keepAlive: boolean) => number
}

/** The parser's word for: what follows is not HTTP. */
const STOP = 2

/**
 * Has nothing more parsed of what a connection had sent before it was ended: making the objects of a thousand requests
 * that nobody answers takes longer than answering those that are. Without this bound all that is lost is that time.
 */
export function stopParsingWhatIsCut(server: Server): void {
  server.on('connection', (socket: Duplex & { readonly parser?: Parser | null }) => {
    const { parser } = socket
    const proceed = parser?.onIncoming
    if (parser === null || parser === undefined || proceed === undefined) return
    parser.onIncoming = (request, keepAlive) => (socket.destroyed ? STOP : proceed(request, keepAlive))
  })
}
