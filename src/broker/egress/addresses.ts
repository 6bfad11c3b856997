import { networkInterfaces } from 'node:os'
import ipaddr from 'ipaddr.js'

/** An IP address as the resolver gives it. */
export interface Address {
  readonly address: string
  readonly family: 4 | 6
}

/**
 * IPv4 that is not somebody's on the public internet: this network, private, shared (CGNAT), loopback, link-local and cloud
 * metadata, protocol assignments, documentation, 6to4 relays, benchmarks, multicast, reserved; and Azure's WireServer, which
 * looks public and is the hypervisor.
 */
const NOT_PUBLIC_4 = rangesOf([
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
])
/** The only part of IPv6 that is given out for the public internet: mapped, compatible, NAT64, local and multicast are outside it. */
const GLOBAL_6 = rangesOf(['2000::/3'])
/** What is special within it: protocol assignments with Teredo and ORCHID, documentation, 6to4. */
const NOT_PUBLIC_6 = rangesOf(['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'])

type Range = ReturnType<typeof ipaddr.parseCIDR>

/** Says which addresses may be connected to. */
export class Reach {
  readonly #allowed: readonly Range[]

  /** `privateRanges`: what the operator lets be reached although it is not public, as CIDR. */
  constructor(privateRanges: readonly string[]) {
    this.#allowed = rangesOf(privateRanges)
  }

  /** Whether an address may be connected to. What cannot be read may not. */
  has(text: string): boolean {
    const address = parse(text)
    if (address === undefined) return false
    if (isIn(address, this.#allowed)) return true
    return isPublic(address) && !isOfThisMachine(address)
  }
}

function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (address.kind() === 'ipv4') return !isIn(address, NOT_PUBLIC_4)
  return isIn(address, GLOBAL_6) && !isIn(address, NOT_PUBLIC_6)
}

/** A machine's public addresses lead to its own services, past whatever stands between it and the world. */
function isOfThisMachine(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  const text = address.toNormalizedString()
  return Object.values(networkInterfaces()).some((entries) =>
    entries?.some((entry) => parse(entry.address)?.toNormalizedString() === text),
  )
}

function parse(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  // A zone is of this machine's own links; and of IPv4 there are spellings that others read differently.
  if (text.includes('%')) return undefined
  if (text.includes(':')) return ipaddr.IPv6.isValid(text) ? ipaddr.IPv6.parse(text) : undefined
  return ipaddr.IPv4.isValidFourPartDecimal(text) ? ipaddr.IPv4.parse(text) : undefined
}

function isIn(address: ipaddr.IPv4 | ipaddr.IPv6, ranges: readonly Range[]): boolean {
  return ranges.some(([base, bits]) => base.kind() === address.kind() && address.match([base, bits] as never))
}

function rangesOf(texts: readonly string[]): readonly Range[] {
  return texts.map((text) => ipaddr.parseCIDR(text))
}
