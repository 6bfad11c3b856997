import type { Command } from 'commander'
import { ask, path, withQuery } from './ask.ts'
import { registerBillEvidence } from './bill-evidence.ts'
import { connect } from './connect.ts'
import type { Context } from './context.ts'
import { formatCount, formatUsd } from './format.ts'
import { listAt, printJson, textAt } from './json.ts'
import { type TenantOptions, addTenantOptions, parsePeriod } from './options.ts'
import { left, renderTable, right } from './table.ts'
import { paint, print } from './terminal.ts'

interface BillOptions extends TenantOptions {
  readonly period?: string
  readonly csv?: true
}

const COLUMNS = [left('line'), right('quantity'), left('unit'), right('unit price'), right('amount')]

/** `cloister bill`: what a tenant owes for a month, line by line; where a line comes from; what it would be otherwise. */
export function registerBill(program: Command, context: Context): void {
  const command = program
    .command('bill')
    .summary('what a tenant owes for a month')
    .description('Shows the bill of a tenant for one UTC month, line by line.')
    .option('--period <month>', 'YYYY-MM; the current month if absent', parsePeriod)
    .option('--csv', 'print CSV as it is exported')
  addTenantOptions(command, 'cloister bill --tenant ann --period 2026-03').action(async (options: BillOptions) => {
    await showBill(options, context)
  })
  registerBillEvidence(command, context)
}

async function showBill({ tenant, period, csv, ...options }: BillOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const address = withQuery(path`/v1/tenants/${tenant}/bill`, { period })
  if (csv) {
    context.out.stream.write(await ask(connection, 'GET', address, { accept: 'text/csv' }))
    return
  }
  const answer = await ask(connection, 'GET', address)
  if (options.json) printJson(context.out, answer)
  else printBill(context, JSON.parse(answer))
}

function printBill({ out }: Context, bill: unknown): void {
  const book = `prices ${textAt(bill, 'priceBook', 'name') ?? ''} v${textAt(bill, 'priceBook', 'version') ?? ''}`
  const title = `${textAt(bill, 'tenant') ?? ''}, ${textAt(bill, 'period') ?? ''}`
  const rows = listAt(bill, 'lines').map((line) => [
    textAt(line, 'description') ?? textAt(line, 'line') ?? '',
    formatCount(textAt(line, 'quantity')),
    textAt(line, 'unit') ?? '',
    formatUsd(textAt(line, 'unitPrice')),
    formatUsd(textAt(line, 'amount')),
  ])
  const total = ['total', '', '', '', formatUsd(textAt(bill, 'total'))]
  print(out, `${paint(out, 'bold', title)}  ${formatCount(textAt(bill, 'records'))} runs, ${book}\n`)
  print(out, renderTable(out, COLUMNS, rows, total))
}
