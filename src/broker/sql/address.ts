import { lookup } from 'node:dns/promises'
import ipaddr from 'ipaddr.js'

/** Who named an address: what the operator names is reached wherever it is, what a tenant names only in the open internet. */
export type NamedBy = 'operator' | 'tenant'

/** A host that is not connected to. The message is for whoever named it. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused'
}

/**
 * Looks a host up and returns the address to connect to: the connection goes there and nowhere else, whatever the name
 * means a moment later. Throws AddressRefused if a tenant named it and any of its addresses is not a public one.
 */
export async function approvedAddress(host: string, namedBy: NamedBy): Promise<string> {
  const found = await lookup(host, { all: true, order: 'verbatim' })
  const [first] = found
  if (first === undefined) throw new AddressRefused('the host has no address')
  if (namedBy === 'tenant' && !found.every(({ address }) => isPublic(address))) {
    throw new AddressRefused('the host is not a public address; only the operator may bind a private one')
  }
  return first.address
}

/** Whether an address belongs to the open internet: not to this machine, its networks, or any special purpose. */
export function isPublic(text: string): boolean {
  if (!ipaddr.isValid(text)) return false
  // An IPv4 address in the clothes of IPv6 is what it is inside.
  return ipaddr.process(text).range() === 'unicast'
}
