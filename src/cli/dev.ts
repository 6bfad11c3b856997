import { dirname, resolve } from 'node:path'
import type { Command } from 'commander'
import { listen as listenTo } from '../core/events.ts'
import { ask, path } from './ask.ts'
import { type Connection, connectInProcess } from './connection.ts'
import type { Context } from './context.ts'
import { configure } from './data-directory.ts'
import { putCode } from './deploy.ts'
import { ensureTenant } from './ensure-tenant.ts'
import { describeFailure, printFailure } from './failure.ts'
import { FolderWatch } from './folder-watch.ts'
import { type IncrementalBundle, openBundle } from './incremental-bundle.ts'
import { textAt } from './json.ts'
import { type TenantOptions, addTenantOptions } from './options.ts'
import { readProject } from './project.ts'
import { type Positions, translateAnswer } from './source-positions.ts'
import { printLogs, printReport, printTrouble } from './report.ts'
import { listen } from './serve.ts'
import { EXIT_OK, type ExitCode } from './stop.ts'
import { paint, print } from './terminal.ts'

interface DevOptions extends TenantOptions {
  readonly name?: string
  readonly port?: string
}

/** `cloister dev DIR`: serves a project and deploys it again whenever a file of it changes. */
export function registerDev(program: Command, context: Context): void {
  const command = program
    .command('dev')
    .summary('serve a project, and deploy it whenever it changes')
    .description(
      'Serves the API at 127.0.0.1 under the limits of the tenant’s policy, deploys a project, deploys it again whenever one of its files changes, and prints what its runs log. Ends with SIGINT or SIGTERM.',
    )
    .argument('<place>', 'a folder with a cloister.json, or a file')
    .option('--name <name>', 'the function; by the file or cloister.json if absent')
    .option('--port <number>', 'the port to listen on, 8787 if absent; 0 picks a free one')
  addTenantOptions(command, 'cloister dev app --port 0').action(async (place: string, options: DevOptions) => {
    context.finish(await develop(place, options, context))
  })
}

async function develop(place: string, options: DevOptions, context: Context): Promise<ExitCode> {
  using shutdown = context.listenForShutdown()
  const config = configure(context, {
    dataDirectory: options.data,
    port: options.port,
    host: '127.0.0.1',
    ...(context.env['CLOISTER_LOG_LEVEL'] === undefined && { logLevel: 'error' }),
    ...(context.env['CLOISTER_BLANK_CELLS'] === undefined && { blankCells: '2' }),
  })
  const project = await readProject(place, options.name, context)
  const folder = project.file === place ? dirname(resolve(place)) : resolve(place)
  await using bundle = await openBundle(project.file)
  const { openHost } = await context.loadHost()
  await using host = await openHost(config)
  const connection = connectInProcess(host)
  const { url } = await listen(host, config)
  await ensureTenant(connection, options, context)
  const deployer = new Deployer({ place, options, context, connection, bundle, folder })
  using _logs = printRuns(connection, options, context, deployer)
  using watch = new FolderWatch(() => void deployer.deploy().then((folders) => watch.watch(folders)))
  watch.watch(await deployer.deploy())
  const call = path`/v1/tenants/${options.tenant}/functions/${project.name}/invoke`
  if (options.json) print(context.out, JSON.stringify({ event: 'listening', url, key: host.adminKey }))
  else print(context.out, `serving  ${paint(context.out, 'cyan', `${url}${call}`)}`)
  const signal = await shutdown.requested
  print(context.err, `${signal}: finishing what runs; once more ends at once`)
  watch[Symbol.dispose]()
  await deployer.idle
  await host.drain()
  return EXIT_OK
}

interface Parts {
  readonly place: string
  readonly options: DevOptions
  readonly context: Context
  readonly connection: Connection
  readonly bundle: IncrementalBundle
  /** The one with the project file, or with the code. */
  readonly folder: string
}

/** Deploys a project, one time after the other: a change during a deployment is deployed after it. */
class Deployer {
  readonly #parts: Parts
  #last = Promise.resolve()
  #waiting: Promise<readonly string[]> | undefined
  /** Where things of the version deployed last are in the user's files. */
  positions: Positions | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Resolves when nothing is being deployed any more. */
  get idle(): Promise<unknown> {
    return this.#waiting ?? this.#last
  }

  /** Never rejects: what is wrong with the code is printed. Resolves with the folders to watch. */
  deploy(): Promise<readonly string[]> {
    this.#waiting ??= this.#last.then(async () => {
      this.#waiting = undefined
      const turn = this.#deployOnce()
      this.#last = turn
      await turn
      return [...new Set([...this.#parts.bundle.folders, this.#parts.folder])]
    })
    return this.#waiting
  }

  async #deployOnce(): Promise<void> {
    const { place, options, context, connection, bundle } = this.#parts
    const { out, err, clock } = context
    const started = clock.elapsed()
    try {
      const project = await readProject(place, options.name, context)
      const { modules, main, positions } = await bundle.build()
      this.positions = positions
      const body = JSON.stringify({ modules, main, config: project.config })
      const address = path`/v1/tenants/${options.tenant}/functions/${project.name}`
      const answer: unknown = JSON.parse(await putCode(connection, address, { body, positions }))
      const [name, version] = [textAt(answer, 'name'), textAt(answer, 'version')]
      const tookMs = Math.round((clock.elapsed() - started) * 10) / 10
      if (options.json) print(out, JSON.stringify({ event: 'deployed', name, version: Number(version), tookMs }))
      else print(out, `${paint(out, 'green', 'deployed')} ${name} version ${version} in ${tookMs} ms`)
    } catch (error) {
      if (options.json) print(out, JSON.stringify({ event: 'failed', message: describeFailure(error).message }))
      else printFailure(err, describeFailure(error))
    }
  }
}

/** Prints the logs and the end of every run of the tenant, until it is disposed of. */
function printRuns(
  connection: Connection,
  { tenant, json }: DevOptions,
  { out, err }: Context,
  code: { readonly positions: Positions | undefined },
): Disposable {
  const show = async (run: string): Promise<void> => {
    const text = await ask(connection, 'GET', path`/v1/tenants/${tenant}/runs/${run}`)
    const given: unknown = JSON.parse(text)
    const answer = code.positions === undefined ? given : translateAnswer(given, code.positions)
    if (json) return print(out, JSON.stringify({ event: 'run', run: answer }))
    printLogs(err, answer)
    printTrouble(err, answer)
    printReport(err, answer)
  }
  const stop = listenTo('run.finished', (run) => {
    // A run that cannot be shown is no reason to end: it may be of a moment in which the host is closing.
    if (run.tenant === tenant) show(run.run).catch(() => {})
  })
  return { [Symbol.dispose]: stop }
}
