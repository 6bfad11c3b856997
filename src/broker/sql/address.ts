import { lookup } from 'node:dns/promises'
import { Reach } from '../egress/addresses.ts'

/** Who named an address: what the operator names is reached wherever it is, what a tenant names only in the open internet. */
export type NamedBy = 'operator' | 'tenant'

const OPEN_INTERNET = new Reach([])

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
  if (namedBy === 'tenant' && !found.every(({ address }) => OPEN_INTERNET.has(address))) {
    throw new AddressRefused('the host is not a public address; only the operator may bind a private one')
  }
  return first.address
}
