import type { Command } from 'commander'
import { ask, path, withQuery } from './ask.ts'
import { connect } from './connect.ts'
import type { Context } from './context.ts'
import { formatBytes, formatCount, formatMillis, formatTime, formatUsd } from './format.ts'
import { at, listAt, numberAt, printJson, textAt } from './json.ts'
import { type TenantOptions, addTenantOptions } from './options.ts'
import { left, renderTable, right } from './table.ts'
import { paint, print } from './terminal.ts'

interface UsageOptions extends TenantOptions {
  readonly from?: string
  readonly to?: string
  readonly groupBy?: string
}

const FIGURES = [
  right('runs'),
  right('units'),
  right('GB-s'),
  right('wall'),
  right('cpu'),
  right('in'),
  right('out'),
  right('cost'),
]

/** `cloister usage`: what a tenant consumed in a range, by groups. */
export function registerUsage(program: Command, context: Context): void {
  const command = program
    .command('usage')
    .summary('what a tenant consumed')
    .description('Shows what a tenant consumed, in units of 100 ms and in quantities. All times are UTC.')
    .option('--from <time>', 'ISO 8601, inclusive; the start of the month if absent')
    .option('--to <time>', 'ISO 8601, exclusive; the end of the month if absent')
    .option(
      '--group-by <groups>',
      'day, hour, outcome, trigger, policy, function, version, kind, or several with commas',
    )
  addTenantOptions(command, 'cloister usage --tenant ann --from 2026-03-01 --group-by day,outcome').action(
    async (options: UsageOptions) => {
      await showUsage(options, context)
    },
  )
}

async function showUsage({ tenant, from, to, groupBy, ...options }: UsageOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const address = withQuery(path`/v1/tenants/${tenant}/usage`, { from, to, groupBy })
  const answer = await ask(connection, 'GET', address)
  if (options.json) printJson(context.out, answer)
  else printUsage(context, JSON.parse(answer))
}

function printUsage({ out }: Context, report: unknown): void {
  const groups = listAt(report, 'groupBy').map(String)
  const range = `${formatTime(textAt(report, 'from'))} to ${formatTime(textAt(report, 'to'))}`
  const title = `${textAt(report, 'tenant') ?? ''}, ${range} UTC`
  const total = at(report, 'total')
  print(out, `${paint(out, 'bold', title)}\n`)
  if (groups.length === 0) {
    print(out, renderTable(out, FIGURES, [figuresOf(total)]))
    return
  }
  const rows = listAt(report, 'rows').map((row) => [
    ...groups.map((group) => textAt(row, group) ?? ''),
    ...figuresOf(row),
  ])
  const totalRow = groups.map((_group, index) => (index === 0 ? 'total' : ''))
  print(out, renderTable(out, [...groups.map(left), ...FIGURES], rows, [...totalRow, ...figuresOf(total)]))
}

function figuresOf(row: unknown): readonly string[] {
  return [
    formatCount(textAt(row, 'requests')),
    formatCount(textAt(row, 'units')),
    formatCount(numberAt(row, 'gbSeconds')?.toFixed(3)),
    formatMillis(numberAt(row, 'wallMs')),
    formatMillis(numberAt(row, 'cpuMs')),
    formatBytes(numberAt(row, 'inputBytes')),
    formatBytes(numberAt(row, 'outputBytes')),
    formatUsd(textAt(row, 'cost')),
  ]
}
