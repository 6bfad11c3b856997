import { type Command, Option } from 'commander'
import { RUN_STATUSES } from '../core/outcome.ts'
import { ask, path, withQuery } from './ask.ts'
import { connect } from './connect.ts'
import type { Context } from './context.ts'
import { ABSENT, formatTime } from './format.ts'
import { listAt, numberAt, printJson, textAt } from './json.ts'
import { type TenantOptions, addTenantOptions, parseWhole } from './options.ts'
import { printLogs, printReport, printTrouble } from './report.ts'
import { readEvents } from './server-sent-events.ts'
import { EXIT_HOST_FAULT, EXIT_USAGE, Stop } from './stop.ts'
import { paint, print } from './terminal.ts'

interface LogsOptions extends TenantOptions {
  readonly follow?: true
  readonly function?: string
  readonly status?: string
  readonly search?: string
  readonly sample?: string
  readonly limit?: number
}

/** `cloister logs`: what a tenant's code has logged, and `cloister tail`: what it logs from now on. */
export function registerLogs(program: Command, context: Context): void {
  const logs = program
    .command('logs')
    .summary('show what a tenant’s code has logged')
    .description('Shows the last runs of a tenant with what they logged, oldest first.')
    .option('-f, --follow', 'go on with the runs that end from now on; needs a server')
    .option('--limit <count>', 'at most so many of the last runs', parseWhole)
  addFilters(logs, 'cloister logs --tenant ann --status error --search "no such order"').action(
    (options: LogsOptions) => (options.follow === true ? follow(options, context) : show(options, context)),
  )
  const tail = program
    .command('tail')
    .summary('follow what a tenant’s code logs')
    .description(
      'Shows the runs of a tenant as they end, with what they logged, until it is interrupted. Needs a server.',
    )
    .option('--sample <part>', 'only so many of one run, by chance: 0.1 is every tenth')
  addFilters(tail, 'cloister tail --tenant ann --function checkout').action((options: LogsOptions) =>
    follow(options, context),
  )
}

function addFilters(command: Command, example: string): Command {
  command
    .option('--function <name>', 'only runs of this function')
    .addOption(new Option('--status <status>', 'only runs that ended so').choices(RUN_STATUSES))
    .option('--search <text>', 'only runs with this text in a log line or in the error’s message')
  return addTenantOptions(command, example)
}

async function show({ tenant, limit, ...options }: LogsOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const query = { ...filterOf(options), limit: limit === undefined ? undefined : String(limit) }
  const answer = await ask(connection, 'GET', withQuery(path`/v1/tenants/${tenant}/logs`, query))
  if (options.json) return printJson(context.out, answer)
  const runs = listAt(JSON.parse(answer), 'runs')
  if (runs.length === 0) return print(context.err, `${tenant} has no such runs`)
  for (const run of runs) printRun(run, context)
}

async function follow({ tenant, ...options }: LogsOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  if (connection.stream === undefined) {
    throw new Stop('there is no server whose runs could be followed', {
      exit: EXIT_USAGE,
      next: 'start one with "cloister serve", or name one with CLOISTER_URL',
    })
  }
  const query = { follow: 'true', sample: options.sample, ...filterOf(options) }
  const parts = await connection.stream(withQuery(path`/v1/tenants/${tenant}/logs`, query))
  if (!options.json) print(context.err, paint(context.err, 'dim', `following ${tenant}; Ctrl-C ends it`))
  for await (const { name, data } of readEvents(parts)) {
    if (options.json) printJson(context.out, data)
    else if (name === 'run') printRun(JSON.parse(data), context)
    else if (name === 'lost') {
      const count = numberAt(JSON.parse(data), 'runs') ?? 0
      print(
        context.err,
        paint(context.err, 'yellow', `${count} more were not shown: they came faster than they were read`),
      )
    }
  }
  throw new Stop('the server ended it: it stops, or the key or the tenant is gone', { exit: EXIT_HOST_FAULT })
}

function filterOf({ function: name, status, search }: Omit<LogsOptions, 'tenant'>): Record<string, string | undefined> {
  return { function: name, status, search }
}

function printRun(run: unknown, { out }: Context): void {
  const name = textAt(run, 'function')
  const what = name === undefined ? (textAt(run, 'trigger') ?? ABSENT) : `${name}@${textAt(run, 'version') ?? ABSENT}`
  print(out, paint(out, 'bold', `${formatTime(textAt(run, 'startedAt'))}  ${what}`))
  printLogs(out, run)
  printTrouble(out, run)
  printReport(out, run)
}
