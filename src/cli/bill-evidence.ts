import type { Command } from 'commander'
import { ask, path, withQuery } from './ask.ts'
import { connect } from './connect.ts'
import type { Context } from './context.ts'
import { formatUsd } from './format.ts'
import { at, listAt, printJson, textAt } from './json.ts'
import { type TenantOptions, addTenantOptions, parsePeriod, parseWhole } from './options.ts'
import { nameOf, readText } from './source.ts'
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE, Stop } from './stop.ts'
import { left, renderTable, right } from './table.ts'
import { paint, print } from './terminal.ts'

interface ExplainOptions extends TenantOptions {
  readonly period?: string
  readonly limit?: number
}

interface SimulateOptions extends TenantOptions {
  readonly period?: string
  readonly book: string
}

const LINE_COLUMNS = [left('part'), right('quantity'), left('unit'), right('unit price'), right('amount')]
const RUN_COLUMNS = [left('run'), left('started'), right('quantity'), left('arithmetic')]
const SIMULATED_COLUMNS = [left('line'), right('as billed'), right('as simulated')]

/** `cloister bill explain`, `simulate` and `verify`: what stands behind a bill. */
export function registerBillEvidence(bill: Command, context: Context): void {
  registerExplain(bill, context)
  registerSimulate(bill, context)
  registerVerify(bill, context)
}

function registerExplain(bill: Command, context: Context): void {
  const command = bill
    .command('explain')
    .summary('where a line comes from, down to its runs')
    .description('Shows how a line of the bill comes about: its formula, and its runs with their arithmetic.')
    .argument('<line>', 'as the bill names it: compute, requests, cpu, operations:kv.read, …')
    .option('--period <month>', 'YYYY-MM; the current month if absent', parsePeriod)
    .option('--limit <runs>', 'runs that are looked at, newest first; 100 if absent', parseWhole)
  addTenantOptions(command, 'cloister bill explain compute --tenant ann --period 2026-03').action(
    async (line: string) => {
      await explainLine(line, command.optsWithGlobals<ExplainOptions>(), context)
    },
  )
}

async function explainLine(line: string, options: ExplainOptions, context: Context): Promise<void> {
  const { tenant, period, limit, ...rest } = options
  await using connection = await connect(rest, context)
  const query = { line, period, limit: limit === undefined ? undefined : String(limit) }
  const answer = await ask(connection, 'GET', withQuery(path`/v1/tenants/${tenant}/bill/explain`, query))
  if (options.json) {
    printJson(context.out, answer)
    return
  }
  const explanation: unknown = JSON.parse(answer)
  const { out } = context
  print(
    out,
    `${paint(out, 'bold', `${line}, ${textAt(explanation, 'period') ?? ''}`)}  ${textAt(explanation, 'formula') ?? ''}\n`,
  )
  const billed = listAt(explanation, 'billed').map((each) => [
    textAt(each, 'tier') ?? textAt(each, 'description') ?? '',
    textAt(each, 'quantity') ?? '',
    textAt(each, 'unit') ?? '',
    textAt(each, 'unitPrice') ?? '',
    formatUsd(textAt(each, 'amount')),
  ])
  print(out, `${renderTable(out, LINE_COLUMNS, billed)}\n`)
  const runs = listAt(explanation, 'runs').map((run) => [
    textAt(run, 'runId') ?? '',
    textAt(run, 'startedAt') ?? '',
    textAt(run, 'quantity') ?? '',
    textAt(run, 'arithmetic') ?? '',
  ])
  print(out, renderTable(out, RUN_COLUMNS, runs))
}

function registerSimulate(bill: Command, context: Context): void {
  const command = bill
    .command('simulate')
    .summary('what a month comes to by another price book')
    .description('Shows the bill of a month beside what a price book in a file makes of it. Changes nothing.')
    .requiredOption('--book <file>', 'a price book, or a list of its versions, as JSON; - for standard input')
    .option('--period <month>', 'YYYY-MM; the current month if absent', parsePeriod)
  addTenantOptions(command, 'cloister bill simulate --book new.json --tenant ann --period 2026-03').action(async () => {
    await simulate(command.optsWithGlobals<SimulateOptions>(), context)
  })
}

async function simulate({ tenant, period, book, ...options }: SimulateOptions, context: Context): Promise<void> {
  const text = await readText(book, context)
  await using connection = await connect(options, context)
  const address = withQuery(path`/v1/tenants/${tenant}/bill/simulate`, { period })
  const answer = await ask(connection, 'POST', address, { body: JSON.stringify({ book: parseBook(text, book) }) })
  if (options.json) {
    printJson(context.out, answer)
    return
  }
  const both: unknown = JSON.parse(answer)
  const { out } = context
  const amounts = (bill: 'bill' | 'simulated'): ReadonlyMap<string, string> =>
    new Map(listAt(both, bill, 'lines').map((line) => [nameOfLine(line), textAt(line, 'amount') ?? '']))
  const [billed, simulated] = [amounts('bill'), amounts('simulated')]
  const names = [...new Set([...billed.keys(), ...simulated.keys()])]
  const rows = names.map((name) => [name, formatUsd(billed.get(name)), formatUsd(simulated.get(name))])
  const totals = ['total', formatUsd(textAt(both, 'bill', 'total')), formatUsd(textAt(both, 'simulated', 'total'))]
  print(out, renderTable(out, SIMULATED_COLUMNS, rows, totals))
}

function nameOfLine(line: unknown): string {
  return [textAt(line, 'line'), textAt(line, 'tier')].filter((part) => part !== undefined).join(', ')
}

function parseBook(text: string, file: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new Stop(`${nameOf(file)} is not JSON: ${String(error)}`, { exit: EXIT_USAGE })
  }
}

function registerVerify(bill: Command, context: Context): void {
  const command = bill
    .command('verify')
    .summary('check the ledger, its roll-ups and the invoices')
    .description(
      "Checks a tenant's chain of records from the first, the roll-ups of them, and the invoices that are made of them. Exits 1 if anything is wrong.",
    )
  addTenantOptions(command, 'cloister bill verify --tenant ann').action(async () => {
    const { tenant, ...rest } = command.optsWithGlobals<TenantOptions>()
    await using connection = await connect(rest, context)
    const answer = await ask(connection, 'POST', path`/v1/tenants/${tenant}/bill/verify`)
    const isSound = at(JSON.parse(answer), 'ok') === true
    if (rest.json) printJson(context.out, answer)
    else print(context.out, `${isSound ? paint(context.out, 'green', 'ok') : 'wrong'}  ${answer}`)
    context.finish(isSound ? EXIT_OK : EXIT_FAILED)
  })
}
