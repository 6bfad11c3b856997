import type { CanonicalFields } from './canonical.ts'

/**
 * The tables as queries see them; each store's migrations create them. The ledger keeps columns and no canonical text:
 * the text is made from the columns again when it is needed. So the figures that are billed are the very ones that the
 * hash chain covers, and a record takes less than half the space of its text.
 */
export interface Tables {
  readonly ledger: LedgerTable
  readonly rollups: RollupsTable
  readonly invoices: InvoicesTable
  readonly run_details: RunDetailsTable
  readonly tenants: TenantsTable
  readonly keys: KeysTable
  readonly kv: KvTable
  readonly functions: FunctionsTable
  readonly function_versions: FunctionVersionsTable
  readonly artifacts: ArtifactsTable
  readonly aliases: AliasesTable
  readonly rollbacks: RollbacksTable
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
  readonly function: string | null
  readonly version: number | null
  readonly parent_run: string | null
  readonly kind: string
  readonly egress_bytes: number
  readonly ingress_bytes: number
  readonly stored_byte_hours: number
  readonly hash: string
}

/** The sums of an hour's or a day's records that are alike in all but their quantities: see rollup.ts. */
export interface RollupsTable {
  readonly tenant: string
  readonly resolution: 'hour' | 'day'
  /** Its first moment, in milliseconds since 1970. */
  readonly start: number
  readonly kind: string
  readonly trigger: string
  readonly status: string
  readonly function: string
  readonly version: number
  readonly policy: string
  /** JSON text of whole numbers without a bound. */
  readonly sums: string
}

export interface InvoicesTable {
  readonly tenant: string
  readonly period: string
  readonly starts_at: number
  readonly ends_at: number
  readonly closed_at: number
  readonly records: number
  /** JSON text. */
  readonly books: string
  /** JSON text. */
  readonly bill: string
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
  /** JSON text. */
  readonly env: string
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

/** Neither `number` here nor that of a version is ever given out twice. */
export interface FunctionsTable {
  readonly number: number
  /** The tenant's number. */
  readonly tenant: number
  readonly name: string
  /** The newest version that there ever was. */
  readonly last_version: number
  readonly created_at: number
  readonly updated_at: number
}

export interface FunctionVersionsTable {
  readonly number: number
  /** The function's number. */
  readonly function: number
  readonly version: number
  readonly artifact: string
  /** JSON text. */
  readonly config: string
  /** JSON text: names of the handlers that the code exports. */
  readonly handlers: string
  readonly size: number
  readonly created_at: number
}

/** Code by its content: versions with equal code share it. */
export interface ArtifactsTable {
  readonly id: string
  readonly language: string
  readonly main: string
  /** JSON text: a list of names and sources. */
  readonly modules: string
}

export interface AliasesTable {
  /** The function's number. */
  readonly function: number
  readonly name: string
  readonly version: number
  /** JSON text: what share of calls goes to another version; null if none does. */
  readonly canary: string | null
  /** JSON text: the versions that it named before, the last one last. */
  readonly history: string
  readonly updated_at: number
}

/** Canaries that were ended because they were worse. */
export interface RollbacksTable {
  readonly number: number
  readonly function: number
  readonly alias: string
  readonly version: number
  readonly canary: number
  /** JSON text. */
  readonly findings: string
  readonly at: number
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
  function: 'function',
  version: 'version',
  parentRun: 'parent_run',
  kind: 'kind',
  egressBytes: 'egress_bytes',
  ingressBytes: 'ingress_bytes',
  storedByteHours: 'stored_byte_hours',
} as const satisfies Record<keyof CanonicalFields, keyof LedgerTable>
