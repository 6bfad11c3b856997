import type { Clock } from '../../core/clock.ts'
import { CloisterError } from '../../core/errors.ts'
import type { TenantId } from '../../core/ids.ts'
import type { SqlGrant } from '../../core/policy.ts'
import { type EpochMillis, type Millis, millis } from '../../core/quantity.ts'
import type { SqlBindingRecord, SqlBindingStore } from '../../core/sql-bindings.ts'
import type { Vault } from '../../core/vault.ts'
import { CapabilityError } from '../capability.ts'
import { type NamedBy, approvedAddress } from './address.ts'
import { Connection } from './connection.ts'
import { connectFault, connectReason } from './faults.ts'
import { Pool } from './pool.ts'
import { Seats } from './seats.ts'
import { type Target, type TlsMode, readTarget } from './target.ts'

interface Parts {
  readonly store: SqlBindingStore
  readonly vault: Vault
  readonly clock: Clock
  /** Connections of the whole host. */
  readonly connectionsMax: number
  /** How long a connection is kept that nobody uses. */
  readonly idle: Millis
}

/** What may be known of a binding: everything but the password. */
export interface BindingView {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly tls: TlsMode
  readonly boundBy: NamedBy
  readonly createdAt: EpochMillis
  readonly updatedAt: EpochMillis
}

/** What came of connecting to a database, for whoever may bind it. */
export type Trial =
  | { readonly ok: true; readonly elapsed: Millis; readonly server: string }
  | { readonly ok: false; readonly elapsed: Millis; readonly reason: string }

const BINDINGS_MAX = 20
const CONNECT_TIMEOUT = millis(10_000)
const TRIAL_CONNECTIONS_MAX = 4

/**
 * The databases that tenants have bound, and the connections to them. Each binding has one pool, whichever cells the runs
 * are in.
 *
 * Invariant: the password of a binding is in memory here and nowhere past here: no answer, no log, no cell has it.
 */
export class Databases implements Disposable {
  readonly #parts: Parts
  readonly #seats: Seats
  /** By tenant and name, of those that were used since the host started. At most as many as there are bindings. */
  readonly #pools = new Map<string, Promise<Pool>>()
  #trials = 0

  constructor(parts: Parts) {
    this.#parts = parts
    this.#seats = new Seats(parts.connectionsMax)
  }

  /** Binds a name to a database, or to another one. Throws INVALID_REQUEST with every fault of the URL, CONFLICT if there are too many. */
  async put(
    tenant: TenantId,
    name: string,
    { url, boundBy }: { readonly url: string; readonly boundBy: NamedBy },
  ): Promise<{ readonly binding: BindingView; readonly created: boolean }> {
    const read = readTarget(url)
    if ('faults' in read) throw new CloisterError('INVALID_REQUEST', `\`url\` ${read.faults.join('; `url` ')}`)
    const { store, vault, clock } = this.#parts
    const present = await store.find(tenant, name)
    const now = clock.now()
    const sealed = vault.seal(url, placeOf(tenant, name))
    const record = { tenant, name, sealed, boundBy, createdAt: present?.createdAt ?? now, updatedAt: now }
    if ((await store.put(record, BINDINGS_MAX)) === 'too-many') {
      throw new CloisterError('CONFLICT', `a tenant may bind ${BINDINGS_MAX} databases`)
    }
    this.#closePool(tenant, name)
    return { binding: viewOf(record, read.target), created: present === undefined }
  }

