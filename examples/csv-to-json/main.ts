import { type CsvError, parse } from 'csv-parse/browser/esm/sync'

interface Input {
  /** CSV with a header line. */
  readonly csv: string
}

type Value = string | number | boolean | null

/** What became of the text: its rows as objects, and what a person asks first about them. */
interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly Readonly<Record<string, Value>>[]
  readonly count: number
  /** Sum of quantity × unitPrice, in cents, by country. */
  readonly centsByCountry: Readonly<Record<string, number>>
}

/** Turns a shop's export into JSON: names in camel case, numbers and booleans as such, empty fields as null. */
export default function ({ csv }: Input): Table | { fault: string; line: number } {
  let columns: readonly string[] = []
  try {
    const rows: Record<string, Value>[] = parse(csv, {
      bom: true,
      columns: (header: string[]) => (columns = header.map(camelCase)),
      cast: (text, { header, quoting }) => (header || quoting ? text : valueOf(text)),
      skip_empty_lines: true,
    })
    console.info(`${rows.length} rows, ${columns.length} columns, ${csv.length} characters`)
    return { columns, rows, count: rows.length, centsByCountry: sumByCountry(rows) }
  } catch (error) {
    // What is wrong with the text is the caller's to know; anything else is a fault of ours and ends the run as one.
    if (!isCsvError(error)) throw error
    return { fault: error.message, line: Number(error['lines']) }
  }
}

function camelCase(title: string): string {
  const [first = '', ...rest] = title.trim().toLowerCase().split(/\s+/)
  return first + rest.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
}

/** A field without quotes as what it looks like; one in quotes is text whatever it looks like. */
function valueOf(text: string): Value {
  if (text === '') return null
  if (text === 'true' || text === 'false') return text === 'true'
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
}

function sumByCountry(rows: readonly Readonly<Record<string, Value>>[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const { country, quantity, unitPrice } of rows) {
    const cents = Number(quantity) * Math.round(Number(unitPrice) * 100)
    sums[String(country)] = (sums[String(country)] ?? 0) + cents
  }
  return sums
}

function isCsvError(error: unknown): error is CsvError {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('CSV_')
}
