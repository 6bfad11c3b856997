import { InvalidArgumentError } from 'commander'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Where a debugger may connect. */
export interface InspectorAddress {
  readonly host: string
  readonly port: number
}

/** Where DevTools and editors look without being told. */
export const DEFAULT_INSPECTOR: InspectorAddress = { host: '127.0.0.1', port: 9_229 }

/** Reads PORT, HOST or HOST:PORT; port 0 is any that is free. Only an address of this machine alone is taken. */
export function parseInspectorAddress(text: string): InspectorAddress {
  const found = /^(?:(127(?:\.\d{1,3}){3}|localhost|\[::1\])(?::(\d{1,5}))?|(\d{1,5}))$/.exec(text)
  const port = Number(found?.[2] ?? found?.[3] ?? DEFAULT_INSPECTOR.port)
  if (found === null || port > 65_535) {
    throw new InvalidArgumentError(
      'Write FILE first, then --inspect or --inspect=127.0.0.1:9229. A debugger gets in from this machine only; an SSH tunnel brings one from elsewhere.',
    )
  }
  return { host: found[1]?.replaceAll(/[[\]]/g, '') ?? DEFAULT_INSPECTOR.host, port }
}

/** Host and port of a server that listens, as URLs have them. */
export function hostOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo
  return `${family === 'IPv6' ? `[${address}]` : address}:${port}`
}