  /** Throws NOT_FOUND. */
  async get(tenant: TenantId, name: string): Promise<BindingView> {
    const record = await this.#find(tenant, name)
    return viewOf(record, this.#targetOf(record))
  }

  /** By name. */
  async list(tenant: TenantId): Promise<readonly BindingView[]> {
    return (await this.#parts.store.list(tenant)).map((record) => viewOf(record, this.#targetOf(record)))
  }

  /** Throws NOT_FOUND. Statements that run go on; the next ones find no database. */
  async delete(tenant: TenantId, name: string): Promise<void> {
    if (!(await this.#parts.store.delete(tenant, name))) throw noSuchBinding(name)
    this.#closePool(tenant, name)
  }

  /** Connects once, beside the pool, and asks the server for its version. Throws NOT_FOUND, OVERLOADED. */
  async test(tenant: TenantId, name: string): Promise<Trial> {
    const record = await this.#find(tenant, name)
    if (this.#trials >= TRIAL_CONNECTIONS_MAX) {
      throw new CloisterError('OVERLOADED', 'as many databases are being tested as at once can be')
    }
    this.#trials += 1
    const startedAt = this.#parts.clock.elapsed()
    const elapsed = (): Millis => millis(this.#parts.clock.elapsed() - startedAt)
    try {
      const connection = await this.#connect(record)
      try {
        const bounds = { rows: 1, resultBytes: 1_000 }
        const { json } = await connection.query({ text: 'SHOW server_version', parameters: [] }, bounds)
        return { ok: true, elapsed: elapsed(), server: versionIn(json) }
      } finally {
        connection.close()
      }
    } catch (error) {
      return { ok: false, elapsed: elapsed(), reason: connectReason(error) }
    } finally {
      this.#trials -= 1
    }
  }

  /**
   * A connection for one run, and the way to give it back. Waits in the binding's line until the signal aborts. Rejects
   * with a CapabilityError that says why there is none.
   */
  async acquire(
    { tenant, signal }: { readonly tenant: TenantId; readonly signal: AbortSignal },
    name: string,
    grant: SqlGrant,
  ): Promise<{ readonly connection: Connection; readonly release: () => void }> {
    const pool = await this.#poolOf(tenant, name)
    const connection = await pool.acquire(grant, signal)
    return { connection, release: () => pool.release(connection) }
  }

  /** Closes every pool of a tenant that was deleted. */
  forget(tenant: TenantId): void {
    for (const key of this.#pools.keys()) if (key.startsWith(`${tenant}/`)) this.#close(key)
  }

  /** Connections of the host that are open or being opened, for measurements. */
  get connections(): number {
    return this.#seats.taken
  }

  [Symbol.dispose](): void {
    for (const key of this.#pools.keys()) this.#close(key)
  }

  #poolOf(tenant: TenantId, name: string): Promise<Pool> {
    const key = `${tenant}/${name}`
    const known = this.#pools.get(key)
    if (known !== undefined) return known
    const made = this.#openPool(tenant, name)
    this.#pools.set(key, made)
    made.catch(() => {
      if (this.#pools.get(key) === made) this.#pools.delete(key)
    })
    return made
  }

  async #openPool(tenant: TenantId, name: string): Promise<Pool> {
    const record = await this.#parts.store.find(tenant, name)
    if (record === undefined) {
      throw new CapabilityError('INVALID_ARGUMENT', `no database is bound to the name ${JSON.stringify(name)}`)
    }
    const open = (): Promise<Connection> =>
      this.#connect(record).catch((error: unknown) => {
        throw connectFault(error)
      })
    return new Pool({ open, seats: this.#seats, idle: this.#parts.idle })
  }

  async #connect(record: SqlBindingRecord): Promise<Connection> {
    const target = this.#targetOf(record)
    const address = await approvedAddress(target.host, record.boundBy)
    return await Connection.open({ target, address, timeout: CONNECT_TIMEOUT })
  }

  #closePool(tenant: TenantId, name: string): void {
    this.#close(`${tenant}/${name}`)
  }

  #close(key: string): void {
    const pool = this.#pools.get(key)
    this.#pools.delete(key)
    pool?.then(
      (opened) => opened.close(),
      () => undefined,
    )
  }

  async #find(tenant: TenantId, name: string): Promise<SqlBindingRecord> {
    const record = await this.#parts.store.find(tenant, name)
    if (record === undefined) throw noSuchBinding(name)
    return record
  }

  #targetOf({ tenant, name, sealed }: SqlBindingRecord): Target {
    const read = readTarget(this.#parts.vault.open(sealed, placeOf(tenant, name)))
    if ('faults' in read) throw new CloisterError('INTERNAL', 'a database URL that was stored is not valid any more')
    return read.target
  }
}

function placeOf(tenant: TenantId, name: string): string {
  return `sql/${tenant}/${name}`
}

function viewOf(record: Omit<SqlBindingRecord, 'sealed'>, { host, port, database, user, tls }: Target): BindingView {
  const { name, boundBy, createdAt, updatedAt } = record
  return { name, host, port, database, user, tls, boundBy, createdAt, updatedAt }
}

function versionIn(json: string): string {
  const { rows } = JSON.parse(json) as { rows: readonly { server_version?: unknown }[] }
  return String(rows[0]?.server_version ?? 'unknown').slice(0, 100)
}

function noSuchBinding(name: string): CloisterError {
  return new CloisterError('NOT_FOUND', `no database is bound to the name "${name}"`)
}
