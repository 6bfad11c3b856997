import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

const controllers = new WeakMap<Duplex, AbortController>()

/**
 * The signal that aborts when the client goes away. Every request of a connection shares one: a connection closes once, so
 * a request over one that is kept alive costs a look-up, no controller and no listener.
 */
export function connectionSignal({ socket }: IncomingMessage): AbortSignal {
  const known = controllers.get(socket)
  if (known !== undefined) return known.signal
  const controller = new AbortController()
  controllers.set(socket, controller)
  socket.once('close', () => controller.abort())
  if (socket.destroyed) controller.abort()
  return controller.signal
}
