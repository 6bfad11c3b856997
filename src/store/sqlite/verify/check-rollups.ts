import type { DatabaseSync } from 'node:sqlite'
import type { TenantId } from '../../../core/ids.ts'
import type { Operations } from '../../../core/run.ts'
import { HOUR_MS, Rollups } from '../../rollup.ts'
import type { StoredRollup } from '../../rollup-queries.ts'
import { SUMMED } from '../../../core/summed.ts'
import type { Totals } from '../../sums.ts'

/** Records of one query: few enough that their groups are sorted in memory. */
const PAGE_RECORDS = 4_000
const KEY = 'hour, kind, "trigger", status, function, version, policy, operations'

/** What SQL adds up for each quantity. A sum past 64 bits throws, a product past them is no integer any more. */
const SUMS: Readonly<Record<keyof Totals, string>> = {
  records: 'count(*)',
  requests: `sum(kind = 'run')`,
  units: 'sum(units)',
  unitMebibytes: 'sum(units * memory_mib)',
  wallMicros: 'sum(wall_us)',
  cpuMicros: 'sum(cpu_us)',
  inputBytes: 'sum(input_bytes)',
  outputBytes: 'sum(output_bytes)',
  egressBytes: 'sum(egress_bytes)',
  ingressBytes: 'sum(ingress_bytes)',
  storedByteHours: 'sum(stored_byte_hours)',
  coldStarts: 'sum(cold_start)',
}

interface Group {
  readonly hour: bigint
  readonly kind: string
  readonly trigger: string
  readonly status: string
  readonly function: string | null
  readonly version: bigint | null
  readonly policy: string
  readonly operations: string
}

/**
 * Whether a tenant's roll-ups are the sums of its records. Groups are added up by SQL, hour by hour, and whatever SQL
 * cannot add up exactly counts as a difference: `auditRollups`, which is exact, tells whether it is one, and which.
 * Call it within a transaction: records and roll-ups must be of one moment.
 */
export function areRollupsRight(database: DatabaseSync, tenant: TenantId): boolean {
  const made = new Rollups()
  try {
    if (addRecords(database, tenant, made) === 'inexact') return false
  } catch {
    return false
  }
  const stored = database
    .prepare(
      `SELECT resolution, start, kind, "trigger", status, function, version, policy, sums FROM rollups WHERE tenant = ?`,
    )
    .iterate(tenant)
  let seen = 0
  for (const row of stored) {
    const { sums, ...key } = { ...row, tenant } as unknown as StoredRollup
    if (made.find(key)?.sums.text() !== sums) return false
    seen += 1
  }
  return seen === made.size
}

function addRecords(database: DatabaseSync, tenant: TenantId, made: Rollups): 'exact' | 'inexact' {
  const sums = Object.entries(SUMS).map(([name, sum]) => `${sum} AS "${name}"`)
  const query = database.prepare(
    `SELECT started_at / ${HOUR_MS} AS hour, kind, "trigger", status, function, version, policy, operations, ${sums.join(', ')}
    FROM ledger WHERE tenant = ? AND sequence > ? AND sequence <= ? GROUP BY ${KEY}`,
  )
  query.setReadBigInts(true)
  const last = database.prepare('SELECT max(sequence) AS last FROM ledger WHERE tenant = ?').get(tenant)?.['last']
  for (let from = 0; from < Number(last ?? 0); from += PAGE_RECORDS) {
    for (const row of query.iterate(tenant, from, from + PAGE_RECORDS)) {
      const group = row as unknown as Group & Totals
      if (SUMMED.some((name) => typeof group[name] !== 'bigint')) return 'inexact'
      made.addGroup(
        { ...group, tenant, startedAt: Number(group.hour) * HOUR_MS, version: numberOf(group.version) },
        group,
        JSON.parse(group.operations) as Operations,
      )
    }
  }
  return 'exact'
}

function numberOf(version: bigint | null): number | null {
  return version === null ? null : Number(version)
}
