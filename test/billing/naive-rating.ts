/**
 * Rating once more, as one would do it by hand: record after record in the order of time, each single quantity priced where it
 * falls, in fractions that are never shortened. Slow, and of nothing that the product is made of.
 */
export interface NaiveTier {
  readonly upTo?: number
  readonly usd: string
}
export type NaivePrice = string | readonly NaiveTier[]

export interface NaiveBook {
  readonly effectiveFrom: string
  readonly prices: Record<string, unknown>
  readonly operations: Readonly<Record<string, readonly string[]>>
  readonly discounts?: readonly { readonly percent: string; readonly lines?: readonly string[] }[]
  readonly minimumUsdPerMonth?: string
}

export interface NaiveRecord {
  readonly at: string
  readonly units: number
  readonly memoryMb: number
  readonly cpuMicros: number
  readonly egressBytes: number
  readonly operations: Readonly<Record<string, number>>
}

const POWER = 10n ** 30n
const NANO = 10n ** 9n

/** The total of a month in nanoUSD: the books are by date, the records all of that month. */
export function naiveTotal(records: readonly NaiveRecord[], books: readonly NaiveBook[]): bigint {
  /** By book and line and tier, what was used there. */
  const used = new Map<string, bigint>()
  const counters = new Map<string, bigint>()
  const ordered = records.toSorted((left, right) => (left.at < right.at ? -1 : 1))
  for (const record of ordered) {
    const index = books.findLastIndex((book) => book.effectiveFrom <= record.at.slice(0, 10))
    for (const { line, price, per, quantity } of linesOf(books[index]!, record)) {
      let left = quantity
      const tiers = typeof price === 'string' ? [{ usd: price }] : price
      for (const [place, tier] of tiers.entries()) {
        const end = tier.upTo === undefined ? undefined : BigInt(tier.upTo) * per
        const counted = counters.get(line) ?? 0n
        if (end !== undefined && counted >= end) continue
        const here = end !== undefined && counted + left > end ? end - counted : left
        counters.set(line, counted + here)
        const key = `${index} ${line} ${place}`
        used.set(key, (used.get(key) ?? 0n) + here)
        left -= here
        if (left === 0n) break
      }
    }
  }
  let total = 0n
  for (const [index, book] of books.entries()) {
    const amounts = new Map<string, bigint>()
    for (const [key, quantity] of used) {
      const [of, line, place] = key.split(' ') as [string, string, string]
      if (Number(of) !== index) continue
      const { price, per, million } = linesOf(book, NOTHING).find((each) => each.line === line)!
      const usd = typeof price === 'string' ? price : price[Number(place)]!.usd
      const amount = round(quantity * scaled(usd) * NANO, per * (million ? 1_000_000n : 1n) * POWER)
      amounts.set(line, (amounts.get(line) ?? 0n) + amount)
    }
    for (const { percent, lines } of book.discounts ?? []) {
      const named = [...amounts.keys()].filter((line) => lines === undefined || lines.includes(line))
      const base = named.reduce((sum, line) => sum + amounts.get(line)!, 0n)
      total -= round(base * scaled(percent), 100n * POWER)
    }
    for (const amount of amounts.values()) total += amount
  }
  const minimum = scaled(books.at(-1)!.minimumUsdPerMonth ?? '0') / (POWER / NANO)
  return records.length > 0 && total < minimum ? minimum : total
}

const NOTHING: NaiveRecord = { at: '', units: 0, memoryMb: 0, cpuMicros: 0, egressBytes: 0, operations: {} }

function linesOf({ prices, operations }: NaiveBook, record: NaiveRecord) {
  const price = (name: string): NaivePrice => (prices[name] ?? '0') as NaivePrice
  const byOperation = prices['operationsUsdPerMillion'] as Record<string, NaivePrice>
  return [
    {
      line: 'compute',
      price: price('computeUsdPerGbSecond'),
      per: 10_240n,
      million: false,
      quantity: BigInt(record.units) * BigInt(record.memoryMb),
    },
    { line: 'requests', price: price('requestUsdPerMillion'), per: 1n, million: true, quantity: 1n },
    {
      line: 'cpu',
      price: price('cpuUsdPerSecond'),
      per: 1_000_000n,
      million: false,
      quantity: BigInt(record.cpuMicros),
    },
    {
      line: 'egress',
      price: price('egressUsdPerGb'),
      per: 2n ** 30n,
      million: false,
      quantity: BigInt(record.egressBytes),
    },
    ...Object.entries(operations).map(([line, names]) => ({
      line: `operations:${line}`,
      price: byOperation[line] ?? '0',
      per: 1n,
      million: true,
      quantity: names.reduce((sum, name) => sum + BigInt(record.operations[name] ?? 0), 0n),
    })),
  ]
}

/** Decimal text × 10^30. */
function scaled(text: string): bigint {
  const [whole = '0', decimals = ''] = text.split('.')
  return BigInt(whole + decimals.padEnd(30, '0'))
}

function round(numerator: bigint, denominator: bigint): bigint {
  const rest = numerator % denominator
  return numerator / denominator + (rest * 2n >= denominator ? 1n : 0n)
}
