import type { SqlGrant } from '../../core/policy.ts'
import { bytes } from '../../core/quantity.ts'
import { invalid } from '../arguments.ts'
import { CapabilityError, type RunScope } from '../capability.ts'
import type { Connection, Statement } from './connection.ts'
import type { Databases } from './databases.ts'
import { overflowFault, statementFault } from './faults.ts'

/** Transactions of one run that are open at once. Each holds a connection that other runs of the tenant wait for. */
const TRANSACTIONS_MAX = 4

/** How a transaction begins. */
export interface TransactionMode {
  readonly isolation: 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE'
  readonly access: 'READ WRITE' | 'READ ONLY'
}

/**
 * What one run has going on databases. When the run is over, statements that still run are cancelled, open transactions
 * rolled back, and every connection goes back or is cut.
 */
export class SqlWork implements Disposable {
  readonly #databases: Databases
  readonly #scope: RunScope
  readonly #leases = new Set<Lease>()
  readonly #transactions = new Map<number, Lease>()
  #begun = 0

  constructor(databases: Databases, scope: RunScope) {
    this.#databases = databases
    this.#scope = scope
  }

  /** Runs a statement by itself. Returns its result as JSON text. */
  async query(database: string, statement: Statement, grant: SqlGrant): Promise<string> {
    const lease = await this.#lease(database, grant)
    try {
      await lease.connection.command(`SET statement_timeout = ${this.#timeoutMs()}`)
      const json = await run(lease.connection, statement, grant)
      if (lease.connection.state !== 'idle') throw invalid('the statement began a transaction; sql.transaction(…) does')
      return json
    } catch (error) {
      throw statementFault(error)
    } finally {
      this.#release(lease)
    }
  }

  /** Begins a transaction. Returns its number, by which this run, and no other, can name it. */
  async begin(database: string, { isolation, access }: TransactionMode, grant: SqlGrant): Promise<number> {
    // Counted before the wait, so that many at once are as many as they are.
    const id = (this.#begun += 1)
    const places = this.#transactions.size + this.#beginning
    if (places >= TRANSACTIONS_MAX) {
      throw new CapabilityError('QUOTA_EXCEEDED', `a run may have ${TRANSACTIONS_MAX} transactions open at once`)
    }
    this.#beginning += 1
    let lease: Lease | undefined
    try {
      lease = await this.#lease(database, grant)
      const begin = `BEGIN ISOLATION LEVEL ${isolation} ${access}`
      await lease.connection.command(`${begin}; SET LOCAL statement_timeout = ${this.#timeoutMs()}`)
      if (this.#leases.has(lease)) this.#transactions.set(id, lease)
      return id
    } catch (error) {
      if (lease !== undefined) this.#release(lease)
      throw statementFault(error)
    } finally {
      this.#beginning -= 1
    }
  }

  #beginning = 0

  /** Runs a statement in a transaction. */
  async queryIn(id: number, statement: Statement, grant: SqlGrant): Promise<string> {
    const lease = this.#transaction(id)
    try {
      const json = await run(lease.connection, statement, grant)
      if (lease.connection.state === 'idle') throw invalid('the statement ended the transaction')
      return json
    } catch (error) {
      if (lease.connection.isClosed || lease.connection.state === 'idle') this.#end(id, lease)
      throw statementFault(error)
    }
  }

  /** Commits. A transaction in which a statement failed is rolled back instead, and that is an error. */
  async commit(id: number): Promise<void> {
    const lease = this.#transaction(id)
    this.#transactions.delete(id)
    try {
      if ((await lease.connection.command('COMMIT')) === 'COMMIT') return
    } catch (error) {
      throw statementFault(error)
    } finally {
      this.#end(id, lease)
    }
    const message = 'a statement of the transaction had failed, so all of it was rolled back'
    throw new CapabilityError('SQL_ERROR', message, { sqlState: '25P02' })
  }

  async rollback(id: number): Promise<void> {
    const lease = this.#transaction(id)
    this.#transactions.delete(id)
    try {
      await lease.connection.command('ROLLBACK')
    } catch (error) {
      throw statementFault(error)
    } finally {
      this.#end(id, lease)
    }
  }

  [Symbol.dispose](): void {
    for (const lease of this.#leases) this.#release(lease)
    this.#transactions.clear()
  }

  async #lease(database: string, grant: SqlGrant): Promise<Lease> {
    const { connection, release } = await this.#databases.acquire(this.#scope, database, grant)
    const lease = { connection, release, before: connection.traffic }
    if (this.#scope.signal.aborted) {
      release()
      throw new CapabilityError('RUN_OVER', 'the run is over')
    }
    this.#leases.add(lease)
    return lease
  }

  #release(lease: Lease): void {
    if (!this.#leases.delete(lease)) return
    const { sent, received } = lease.connection.traffic
    this.#scope.meter({ egress: bytes(sent - lease.before.sent), ingress: bytes(received - lease.before.received) })
    lease.release()
  }

  #end(id: number, lease: Lease): void {
    this.#transactions.delete(id)
    this.#release(lease)
  }

  #transaction(id: number): Lease {
    const lease = this.#transactions.get(id)
    if (lease === undefined) throw invalid('the transaction is over')
    return lease
  }

  /** 0 would be no limit at all. */
  #timeoutMs(): number {
    return Math.max(1, Math.ceil(this.#scope.remaining()))
  }
}

interface Lease {
  readonly connection: Connection
  readonly release: () => void
  readonly before: { readonly sent: number; readonly received: number }
}

async function run(connection: Connection, statement: Statement, grant: SqlGrant): Promise<string> {
  const { json, overflow } = await connection.query(statement, grant)
  if (overflow !== undefined) throw overflowFault(overflow, grant)
  return json
}
