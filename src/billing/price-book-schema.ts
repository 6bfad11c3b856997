import { z } from 'zod'
import { DECIMAL_PATTERN } from './decimal.ts'

/** One thing that is wrong with a price book, and where. */
export interface PriceBookFault {
  /** As one would write it in code: `prices.operationsUsdPerMillion["kv.read"]`; empty for the document itself. */
  readonly path: string
  readonly message: string
}

const PRICE = 'must be decimal text such as "0.20": at most 9 digits and 12 decimals, no sign'
const LINE_NAME = /^[a-z][a-zA-Z0-9]*(\.[a-z][a-zA-Z0-9]*)+$/
const OPERATION = 'must be a name such as "kv.read": the capability, a dot, the operation'
const NAME = 'must be 1 to 63 of a-z, 0-9 and -, a letter first'
const DAY = 'must be a day, YYYY-MM-DD'
const WHOLE = 'must be a whole number of units, from 1 to 10^15'
const TIERS = 'must be decimal text, or a list of tiers that rise in `upTo` and end with one that has none'
const PERCENT = 'must be decimal text from "0" to "100", such as "12.5"'
const GOT_MAX = 60

const flatPrice = (description: string): z.ZodString =>
  z
    .string(PRICE)
    .regex(DECIMAL_PATTERN, PRICE)
    .meta({ description, examples: ['0.20'] })
const tier = z.strictObject({
  upTo: z
    .int(WHOLE)
    .min(1, WHOLE)
    .max(10 ** 15, WHOLE)
    .optional()
    .meta({ description: 'Where the tier ends: units of the line in the month. The last tier has no end.' }),
  usd: flatPrice('What units within the tier cost.'),
})
const price = (description: string) =>
  z
    .union([flatPrice(description), z.array(tier).min(1, TIERS).max(10, TIERS)], { error: priceMessage })
    .meta({ description: `${description} Or a list of tiers: a first one at "0" is a free tier.` })
const percent = z.string(PERCENT).regex(/^(100(\.0{1,6})?|[1-9]?[0-9](\.[0-9]{1,6})?)$/, PERCENT)
const discount = z.strictObject({
  name: z.string(NAME).regex(/^[a-z][a-z0-9-]{0,62}$/, NAME),
  percent,
  lines: z
    .array(z.string())
    .min(1)
    .optional()
    .meta({ description: 'Lines of the bill that it is taken off, such as `compute`; all of them if absent.' }),
})
const lineName = z.string(OPERATION).regex(LINE_NAME, OPERATION)

/** The price book as JSON: what is written in a file and checked by editors. */
export const priceBookSchema = z.strictObject(
  {
    $schema: z.string().optional(),
    name: z
      .string(NAME)
      .regex(/^[a-z][a-z0-9-]{0,62}$/, NAME)
      .meta({ description: 'What bills call the price book.' }),
    version: z
      .int('must be a whole number from 1')
      .min(1, 'must be a whole number from 1')
      .meta({ description: 'Goes up with every change of a price, so that a bill names what it was made from.' }),
    currency: z.literal('USD', 'must be "USD"'),
    effectiveFrom: z
      .string(DAY)
      .refine((text) => isDay(text), DAY)
      .meta({ description: 'First day on which the prices hold, in UTC: until the next version of the book does.' }),
    prices: z.strictObject(
      {
        computeUsdPerGbSecond: price('Configured memory for one second: 10 units of 100 ms × 1024 MiB.'),
        requestUsdPerMillion: price('A million runs.'),
        cpuUsdPerSecond: price(
          'A second of CPU time by the kernel, beside compute. Absent: metered and free.',
        ).optional(),
        egressUsdPerGb: price('2^30 bytes that capabilities sent to networks. Absent: metered and free.').optional(),
        ingressUsdPerGb: price('2^30 bytes that came back from networks. Absent: metered and free.').optional(),
        storedUsdPerGbHour: price('2^30 bytes kept for an hour. Absent: metered and free.').optional(),
        operationsUsdPerMillion: z
          .record(lineName, price('A million operations.'), 'must be an object of prices by line')
          .meta({ description: 'A price for each line of `operations`.' }),
      },
      { error: objectMessage },
    ),
    operations: z
      .record(lineName, z.array(lineName, 'must be a list of names').min(1, 'must name an operation'), {
        error: 'must be an object of operation names by line',
      })
      .meta({ description: 'Which capability operations are counted in which price line. Unlisted ones are free.' }),
    minimumUsdPerMonth: flatPrice('The least that a month costs in which anything was charged.').optional(),
    discounts: z.array(discount).max(20).optional(),
  },
  { error: objectMessage },
)

/** A price book whose JSON is known to be sound. */
export type PriceBookDocument = z.infer<typeof priceBookSchema>

/** The schema as JSON Schema, for editors: what policies/prices/price-book.schema.json holds. */
export function priceBookJsonSchema(): object {
  return { title: 'Cloister price book', ...z.toJSONSchema(priceBookSchema, { io: 'input' }) }
}

/** Every fault of a would-be price book, in the order of the document; none if it is sound. */
export function priceBookFaults(value: unknown): readonly PriceBookFault[] {
  const parsed = priceBookSchema.safeParse(value, { reportInput: true })
  if (!parsed.success) return parsed.error.issues.flatMap(issueFaults)
  return [...lineFaults(parsed.data), ...tierFaults(parsed.data), ...discountFaults(parsed.data)]
}

