import type { ConfigOverrides } from '../config.ts'
import { CloisterError } from '../core/errors.ts'
import type { Inspection } from '../core/inspection.ts'
import { type Connection, connectInProcess, connectOverNetwork } from './connection.ts'
import type { Context } from './context.ts'
import { configure, findOwner, readAdminKey } from './data-directory.ts'
import type { CommonOptions } from './options.ts'
import { EXIT_USAGE, Stop } from './stop.ts'

/**
 * Connects to the server that CLOISTER_URL names; without one, to the data directory: through the server that has it open,
 * or else by opening it in this process, which is what there has to be for an `inspection`. Throws CONFLICT when another process has it open that does not serve.
 */
export async function connect(
  { data }: CommonOptions,
  context: Context,
  overrides: ConfigOverrides = {},
  inspection?: Inspection,
): Promise<Connection> {
  const { CLOISTER_URL: url, CLOISTER_KEY: key } = context.env
  // An empty variable is how a shell says that there is none.
  if (url !== undefined && url !== '' && inspection !== undefined) throw neverInspects(`the server at ${url}`)
  if (url !== undefined && url !== '')
    return connectOverNetwork({ url, key: key === '' ? undefined : key, place: 'server' })
  const config = configure(context, { dataDirectory: data, ...quietly(context), ...overrides })
  const server = await connectToOwner(config.dataDirectory, context)
  if (server !== undefined && inspection !== undefined) {
    throw neverInspects(`the server that has ${config.dataDirectory} open`)
  }
  if (server !== undefined) return server
  const { openHost } = await context.loadHost()
  try {
    return connectInProcess(await openHost(config, inspection))
  } catch (error) {
    if (!(error instanceof CloisterError) || error.code !== 'CONFLICT') throw error
    // A server may have started in the meantime.
    const late = await connectToOwner(config.dataDirectory, context)
    if (late !== undefined && inspection === undefined) return late
    throw error
  }
}

function neverInspects(server: string): Stop {
  return new Stop(`${server} lets nobody look into a run: --inspect and --cpu-profile are for development`, {
    exit: EXIT_USAGE,
    next: 'unset CLOISTER_URL, or name a data directory that no server has open with --data',
  })
}

/** One command needs few cells and no log, unless the environment asks for them. */
function quietly({ env }: Context): { readonly logLevel?: 'error'; readonly blankCells?: 1 } {
  return {
    ...(env['CLOISTER_LOG_LEVEL'] === undefined && { logLevel: 'error' }),
    ...(env['CLOISTER_BLANK_CELLS'] === undefined && { blankCells: 1 }),
  }
}

async function connectToOwner(directory: string, { env }: Context): Promise<Connection | undefined> {
  const owner = await findOwner(directory)
  if (owner?.url === undefined) return undefined
  return connectOverNetwork({ url: owner.url, key: await readAdminKey(directory, env), place: 'data-directory' })
}
