import type { Bill } from './bill.ts'
import type { UsageReport } from './usage.ts'

/** Spreadsheets run a cell that begins so as a formula; the wide forms too, in some locales. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/
/** What is disarmed is no number any more; the amount of a discount has to stay one. */
const NUMBER = /^-?\d+(\.\d+)?$/
const NEEDS_QUOTES = /[",\r\n]/
const BILL_HEADER = ['tenant', 'period', 'line', 'description', 'quantity', 'unit', 'unitPrice', 'amount', 'currency']
const FIGURES = [
  'requests',
  'units',
  'unitMebibytes',
  'gbSeconds',
  'wallMs',
  'cpuMs',
  'inputBytes',
  'outputBytes',
  'coldStarts',
  'egressBytes',
  'ingressBytes',
  'storedByteHours',
] as const

/** A bill as CSV: a row a line, then one named `total`. */
export function billCsv(bill: Bill): string {
  const { tenant, period, currency } = bill
  const rows = bill.lines.map(({ line, description, quantity, unit, unitPrice, amount }) => {
    return [tenant, period, line, description, quantity, unit, unitPrice, amount, currency]
  })
  const total = [tenant, period, 'total', 'Total', '', '', '', bill.total, currency]
  return csv([BILL_HEADER, ...rows, total])
}

/** Usage as CSV: the groups, the quantities, a column for each operation that was used, the cost. No total row. */
export function usageCsv(report: UsageReport): string {
  const operations = Object.keys(report.total.operations)
  const header = [...report.groupBy, ...FIGURES, ...operations.map((name) => `operations:${name}`), 'cost', 'currency']
  const rows = report.rows.map((row) => [
    ...report.groupBy.map((group) => row[group] ?? ''),
    ...FIGURES.map((figure) => row[figure]),
    ...operations.map((name) => row.operations[name] ?? 0),
    row.cost,
    report.currency,
  ])
  return csv([header, ...rows])
}

/** Rows as RFC 4180: CRLF after each, quotes where needed. Text that a spreadsheet would run is disarmed with a `'`. */
export function csv(rows: readonly (readonly (string | number)[])[]): string {
  return rows.map((row) => `${row.map(csvField).join(',')}\r\n`).join('')
}

function csvField(value: string | number): string {
  if (typeof value === 'number') return String(value)
  const text = FORMULA.test(value) && !NUMBER.test(value) ? `'${value}` : value
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
