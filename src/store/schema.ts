import type { CanonicalFields } from './canonical.ts'

/**
 * The tables as queries see them; each store's migrations create them. The ledger keeps columns and no canonical text:
 * the text is made from the columns again when it is needed. So the figures that are billed are the very ones that the
 * hash chain covers, and a record takes less than half the space of its text.
 */
export interface Tables {
  readonly ledger: LedgerTable
  readonly run_details: RunDetailsTable
  readonly tenants: TenantsTable
  readonly keys: KeysTable
  readonly kv: KvTable
}

/** Append-only. Sequence and hash are the record's place in its tenant's chain. */
export interface LedgerTable {
  readonly tenant: string
  readonly sequence: number
  readonly run: string
  readonly format: number
  readonly trigger: string
  readonly status: string
  readonly started_at: number
  readonly policy: string
  readonly walls: string
  readonly wall_us: number
  readonly cpu_us: number
  readonly units: number
  readonly memory_mib: number
  readonly peak_memory_bytes: number
  readonly input_bytes: number
  readonly output_bytes: number
  readonly log_bytes: number
  readonly cold_start: number
  readonly operations: string
  readonly hash: string
}

export interface RunDetailsTable {
  readonly run: string
  readonly started_at: number
  /** JSON text of RunDetails. */
  readonly details: string
}

/** `number` is never given out twice, so a tenant that is made again under an old name finds nothing of the old one. */
export interface TenantsTable {
  readonly number: number
  readonly id: string
  readonly policy: string
  readonly budget: string
  readonly created_at: number
  readonly updated_at: number
  /** Kept by triggers on `kv`; expired entries count until they are removed. */
  readonly kv_keys: number
  readonly kv_bytes: number
}

export interface KeysTable {
  readonly id: string
  readonly tenant: number
  readonly hash: string
  readonly created_at: number
}

export interface KvTable {
  readonly tenant: number
  readonly key: string
  readonly value: string
  readonly expires_at: number | null
  /** JSON text. */
  readonly metadata: string | null
}

/** The column that holds each canonical field. */
export const FIELD_COLUMNS = {
  format: 'format',
  run: 'run',
  tenant: 'tenant',
  trigger: 'trigger',
  status: 'status',
  startedAt: 'started_at',
  policy: 'policy',
  walls: 'walls',
  wallMicros: 'wall_us',
  cpuMicros: 'cpu_us',
  units: 'units',
  memoryMb: 'memory_mib',
  peakMemoryBytes: 'peak_memory_bytes',
  inputBytes: 'input_bytes',
  outputBytes: 'output_bytes',
  logBytes: 'log_bytes',
  coldStart: 'cold_start',
  operations: 'operations',
} as const satisfies Record<keyof CanonicalFields, keyof LedgerTable>
