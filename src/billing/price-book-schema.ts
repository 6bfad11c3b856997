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
const MONTH_START = 'must be the first day of a month, YYYY-MM-01: bills are monthly'
const GOT_MAX = 60

const price = (description: string): z.ZodString =>
  z
    .string(PRICE)
    .regex(DECIMAL_PATTERN, PRICE)
    .meta({ description, examples: ['0.20'] })
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
      .string(MONTH_START)
      .regex(/^[0-9]{4}-(0[1-9]|1[0-2])-01$/, MONTH_START)
      .meta({
        description: 'First day on which the prices hold, in UTC. Earlier periods are not billed with this book.',
      }),
    prices: z.strictObject(
      {
        computeUsdPerGbSecond: price('Configured memory for one second: 10 units of 100 ms × 1024 MiB.'),
        requestUsdPerMillion: price('A million runs.'),
        cpuUsdPerSecond: price(
          'A second of CPU time by the kernel, beside compute. Absent: metered and free.',
        ).optional(),
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
  return parsed.success ? lineFaults(parsed.data) : parsed.error.issues.flatMap(issueFaults)
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
