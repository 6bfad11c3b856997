import type { Command } from 'commander'
import type { Config } from '../config.ts'
import type { Context } from './context.ts'
import { adminKeyFile, configure } from './data-directory.ts'
import { ABSENT } from './format.ts'
import type { Host } from './host.ts'
import { textAt } from './json.ts'
import { type CommonOptions, addCommonOptions } from './options.ts'
import { EXIT_HOST_FAULT, EXIT_OK, type ExitCode, Stop } from './stop.ts'
import { paint, print } from './terminal.ts'

interface ServeOptions extends CommonOptions {
  readonly port?: string
  readonly host?: string
  readonly policies?: string
  readonly priceBook?: string
  readonly blankCells?: string
  readonly logLevel?: string
  readonly allowWeakWalls?: true
}

/** `cloister serve`: the HTTP API, until SIGTERM or SIGINT. */
export function registerServe(program: Command, context: Context): void {
  const command = program
    .command('serve')
    .summary('start the server')
    .description(
      'Starts the HTTP API and serves until SIGTERM or SIGINT, then finishes what runs and exits 0. A second signal ends it at once.\n' +
        'Every knob can also be set in the environment: CLOISTER_PORT, CLOISTER_BLANK_CELLS, …',
    )
    .option('--port <number>', 'the port to listen on, 8787 if absent; 0 picks a free one')
    .option('--host <address>', 'the address to listen on, 127.0.0.1 if absent')
    .option('--policies <dir>', 'a folder with policies of your own')
    .option('--price-book <file>', 'what usage costs')
    .option('--blank-cells <count>', 'cells that are kept started before a tenant needs one')
    .option('--log-level <level>', 'trace, debug, info, warn, error, fatal or silent')
    .option('--allow-weak-walls', 'run policies that ask for walls this machine does not have; for development only')
  addCommonOptions(command, 'cloister serve --port 8787 --data /var/lib/cloister').action(
    async (options: ServeOptions) => {
      context.finish(await serve(options, context))
    },
  )
}

async function serve(options: ServeOptions, context: Context): Promise<ExitCode> {
  // Before anything is opened, so that a signal during the start is answered in an orderly way too.
  using shutdown = context.listenForShutdown()
  const config = configure(context, {
    dataDirectory: options.data,
    port: options.port,
    host: options.host,
    policiesDirectory: options.policies,
    priceBook: options.priceBook,
    blankCells: options.blankCells,
    logLevel: options.logLevel,
    allowWeakWalls: options.allowWeakWalls,
  })
  const { openHost } = await context.loadHost()
  await using host = await openHost(config)
  const { url } = await listen(host, config)
  const first = await Promise.race([host.ready().then(() => 'ready'), shutdown.requested])
  if (first === 'ready') announce({ url, walls: await askWalls(host) }, config, options, context)
  const signal = await shutdown.requested
  print(context.err, `${signal}: finishing what runs; once more ends at once`)
  await host.drain()
  return EXIT_OK
}

/** Opens the host's door. Throws a Stop that says why it cannot. */
export async function listen(host: Host, { host: address, port }: Config): Promise<{ readonly url: string }> {
  try {
    return await host.listen()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
    const trouble = code === undefined ? undefined : LISTEN_TROUBLES[code]
    if (trouble === undefined) throw error
    throw new Stop(`cannot listen on ${address} port ${port}: ${trouble.why}`, {
      exit: EXIT_HOST_FAULT,
      next: trouble.next,
    })
  }
}

const LISTEN_TROUBLES: Readonly<Record<string, { readonly why: string; readonly next: string }>> = {
  EADDRINUSE: { why: 'something else listens there', next: 'choose another with --port, or --port 0 for any free one' },
  EACCES: { why: 'this user may not', next: 'choose a port from 1024 on with --port' },
  EADDRNOTAVAIL: { why: 'this machine has no such address', next: 'choose another with --host' },
  ENOTFOUND: { why: 'there is no such host name', next: 'choose another with --host' },
}

/** How strong the walls are: the one thing that an operator should not have to ask for. */
async function askWalls(host: Host): Promise<string> {
  const { body } = await host.inject({ method: 'GET', url: '/readyz', headers: {} })
  return textAt(JSON.parse(body), 'walls') ?? ABSENT
}

interface Serving {
  readonly url: string
  readonly walls: string
}

function announce({ url, walls }: Serving, config: Config, { json }: ServeOptions, { out }: Context): void {
  const directory = config.dataDirectory
  // A key that the operator set is in no file.
  const keyFile = config.adminKey === undefined ? adminKeyFile(directory) : null
  if (json) {
    print(out, JSON.stringify({ url, pid: process.pid, dataDirectory: directory, adminKeyFile: keyFile }))
    return
  }
  const key = keyFile === null ? '"$CLOISTER_ADMIN_KEY"' : `"$(cat ${quoteForShell(keyFile)})"`
  print(out, `${paint(out, 'bold', 'Cloister')} serves ${paint(out, 'cyan', url)}`)
  print(out, `  data       ${directory}`)
  print(out, `  admin key  ${keyFile ?? 'CLOISTER_ADMIN_KEY, as it was given'}`)
  print(out, `  walls      level ${walls}; cloister doctor says more\n`)
  print(out, `A first run, to paste into another terminal:\n\n${firstRun(url, key)}\n`)
}

function firstRun(url: string, key: string): string {
  const call = `curl -sS -H "authorization: Bearer $KEY" -H 'content-type: application/json'`
  const code = JSON.stringify({ code: 'return { hello: input.name }', input: { name: 'ann' } })
  return [
    `KEY=${key}`,
    `${call} -X PUT ${url}/v1/tenants/ann -d '{"policy":"default"}'`,
    `${call} ${url}/v1/tenants/ann/execute -d '${code}'`,
  ].join('\n')
}

function quoteForShell(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
