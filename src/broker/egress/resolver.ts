import { Resolver as DnsResolver } from 'node:dns/promises'
import { CapabilityError } from '../capability.ts'
import type { Address } from './addresses.ts'

/** Finds the addresses of a name. Rejects with DNS_FAILED if there are none. */
export type Resolve = (host: string) => Promise<readonly Address[]>

const TIMEOUT_MS = 3_000
const TRIES = 2
const ADDRESSES_MAX = 16

/**
 * Asks the name servers of the machine itself, without Node's `lookup`: that one waits in one of the four threads that the
 * host's files are read by, so slow names would hold up everything; and it knows the machine's own names from /etc/hosts.
 */
export function createResolver(servers: readonly string[] = []): Resolve {
  const resolver = new DnsResolver({ timeout: TIMEOUT_MS, tries: TRIES })
  if (servers.length > 0) resolver.setServers(servers)
  return async (host) => {
    const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
    const found: Address[] = [
      ...(four.status === 'fulfilled' ? four.value.map((address) => ({ address, family: 4 as const })) : []),
      ...(six.status === 'fulfilled' ? six.value.map((address) => ({ address, family: 6 as const })) : []),
    ]
    if (found.length === 0) throw new CapabilityError('DNS_FAILED', `the name ${host.slice(0, 255)} has no address`)
    return found.slice(0, ADDRESSES_MAX)
  }
}
