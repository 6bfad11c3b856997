import type { Server, Socket } from 'node:net'
import ipaddr from 'ipaddr.js'

/**
 * Has one address hold no more than `max` connections at once: the one over it is closed before anything of it is read. Of
 * an IPv6 address the first 64 bits count, because whoever has one has all that share them. 0 is no bound: behind a proxy
 * all connections come from one address.
 */
export function boundConnections(server: Server, max: number): void {
  if (max === 0) return
  const counts = new Map<string, number>()
  server.prependListener('connection', (socket: Socket) => {
    const source = sourceOf(socket.remoteAddress)
    const count = (counts.get(source) ?? 0) + 1
    if (count > max) {
      socket.destroy()
      return
    }
    counts.set(source, count)
    socket.once('close', () => {
      const left = (counts.get(source) ?? 1) - 1
      if (left > 0) counts.set(source, left)
      else counts.delete(source)
    })
  })
}

/** What an address is counted as. A connection that has ended already has none. */
export function sourceOf(address: string | undefined): string {
  if (address === undefined || !ipaddr.isValid(address)) return ''
  const parsed = ipaddr.process(address)
  return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 4).join(':') : parsed.toString()
}
