import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { LRUCache } from 'lru-cache'
import { type CanonicalFields, type ParsedCanonical, columnsOf } from '../canonical.ts'
import { type ChainHead, GENESIS, chainHash } from '../chain.ts'
import { splitLine } from './commands.ts'
import { RollupWriter } from './rollup-writer.ts'

/** Tenants whose chain's end is kept in memory. Past it, the end is looked up again: one read. */
const HEADS_MAX = 10_000

/**
 * Appends ledger records inside the writer's transaction.
 *
 * Invariant: a cached head is committed. Heads of the transaction in progress are set aside until `committed`.
 */
export class LedgerWriter {
  readonly #database: DatabaseSync
  readonly #insert: StatementSync
  readonly #insertDetails: StatementSync
  readonly #findHead: StatementSync
  readonly #rollups: RollupWriter
  readonly #heads = new LRUCache<string, ChainHead>({ max: HEADS_MAX })
  readonly #uncommitted = new Map<string, ChainHead>()

  constructor(database: DatabaseSync) {
    this.#database = database
    this.#insert = database.prepare(
      `INSERT INTO ledger (tenant, sequence, run, format, "trigger", status, started_at, policy, walls, wall_us, cpu_us,
        units, memory_mib, peak_memory_bytes, input_bytes, output_bytes, log_bytes, cold_start, operations, function, version, parent_run,
        kind, egress_bytes, ingress_bytes, stored_byte_hours, hash)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run) DO NOTHING`,
    )
    this.#insertDetails = database.prepare('INSERT INTO run_details (run, started_at, details) VALUES (?, ?, ?)')
    this.#findHead = database.prepare(
      'SELECT sequence, hash FROM ledger WHERE tenant = ? ORDER BY sequence DESC LIMIT 1',
    )
    this.#rollups = new RollupWriter(database)
  }

  /** Appends what a post line holds. A run that is in the ledger already changes nothing. */
  append(line: string): void {
    const [canonical, details] = splitLine(line)
    const parsed = JSON.parse(canonical) as ParsedCanonical
    const fields = columnsOf(parsed)
    const before = this.#head(fields.tenant)
    const head = { sequence: before.sequence + 1, hash: chainHash(before.hash, canonical) }
    if (details === undefined) {
      if (!this.#insertRecord(fields, head)) return
    } else if (!this.#insertBoth(fields, head, details)) return
    this.#uncommitted.set(fields.tenant, head)
    this.#rollups.add(fields, parsed.operations)
  }

  /** The transaction is about to be committed: adds its records to their roll-ups. */
  committing(): void {
    this.#rollups.flush()
  }

  /** The transaction was committed. */
  committed(): void {
    for (const [tenant, head] of this.#uncommitted) this.#heads.set(tenant, head)
    this.#uncommitted.clear()
  }

  /** The transaction was rolled back. */
  rolledBack(): void {
    this.#rollups.rolledBack()
    this.#uncommitted.clear()
  }

  #head(tenant: string): ChainHead {
    const known = this.#uncommitted.get(tenant) ?? this.#heads.get(tenant)
    if (known !== undefined) return known
    return (this.#findHead.get(tenant) as ChainHead | undefined) ?? GENESIS
  }

  #insertRecord(fields: CanonicalFields, { sequence, hash }: ChainHead): boolean {
    const { changes } = this.#insert.run(
      fields.tenant,
      sequence,
      fields.run,
      fields.format,
      fields.trigger,
      fields.status,
      fields.startedAt,
      fields.policy,
      fields.walls,
      fields.wallMicros,
      fields.cpuMicros,
      fields.units,
      fields.memoryMb,
      fields.peakMemoryBytes,
      fields.inputBytes,
      fields.outputBytes,
      fields.logBytes,
      fields.coldStart,
      fields.operations,
      fields.function,
      fields.version,
      fields.parentRun,
      fields.kind,
      fields.egressBytes,
      fields.ingressBytes,
      fields.storedByteHours,
      hash,
    )
    return changes !== 0
  }

  #insertBoth(fields: CanonicalFields, head: ChainHead, details: string): boolean {
    this.#database.exec('SAVEPOINT post')
    try {
      const isNew = this.#insertRecord(fields, head)
      if (isNew) this.#insertDetails.run(fields.run, fields.startedAt, details)
      this.#database.exec('RELEASE post')
      return isNew
    } catch (thrown) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK TO post; RELEASE post')
      throw thrown
    }
  }
}
