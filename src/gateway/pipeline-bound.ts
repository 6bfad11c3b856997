import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

type Listener = (request: IncomingMessage, response: ServerResponse) => void

/**
 * Ends a connection that brings more than `requestsMax` requests in one turn of the event loop. Node reads all requests of a
 * piece of 64 KiB before anybody else has a turn, and that is more than a thousand small ones.
 */
export function boundPipeline(listener: Listener, requestsMax: number): Listener {
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
    else listener(request, response)
  }
}
