import { isIP, type LookupFunction, type Socket } from 'node:net'
import { buildConnector } from 'undici'
import { CapabilityError } from '../capability.ts'
import type { Address, Reach } from './addresses.ts'
import type { Resolve } from './resolver.ts'

interface Parts {
  readonly resolve: Resolve
  readonly reach: Reach
  /** Asked before each connection; throws if there may be no further one. */
  readonly admit: () => void
  /** Told of each socket that is opened. */
  readonly opened: (socket: Socket) => void
}

const CONNECT_TIMEOUT_MS = 10_000

/**
 * Opens connections to addresses that have been checked, and to no other: the name is resolved here, every address of it must
 * be within reach, and what is connected to is one of those very addresses. A name that resolves to something else a moment
 * later makes no difference.
 */
export function createConnector({ resolve, reach, admit, opened }: Parts): buildConnector.connector {
  return (options, callback) => void connect(options, callback)

  async function connect(options: buildConnector.Options, callback: buildConnector.Callback): Promise<void> {
    const host = options.hostname.replace(/^\[|\]$/g, '')
    try {
      admit()
      const addresses = await addressesOf(host, resolve)
      if (!addresses.every(({ address }) => reach.has(address))) throw refused(host)
      // Others may have come meanwhile.
      admit()
      opened(open(addresses, { ...options, hostname: host }, callback))
    } catch (error) {
      callback(error as Error, null)
    }
  }

  function open(
    addresses: readonly Address[],
    options: buildConnector.Options,
    callback: buildConnector.Callback,
  ): Socket {
    const build = buildConnector({
      allowH2: false,
      timeout: CONNECT_TIMEOUT_MS,
      maxCachedSessions: 0,
      lookup: answer(addresses),
      autoSelectFamily: addresses.length > 1,
      rejectUnauthorized: true,
    } as buildConnector.BuildOptions)
    // The connector gives the socket that it opens, which its type does not tell.
    return build(options, (error, connected) => {
      if (error !== null) return callback(error, null)
      // What follows from the check above is also seen to be so.
      const { remoteAddress } = connected
      if (remoteAddress !== undefined && reach.has(remoteAddress)) return callback(null, connected)
      connected.destroy()
      callback(refused(options.hostname), null)
    }) as unknown as Socket
  }
}

/** The address itself if the host is one: then nobody looks anything up. */
async function addressesOf(host: string, resolve: Resolve): Promise<readonly Address[]> {
  const family = isIP(host)
  return family === 0 ? await resolve(host) : [{ address: host, family: family === 4 ? 4 : 6 }]
}

/** Gives the addresses that were checked, whatever is asked. */
function answer(addresses: readonly Address[]): LookupFunction {
  return (_host, { all }, callback) => {
    const [first] = addresses
    if (all === true) callback(null, [...addresses])
    else if (first !== undefined) callback(null, first.address, first.family)
  }
}

/** The same for every address: which it is, and whether anything is there, is none of the guest's business. */
function refused(host: string): CapabilityError {
  return new CapabilityError(
    'EGRESS_REFUSED',
    `${host.slice(0, 255)} is not on the public internet, and no range of the policy has it (capabilities.fetch.privateRanges)`,
  )
}
