import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { TenantId } from '../core/ids.ts'
import type { Operations } from '../core/run.ts'
import type { TimeRange, UsageGroup, UsageSums } from '../core/stores.ts'
import { type Step, isWithin, ledgerSteps } from './ledger-steps.ts'
import type { Tables } from './schema.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** How each group is computed in SQL, and how its value reads in the answer. */
interface Group {
  readonly expression: RawBuilder<unknown>
  readonly label: (value: unknown) => string
}

const GROUPS: Record<UsageGroup, Group> = {
  day: {
    expression: sql`started_at / ${sql.lit(DAY_MS)}`,
    label: (day) => isoTime(Number(day) * DAY_MS, 'YYYY-MM-DD'.length),
  },
  hour: {
    expression: sql`started_at / ${sql.lit(HOUR_MS)}`,
    label: (hour) => `${isoTime(Number(hour) * HOUR_MS, 'YYYY-MM-DDTHH:MM'.length)}Z`,
  },
  outcome: { expression: sql.ref('status'), label: String },
  trigger: { expression: sql.ref('trigger'), label: String },
  policy: { expression: sql.ref('policy'), label: String },
  function: { expression: sql.ref('function'), label: labelOf },
  version: { expression: sql.ref('version'), label: labelOf },
}

type Summed = 'units' | 'wall' | 'cpu' | 'input' | 'output'

const COLUMNS: Record<Summed, string> = {
  units: 'units',
  wall: 'wall_us',
  cpu: 'cpu_us',
  input: 'input_bytes',
  output: 'output_bytes',
}

/** Sums of one step by groups, memory and operations. Quantities come in two halves: see {@link halves}. */
type PartialSum = Record<`${Summed}_${'high' | 'low'}`, number | string> & {
  readonly memory: number
  readonly operations: string
  readonly requests: number
  readonly cold_starts: number
} & Record<UsageGroup, unknown>

/**
 * Exact sums over a tenant's records, by groups, in the order of their labels. Memory and operations are grouped by in
 * SQL and multiplied out here, so that no product and no sum can pass what a 64-bit integer holds.
 */
export async function sumUsage(
  database: Kysely<Tables>,
  tenant: TenantId,
  range: TimeRange,
  groupBy: readonly UsageGroup[],
): Promise<readonly UsageSums[]> {
  const groups = [...new Set(groupBy)]
  const totals = new Map<string, Totals>()
  if (groups.length === 0) totals.set('[]', new Totals([], groups))
  for await (const step of ledgerSteps(database, tenant, range)) {
    for (const row of await partialSums(database, tenant, step, groups)) {
      const labels = groups.map((group) => GROUPS[group].label(row[group]))
      totals.getOrInsertComputed(JSON.stringify(labels), () => new Totals(labels, groups)).add(row)
    }
  }
  return [...totals.values()].toSorted(byLabels).map((total) => total.sums())
}

class Totals {
  readonly labels: readonly string[]
  readonly #groups: readonly UsageGroup[]
  #requests = 0n
  #units = 0n
  #unitMebibytes = 0n
  #wall = 0n
  #cpu = 0n
  #input = 0n
  #output = 0n
  #coldStarts = 0n
  readonly #operations = new Map<string, bigint>()

  constructor(labels: readonly string[], groups: readonly UsageGroup[]) {
    this.labels = labels
    this.#groups = groups
  }

  add(row: PartialSum): void {
    const requests = BigInt(row.requests)
    const units = whole(row, 'units')
    this.#requests += requests
    this.#units += units
    this.#unitMebibytes += units * BigInt(row.memory)
    this.#wall += whole(row, 'wall')
    this.#cpu += whole(row, 'cpu')
    this.#input += whole(row, 'input')
    this.#output += whole(row, 'output')
    this.#coldStarts += BigInt(row.cold_starts)
    if (row.operations === '{}') return
    for (const [name, count] of Object.entries(JSON.parse(row.operations) as Operations)) {
      this.#operations.set(name, (this.#operations.get(name) ?? 0n) + BigInt(count) * requests)
    }
  }

  sums(): UsageSums {
    return {
      group: Object.fromEntries(this.#groups.map((group, index) => [group, this.labels[index] ?? ''])),
      requests: this.#requests,
      units: this.#units,
      unitMebibytes: this.#unitMebibytes,
      wallMicros: this.#wall,
      cpuMicros: this.#cpu,
      inputBytes: this.#input,
      outputBytes: this.#output,
      coldStarts: this.#coldStarts,
      operations: Object.fromEntries([...this.#operations].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    }
  }
}

async function partialSums(
  database: Kysely<Tables>,
  tenant: TenantId,
  step: Step,
  groups: readonly UsageGroup[],
): Promise<readonly PartialSum[]> {
  const labels = groups.map((group) => GROUPS[group].expression.as(group))
  const rows = await database
    .selectFrom('ledger')
    .select(labels)
    .select(['memory_mib as memory', 'operations', ({ fn }) => fn.countAll<number>().as('requests')])
    .select(sql<number>`sum(cold_start)`.as('cold_starts'))
    .select(Object.entries(COLUMNS).flatMap(([name, column]) => halves(name as Summed, column)))
    .where('tenant', '=', tenant)
    .where(isWithin(step))
    .groupBy([...groups.map((group) => GROUPS[group].expression), 'memory_mib', 'operations'])
    .execute()
  return rows as readonly PartialSum[]
}

/** Quantities go up to 2^53-1, and their upper and lower bits are summed apart: each sum stays below 2^53. */
const LOW_BITS = 26
const LOW_MASK = 2 ** LOW_BITS - 1

function halves(name: Summed, column: string) {
  const reference = sql.ref(column)
  return [
    sql`sum(${reference} >> ${sql.lit(LOW_BITS)})`.as(`${name}_high`),
    sql`sum(${reference} & ${sql.lit(LOW_MASK)})`.as(`${name}_low`),
  ]
}

function whole(row: PartialSum, name: Summed): bigint {
  return (BigInt(row[`${name}_high`]) << BigInt(LOW_BITS)) + BigInt(row[`${name}_low`])
}

function byLabels(a: Totals, b: Totals): number {
  const at = a.labels.findIndex((label, index) => label !== b.labels[index])
  return (a.labels[at] ?? '') < (b.labels[at] ?? '') ? -1 : 1
}

function labelOf(value: unknown): string {
  return value === null ? '' : String(value)
}

function isoTime(epochMs: number, length: number): string {
  return new Date(epochMs).toISOString().slice(0, length)
}
