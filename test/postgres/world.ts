import pg from 'pg'
import { createBroker } from '../../src/broker/broker.ts'
import { createSqlCapability } from '../../src/broker/sql.ts'
import { Databases } from '../../src/broker/sql/databases.ts'
import { systemClock } from '../../src/core/clock.ts'
import { type TenantId, parseTenantId } from '../../src/core/ids.ts'
import type { SqlGrant } from '../../src/core/policy.ts'
import { millis } from '../../src/core/quantity.ts'
import type { Session } from '../../src/core/run.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { openTemporaryStores } from '../../src/store/sqlite/open.ts'
import { createVault } from '../../src/vault/vault.ts'
import { ticketOf } from '../scheduler/ticket.ts'

export const GRANT: SqlGrant = {
  operations: 1_000_000,
  connections: 4,
  waiting: 2_000,
  statementBytes: 10_000,
  rows: 200,
  resultBytes: 20_000,
}

/** What came of a call: a value, or a refusal. */
export type Answer =
  | { readonly value: any }
  | { readonly code: string; readonly message: string; readonly details?: Record<string, string | number> }

/** A run as the broker sees it. Disposing it is its end. */
export interface Run extends Disposable {
  readonly session: Session
  call(operation: string, ...args: unknown[]): Promise<Answer>
  query(text: string, params?: readonly unknown[]): Promise<Answer>
  begin(options?: object): Promise<number>
}

export interface SqlWorld extends AsyncDisposable {
  readonly databases: Databases
  readonly faults: readonly unknown[]
  run(tenant: string, grant?: SqlGrant, wallMs?: number): Run
  bind(tenant: string, name: string, url: string, boundBy?: 'operator' | 'tenant'): Promise<void>
}

export const tenantId = (name: string): TenantId => parseTenantId(name)!

/** `sql` over a real store, for tenants that have nothing bound yet. */
export async function openSql(tenants: readonly string[], connectionsMax = 100): Promise<SqlWorld> {
  const clock = systemClock
  const stores = await openTemporaryStores({ clock })
  for (const name of tenants) {
    const now = clock.now()
    await stores.tenants.put({ id: tenantId(name), policy: 'default', budget: {}, createdAt: now, updatedAt: now })
  }
  const vault = createVault('the key of a vault that holds nothing')
  const databases = new Databases({ store: stores.sqlBindings, vault, clock, connectionsMax, idle: millis(60_000) })
  const faults: unknown[] = []
  const onFault = (_: string, error: unknown): void => void faults.push(error)
  const broker = createBroker({ capabilities: [createSqlCapability({ databases })], clock, onFault })
  const base = loadPolicies([]).resolve('default')
  return {
    databases,
    faults,
    run(tenant, grant = GRANT, wallMs = 60_000) {
      const limits = { ...base.limits, wall: millis(wallMs) }
      const session = broker.open(ticketOf(tenant, { ...base, limits, capabilities: { sql: grant } }))
      const call = async (operation: string, ...args: unknown[]): Promise<Answer> => {
        const { ok, text } = await session.call(`sql.${operation}`, JSON.stringify(args))
        return ok ? { value: text === '' ? undefined : JSON.parse(text) } : JSON.parse(text)
      }
      return {
        session,
        call,
        query: (text, params) => call('query', 'default', text, params),
        async begin(options) {
          const answer = await call('begin', 'default', options ?? null)
          if ('value' in answer) return answer.value
          throw new Error(answer.message)
        },
        [Symbol.dispose]: () => session[Symbol.dispose](),
      }
    },
    async bind(tenant, name, url, boundBy = 'operator') {
      await databases.put(tenantId(tenant), name, { url, boundBy })
    },
    async [Symbol.asyncDispose]() {
      databases[Symbol.dispose]()
      await stores[Symbol.asyncDispose]()
    },
  }
}

/** A connection of the test's own: what anybody else sees of the database. */
export async function openWitness(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url.replace('?sslmode=disable', '') })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/** Asks until the answer is true. */
export async function until(ask: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await ask())) await new Promise((resolve) => setTimeout(resolve, 20))
}
