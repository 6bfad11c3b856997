import { ask, askIfThere, path } from './ask.ts'
import type { Connection } from './connection.ts'
import type { Context } from './context.ts'
import { EXIT_USAGE, Stop } from './stop.ts'
import { readPolicyOption } from './tenants.ts'

interface Wanted {
  readonly tenant: string
  readonly policy?: string
}

/** In a data directory of its own a tenant is made by using it; on a server only its operator makes tenants. */
export async function ensureTenant(
  connection: Connection,
  { tenant, policy }: Wanted,
  context: Context,
): Promise<void> {
  if (connection.place === 'server') {
    if (policy === undefined) return
    throw new Stop('--policy would change a tenant of the server', {
      exit: EXIT_USAGE,
      next: `cloister tenants put ${tenant} --policy ${policy}`,
    })
  }
  const address = path`/v1/tenants/${tenant}`
  if (policy === undefined && (await askIfThere(connection, address)) !== undefined) return
  const body = policy === undefined ? {} : { policy: await readPolicyOption(policy, context) }
  await ask(connection, 'PUT', address, { body: JSON.stringify(body) })
}