/** A list of versions, by their own faults first. Each must take effect later than the one before, with a higher number. */
export function priceBookListFaults(values: readonly unknown[]): readonly PriceBookFault[] {
  if (values.length === 0) return [{ path: '', message: 'has no price book' }]
  const own = values.flatMap((value, index) =>
    priceBookFaults(value).map(({ path, message }) => ({ path: joined(index, path), message })),
  )
  if (own.length > 0) return own
  const books = values.map((value) => priceBookSchema.parse(value))
  return books.flatMap((book, index) => {
    const before = books[index - 1]
    if (before === undefined) return []
    return [
      ...(book.effectiveFrom > before.effectiveFrom
        ? []
        : [{ path: joined(index, 'effectiveFrom'), message: `must be after ${before.effectiveFrom}` }]),
      ...(book.version > before.version
        ? []
        : [{ path: joined(index, 'version'), message: `must be above ${before.version}` }]),
    ]
  })
}

function joined(index: number, path: string): string {
  return path === '' || path.startsWith('[') ? `[${index}]${path}` : `[${index}].${path}`
}

function isDay(text: string): boolean {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text)) return false
  const at = Date.parse(text)
  // Date.parse takes 2026-02-30 for a day in March.
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text)
}

/** A union's own message names both forms; a faulty tier is told as such by its own path. */
function priceMessage(): string {
  return PRICE
}

function tierFaults({ prices }: PriceBookDocument): readonly PriceBookFault[] {
  const { operationsUsdPerMillion, ...single } = prices
  const all = [
    ...Object.entries(single).map(([name, value]) => [['prices', name], value] as const),
    ...Object.entries(operationsUsdPerMillion).map(
      ([name, value]) => [['prices', 'operationsUsdPerMillion', name], value] as const,
    ),
  ]
  return all.flatMap(([path, value]) => {
    if (typeof value === 'string' || value === undefined) return []
    const isSound = value.every(({ upTo }, index) =>
      index === value.length - 1 ? upTo === undefined : upTo !== undefined && upTo > (value[index - 1]?.upTo ?? 0),
    )
    return isSound ? [] : [{ path: z.core.toDotPath(path), message: TIERS }]
  })
}

function discountFaults({ discounts = [], operations, prices }: PriceBookDocument): readonly PriceBookFault[] {
  const known = new Set(['compute', 'requests', 'cpu', ...Object.keys(operations).map((line) => `operations:${line}`)])
  if (prices.egressUsdPerGb !== undefined) known.add('egress')
  if (prices.ingressUsdPerGb !== undefined) known.add('ingress')
  if (prices.storedUsdPerGbHour !== undefined) known.add('storage')
  const names = new Set<string>()
  return discounts.flatMap(({ name, lines = [] }, index) => {
    const repeated = names.has(name)
    names.add(name)
    return [
      ...(repeated ? [{ path: `discounts[${index}].name`, message: `names ${name} a second time` }] : []),
      ...lines.flatMap((line, place) =>
        known.has(line)
          ? []
          : [{ path: `discounts[${index}].lines[${place}]`, message: `${JSON.stringify(line)} is not a line` }],
      ),
    ]
  })
}

function objectMessage(issue: { readonly code?: string | undefined }): string | undefined {
  return issue.code === 'invalid_type' ? 'must be an object' : undefined
}

function issueFaults(issue: z.core.$ZodIssue): readonly PriceBookFault[] {
  const path = z.core.toDotPath(issue.path)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: z.core.toDotPath([...issue.path, key]), message: 'is not a known field' }))
  }
  if (issue.code === 'invalid_key') return [{ path, message: OPERATION }]
  if (issue.input === undefined) return [{ path, message: `is missing; it ${issue.message}` }]
  return [{ path, message: `${issue.message}; got ${got(issue.input)}` }]
}

function got(input: unknown): string {
  const text = JSON.stringify(input)
  return text.length > GOT_MAX ? `${text.slice(0, GOT_MAX)}…` : text
}

/** What a schema cannot say: prices and operation lines name the same lines, and no operation is charged twice. */
function lineFaults({ prices, operations }: PriceBookDocument): readonly PriceBookFault[] {
  const priced = prices.operationsUsdPerMillion
  const faults: PriceBookFault[] = Object.keys(priced)
    .filter((line) => !Object.hasOwn(operations, line))
    .map((line) => ({ path: z.core.toDotPath(['operations', line]), message: 'is missing, but the line has a price' }))
  const lineOf = new Map<string, string>()
  for (const [line, names] of Object.entries(operations)) {
    if (!Object.hasOwn(priced, line)) {
      const path = z.core.toDotPath(['prices', 'operationsUsdPerMillion', line])
      faults.push({ path, message: 'is missing, but `operations` has the line' })
    }
    for (const [index, name] of names.entries()) {
      const first = lineOf.get(name)
      const path = z.core.toDotPath(['operations', line, index])
      if (first === undefined) lineOf.set(name, line)
      else faults.push({ path, message: `names ${name}, which is already counted in ${first}` })
    }
  }
  return faults
}
