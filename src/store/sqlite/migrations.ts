import type { DatabaseSync } from 'node:sqlite'
import { CloisterError } from '../../core/errors.ts'
import { eventSources } from './migrations/event-sources.ts'
import { fillRollups } from './fill-rollups.ts'
import { ledgerTenantsKv } from './migrations/1-ledger-tenants-kv.ts'
import { auth } from './migrations/auth.ts'
import { blobs } from './migrations/blobs.ts'
import { docs } from './migrations/docs.ts'
import { executions } from './migrations/executions.ts'
import { functions } from './migrations/functions.ts'
import { invocations } from './migrations/invocations.ts'
import { invoices } from './migrations/invoices.ts'
import { kvMetadata } from './migrations/kv-metadata.ts'
import { metering } from './migrations/metering.ts'
import { queues } from './migrations/queues.ts'
import { rollbacks } from './migrations/rollbacks.ts'
import { secrets } from './migrations/secrets.ts'
import { sqlBindings } from './migrations/sql-bindings.ts'
import { tenantEnv } from './migrations/tenant-env.ts'
import { webhooks } from './migrations/webhooks.ts'

/** `Clst`: tells a Cloister database from any other SQLite file. */
const APPLICATION_ID = 0x436c7374

interface Migration {
  readonly statements: string
  /** What statements cannot do with the rows that are there; it sees the tables as the statements leave them. */
  readonly fill?: (database: DatabaseSync) => void
}

/** Each entry takes the schema one version up, and is a file of its own; an entry that was published never changes. */
const MIGRATIONS: readonly (string | Migration)[] = [
  ledgerTenantsKv,
  blobs,
  queues,
  kvMetadata,
  { statements: metering, fill: fillRollups },
  functions,
  docs,
  invoices,
  sqlBindings,
  tenantEnv,
  rollbacks,
  auth,
  invocations,
  secrets,
  webhooks,
  eventSources,
  executions,
]

/** The schema version that this program writes. */
export const SCHEMA_VERSION = MIGRATIONS.length

/**
 * Brings a database up to {@link SCHEMA_VERSION}, each step in a transaction of its own. Throws CONFLICT, and changes
 * nothing, if the database is from a newer version or is not Cloister's.
 */
export function migrate(database: DatabaseSync): void {
  const version = pragma(database, 'user_version')
  if (version > SCHEMA_VERSION) {
    throw new CloisterError(
      'CONFLICT',
      `the database has schema version ${version}, but this version of Cloister knows 1 to ${SCHEMA_VERSION}: use a newer Cloister`,
    )
  }
  if (isForeign(database)) throw new CloisterError('CONFLICT', 'the database was not made by Cloister')
  for (const [index, migration] of MIGRATIONS.entries()) {
    if (index >= version)
      step(database, index + 1, typeof migration === 'string' ? { statements: migration } : migration)
  }
}

function step(database: DatabaseSync, version: number, { statements, fill }: Migration): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    database.exec(statements)
    fill?.(database)
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${version}; COMMIT`)
  } catch (thrown) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw thrown
  }
}

function isForeign(database: DatabaseSync): boolean {
  if (pragma(database, 'application_id') === APPLICATION_ID) return false
  return database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() !== undefined
}

function pragma(database: DatabaseSync, name: 'user_version' | 'application_id'): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name])
}
