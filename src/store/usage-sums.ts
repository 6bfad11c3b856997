import type { Kysely } from 'kysely'
import type { TenantId } from '../core/ids.ts'
import type { TimeRange, UsageGroup, UsageSums } from '../core/stores.ts'
import { DAY_MS, HOUR_MS } from './rollup.ts'
import { recordsOf, rollupsOf } from './rollup-queries.ts'
import type { Tables } from './schema.ts'
import { Sums } from './sums.ts'

/** What labels are made of: in records and in roll-ups alike. */
interface Labelled {
  readonly at: number
  readonly kind: string
  readonly trigger: string
  readonly status: string
  readonly function: string | null
  readonly version: number | null
  readonly policy: string
}

const LABELS: Record<UsageGroup, (labelled: Labelled) => string> = {
  day: ({ at }) => isoTime(at - (at % DAY_MS), 'YYYY-MM-DD'.length),
  hour: ({ at }) => `${isoTime(at - (at % HOUR_MS), 'YYYY-MM-DDTHH:MM'.length)}Z`,
  outcome: ({ status }) => status,
  trigger: ({ trigger }) => trigger,
  policy: ({ policy }) => policy,
  function: (labelled) => labelled.function ?? '',
  version: ({ version }) => (version ? String(version) : ''),
  kind: ({ kind }) => kind,
}

/**
 * Exact sums over a tenant's records, by groups, in the order of their labels. Whole days come from the roll-ups of
 * days, what whole hours are left from those of hours, and only the ends of a range that fall within an hour are
 * read record by record.
 */
export async function sumUsage(
  database: Kysely<Tables>,
  tenant: TenantId,
  range: TimeRange,
  groupBy: readonly UsageGroup[],
): Promise<readonly UsageSums[]> {
  const groups = [...new Set(groupBy)]
  const totals = new Map<string, Total>()
  if (groups.length === 0) totals.set('[]', { labels: [], sums: new Sums() })
  const sumsOf = (labelled: Labelled): Sums => {
    const labels = groups.map((group) => LABELS[group](labelled))
    return totals.getOrInsertComputed(JSON.stringify(labels), () => ({ labels, sums: new Sums() })).sums
  }
  for (const { source, from, to } of piecesOf(range, groups.includes('hour') ? 'hour' : 'day')) {
    const piece = { from, to } as unknown as TimeRange
    if (source === 'records') {
      for await (const { fields, operations } of recordsOf(database, tenant, piece)) {
        sumsOf({ ...fields, at: fields.startedAt }).addRecord(fields, operations)
      }
    } else {
      for await (const rollup of rollupsOf(database, tenant, source, piece)) {
        sumsOf({ ...rollup, at: rollup.start }).addText(rollup.sums)
      }
    }
  }
  return [...totals.values()].toSorted(byLabels).map(({ labels, sums }) => {
    return sums.view(Object.fromEntries(groups.map((group, index) => [group, labels[index] ?? ''])))
  })
}

interface Total {
  readonly labels: readonly string[]
  readonly sums: Sums
}

/** A stretch of a range and where its sums are read. */
interface Piece {
  readonly source: 'records' | 'hour' | 'day'
  readonly from: number
  readonly to: number
}

/** Cuts a range at whole hours and, unless single hours are asked for, at whole days. The pieces are the range. */
export function piecesOf({ from, to }: TimeRange, coarsest: 'hour' | 'day'): readonly Piece[] {
  const [hourFrom, hourTo] = [ceil(from, HOUR_MS), floor(to, HOUR_MS)]
  if (hourFrom >= hourTo) return pieces([{ source: 'records', from, to }])
  const [dayFrom, dayTo] = [ceil(hourFrom, DAY_MS), floor(hourTo, DAY_MS)]
  const whole: readonly Piece[] =
    coarsest === 'hour' || dayFrom >= dayTo
      ? [{ source: 'hour', from: hourFrom, to: hourTo }]
      : [
          { source: 'hour', from: hourFrom, to: dayFrom },
          { source: 'day', from: dayFrom, to: dayTo },
          { source: 'hour', from: dayTo, to: hourTo },
        ]
  return pieces([{ source: 'records', from, to: hourFrom }, ...whole, { source: 'records', from: hourTo, to }])
}

function pieces(all: readonly Piece[]): readonly Piece[] {
  return all.filter(({ from, to }) => from < to)
}

function floor(at: number, step: number): number {
  return at - (at % step)
}

function ceil(at: number, step: number): number {
  return floor(at + step - 1, step)
}

function byLabels(left: Total, right: Total): number {
  const at = left.labels.findIndex((label, index) => label !== right.labels[index])
  return (left.labels[at] ?? '') < (right.labels[at] ?? '') ? -1 : 1
}

function isoTime(epochMs: number, length: number): string {
  return new Date(epochMs).toISOString().slice(0, length)
}
