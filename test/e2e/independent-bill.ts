import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import type { Client } from './server.ts'

/**
 * The bill of a month, made from the answers to its runs and the price book's file, with none of the product's own code:
 * the second opinion that its figures are compared with.
 */
interface Book {
  readonly prices: {
    readonly computeUsdPerGbSecond: string
    readonly requestUsdPerMillion: string
    readonly cpuUsdPerSecond: string
    readonly operationsUsdPerMillion: Readonly<Record<string, string>>
  }
  readonly operations: Readonly<Record<string, readonly string[]>>
}

interface Fraction {
  readonly over: bigint
  readonly under: bigint
}

interface Line {
  readonly line: string
  readonly quantity: string
  readonly unitPrice: string
  readonly amount: string
}

/** The `usage` of a run's answer. */
export interface RunUsage {
  readonly wallMs: number
  readonly cpuMs: number
  readonly units: number
  readonly billedMs: number
  readonly memoryMb: number
  readonly billed: boolean
  readonly coldStart: boolean
  readonly operations?: Readonly<Record<string, number>>
  readonly costUsd: string
}

const SHIPPED = new URL('../../policies/prices/default.json', import.meta.url)

/** The lines and the total that runs with these usages come to, by a price book's file. */
export function billOf(
  usages: readonly RunUsage[],
  book: URL | string = SHIPPED,
): { readonly lines: readonly Line[]; readonly total: string } {
  const { prices, operations } = JSON.parse(readFileSync(book, 'utf8')) as Book
  const unitMebibytes = sum(usages.map(({ units, memoryMb }) => BigInt(units) * BigInt(memoryMb)))
  const cpuMicros = sum(usages.map(({ cpuMs }) => BigInt(Math.round(cpuMs * 1_000))))
  const countOf = (names: readonly string[]): bigint =>
    sum(usages.flatMap((usage) => names.map((name) => BigInt(usage.operations?.[name] ?? 0))))
  const drafts = [
    // 100 ms of 1 MiB are 1/10240 of a GB-second.
    draft('compute', { over: unitMebibytes, under: 10_240n }, decimal(prices.computeUsdPerGbSecond)),
    draft('requests', whole(BigInt(usages.length)), perMillion(prices.requestUsdPerMillion)),
    draft('cpu', { over: cpuMicros, under: 1_000_000n }, decimal(prices.cpuUsdPerSecond)),
    ...Object.entries(operations).map(([name, names]) =>
      draft(`operations:${name}`, whole(countOf(names)), perMillion(prices.operationsUsdPerMillion[name] ?? '0')),
    ),
  ]
  return { lines: drafts.map(({ line }) => line), total: nine(sum(drafts.map(({ nano }) => nano))) }
}

/** Fetches a tenant's bill and compares every line and the total with {@link billOf}, and the CSV with the JSON. */
export async function expectBill(
  client: Client,
  tenant: string,
  usages: readonly RunUsage[],
  book: URL | string = SHIPPED,
): Promise<void> {
  const { status, body: bill } = await client.get(`/v1/tenants/${tenant}/bill`)
  expect(status).toBe(200)
  const csv = await client.get(`/v1/tenants/${tenant}/bill`, { accept: 'text/csv' })
  expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8')
  compareBill({ bill, csv: csv.text }, usages, book)
}

/** Compares a bill, and the same as CSV, line by line with {@link billOf}. */
export function compareBill(
  { bill, csv }: { readonly bill: any; readonly csv: string },
  usages: readonly RunUsage[],
  book: URL | string = SHIPPED,
): void {
  const { lines, total } = billOf(usages, book)
  expect(
    bill.lines.map(({ line, quantity, unitPrice, amount }: Line) => ({ line, quantity, unitPrice, amount })),
  ).toEqual(lines)
  expect({ total: bill.total, records: bill.records }).toEqual({ total, records: usages.length })
  expect(csv).toBe(csvOf(bill))
}

/** What a bill's CSV must be, from its JSON. */
export function csvOf(bill: any): string {
  const { tenant, period, currency } = bill
  const rows = [
    ['tenant', 'period', 'line', 'description', 'quantity', 'unit', 'unitPrice', 'amount', 'currency'],
    ...bill.lines.map((line: any) => [
      tenant,
      period,
      line.line,
      line.description,
      line.quantity,
      line.unit,
      line.unitPrice,
      line.amount,
      currency,
    ]),
    [tenant, period, 'total', 'Total', '', '', '', bill.total, currency],
  ]
  const quote = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
  return rows.map((row) => `${row.map(quote).join(',')}\r\n`).join('')
}

/** Checks what must hold of any run's usage by itself. */
export function expectUsage(usage: RunUsage, memoryMb = 128): void {
  expect(usage.units).toBe(Math.max(1, Math.ceil(usage.wallMs / 100)))
  expect(usage.billedMs).toBe(usage.units * 100)
  expect(usage).toMatchObject({ memoryMb, billed: true })
  expect(usage.wallMs).toBeGreaterThan(0)
  expect(usage.cpuMs).toBeGreaterThanOrEqual(0)
  expect(usage.costUsd).toBe(billOf([usage]).total)
}

function draft(line: string, quantity: Fraction, price: Fraction): { readonly line: Line; readonly nano: bigint } {
  const over = quantity.over * price.over * 1_000_000_000n
  const under = quantity.under * price.under
  const nano = (2n * over + under) / (2n * under)
  return { line: { line, quantity: exact(quantity), unitPrice: exact(price), amount: nine(nano) }, nano }
}

function decimal(text: string): Fraction {
  const [digits = '', decimals = ''] = text.split('.')
  return { over: BigInt(digits + decimals), under: 10n ** BigInt(decimals.length) }
}

function perMillion(text: string): Fraction {
  const { over, under } = decimal(text)
  return { over, under: under * 1_000_000n }
}

function whole(over: bigint): Fraction {
  return { over, under: 1n }
}

/** The shortest decimal text of a fraction whose denominator has no factors but 2 and 5. */
function exact({ over, under }: Fraction): string {
  let rest = over % under
  let digits = ''
  while (rest > 0n) {
    rest *= 10n
    digits += rest / under
    rest %= under
  }
  return digits === '' ? String(over / under) : `${over / under}.${digits}`
}

function nine(nano: bigint): string {
  return `${nano / 1_000_000_000n}.${String(nano % 1_000_000_000n).padStart(9, '0')}`
}

function sum(numbers: readonly bigint[]): bigint {
  return numbers.reduce((total, number) => total + number, 0n)
}
