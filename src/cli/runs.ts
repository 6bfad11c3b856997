import { type Command, Option } from 'commander'
import { RUN_STATUSES } from '../core/outcome.ts'
import { ask, path, withQuery } from './ask.ts'
import { connect } from './connect.ts'
import type { Context } from './context.ts'
import { ABSENT, formatCount, formatMillis, formatTime, formatUsd } from './format.ts'
import { at, listAt, numberAt, printJson, textAt } from './json.ts'
import { type TenantOptions, addTenantOptions, parseWhole } from './options.ts'
import { printLogs, printReport, printTrouble } from './report.ts'
import { left, renderTable, right } from './table.ts'
import { paint, print } from './terminal.ts'

interface RunsOptions extends TenantOptions {
  readonly status?: string
  readonly function?: string
  readonly from?: string
  readonly to?: string
  readonly before?: string
  readonly limit?: number
}

const COLUMNS = [
  left('run'),
  left('started'),
  left('status'),
  right('wall'),
  right('cpu'),
  right('units'),
  right('cost'),
]

/** `cloister runs`: what a tenant ran, or one run with its logs. */
export function registerRuns(program: Command, context: Context): void {
  const command = program
    .command('runs')
    .summary('list runs, or show one')
    .description('Lists the runs of a tenant, newest first, or shows one with its error and logs.')
    .argument('[run]', 'the id of one run')
    .addOption(new Option('--status <status>', 'only those that ended so').choices(RUN_STATUSES))
    .option('--function <name>', 'only those of this function')
    .option('--from <time>', 'ISO 8601, inclusive')
    .option('--to <time>', 'ISO 8601, exclusive')
    .option('--before <run>', 'continue after this one, the last of a page')
    .option('--limit <count>', 'at most so many', parseWhole)
  addTenantOptions(command, 'cloister runs --tenant ann --status timeout --limit 20').action(
    async (run: string | undefined, options: RunsOptions) => {
      await (run === undefined ? listRuns(options, context) : showRun(run, options, context))
    },
  )
}

async function listRuns({ tenant, ...options }: RunsOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const { status, function: name, from, to, before, limit } = options
  const query = { status, function: name, from, to, before, limit: limit === undefined ? undefined : String(limit) }
  const answer = await ask(connection, 'GET', withQuery(path`/v1/tenants/${tenant}/runs`, query))
  if (options.json) return printJson(context.out, answer)
  const page: unknown = JSON.parse(answer)
  const rows = listAt(page, 'runs').map(toRow)
  if (rows.length === 0) return print(context.err, `${tenant} has no such runs`)
  print(context.out, renderTable(context.out, COLUMNS, rows))
  const next = textAt(page, 'next')
  if (next !== undefined) print(context.err, `there may be more: --before ${next}`)
}

async function showRun(run: string, { tenant, ...options }: RunsOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const answer = await ask(connection, 'GET', path`/v1/tenants/${tenant}/runs/${run}`)
  if (options.json) return printJson(context.out, answer)
  const { out } = context
  const found: unknown = JSON.parse(answer)
  const facts = ['startedAt', 'trigger', 'policy', 'walls'].map((name) => `${name} ${textAt(found, name) ?? ABSENT}`)
  print(out, `${paint(out, 'bold', textAt(found, 'runId') ?? run)}  ${facts.join('  ')}`)
  printLogs(out, found)
  printTrouble(out, found)
  printReport(out, found)
}

function toRow(run: unknown): readonly string[] {
  const usage = at(run, 'usage')
  return [
    textAt(run, 'runId') ?? '',
    formatTime(textAt(run, 'startedAt')),
    textAt(run, 'status') ?? '',
    formatMillis(numberAt(usage, 'wallMs')),
    formatMillis(numberAt(usage, 'cpuMs')),
    formatCount(textAt(usage, 'units')),
    formatUsd(textAt(usage, 'costUsd')),
  ]
}
