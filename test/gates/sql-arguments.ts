import fc from 'fast-check'
import { createSqlCapability } from '../../src/broker/sql.ts'
import { Databases } from '../../src/broker/sql/databases.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { SqlGrant } from '../../src/core/policy.ts'
import { millis } from '../../src/core/quantity.ts'
import type { SqlBindingStore } from '../../src/core/sql-bindings.ts'
import { createVault } from '../../src/vault/vault.ts'

export const SQL: SqlGrant = {
  operations: Number.MAX_SAFE_INTEGER,
  connections: 1,
  waiting: 1,
  statementBytes: 512,
  rows: 10,
  resultBytes: 1_000,
}

export const SQL_OPERATIONS: readonly string[] = ['query', 'begin', 'queryIn', 'commit', 'rollback'].map(
  (verb) => `sql.${verb}`,
)

/** Without a database: what comes in is read and checked to the end, and then nothing is bound to the name. */
export function sqlOverNothing(store: SqlBindingStore): ReturnType<typeof createSqlCapability> {
  const vault = createVault('the key of a vault that holds nothing')
  const databases = new Databases({ store, vault, clock: systemClock, connectionsMax: 1, idle: millis(1) })
  return createSqlCapability({ databases })
}

/** Arguments that mean something to `sql`, and some that nearly do. */
export function sqlArguments(key: fc.Arbitrary<string>, value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown[]> {
  const statement = fc.oneof(
    key,
    fc.constantFrom('SELECT $1', '/* /* */ copy */ select', '-- \n', ';;begin', 'rollback to s', '\ud800'),
  )
  const mode = fc.record(
    { isolation: fc.constantFrom('serializable', 'chaos', null, 1), readOnly: fc.constantFrom(true, 'yes', null) },
    { requiredKeys: [] },
  )
  const database = fc.oneof(fc.constantFrom('default', 'reports', '../default', ''), key)
  return fc.oneof(
    fc.tuple(database, statement, fc.oneof(fc.array(value, { maxLength: 4 }), value)),
    fc.tuple(fc.oneof(fc.nat(3), value), statement, fc.array(value, { maxLength: 4 })),
    fc.tuple(database, mode),
  )
}
