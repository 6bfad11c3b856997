import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import type { Clock } from '../../core/clock.ts'
import type { ExecutionStore } from '../../core/durable.ts'
import { CloisterError } from '../../core/errors.ts'
import { type Bytes, type EpochMillis, type Millis, bytes, millis } from '../../core/quantity.ts'
import type { Stores } from '../../core/stores.ts'
import type { BlobIndex } from '../blobs/blob-index.ts'
import { listStoredBytes } from '../account-queries.ts'
import type { Notices } from '../notices.ts'
import { reading } from '../reading.ts'
import { createKeyStore, createTenantStore } from './account-stores.ts'
import { createAuthStore } from './auth-store.ts'
import { createBlobIndex } from './blob-index.ts'
import type { Swept, Synchronous, WriterSettings } from './commands.ts'
import { kyselyOver } from './dialect.ts'
import { createDeadLetterStore } from './dead-letter-store.ts'
import { createEventSourceStore } from './event-source-store.ts'
import { type DirectoryLock, ensureFile, lockDirectory } from './directory-lock.ts'
import { createDocStore } from './doc-store.ts'
import { createExecutionStore } from './execution-store.ts'
import { createFunctionStore } from './function-store.ts'
import { createIdempotencyStore, createInvocationStore } from './invocation-store.ts'
import { createInvoiceStore } from './invoice-store.ts'
import { createKvStore } from './kv-store.ts'
import { createLedgerStore } from './ledger-store.ts'
import { makeDirectory } from './make-directory.ts'
import { migrate } from './migrations.ts'
import { createQueueStore } from './queue-store.ts'
import { createSecretStore } from './secret-store.ts'
import { createSqlBindingStore } from './sql-binding-store.ts'
import { createWebhookStore } from './webhook-store.ts'
import { LedgerVerifier } from './verify/verifier.ts'
import { WriteQueue } from './write-queue.ts'

export interface SqliteOptions {
  /** The data directory; made if it is missing, for this user alone. */
  readonly directory: string
  readonly clock: Clock
  /** When a commit survives a loss of power. Default `full`: always. */
  readonly synchronous?: Synchronous
  /** How long a run's error and logs are kept. Default 30 days. The ledger itself is kept for good. */
  readonly detailsRetention?: Millis
  /** Largest size of the database; past it, writes reject. Default: as much as the disk has. */
  readonly sizeMax?: Bytes
  /** Writes that may wait for their commit, past which they are OVERLOADED. Default 65,536. */
  readonly writesMax?: number
  /** Size of all waiting writes together, in UTF-16 code units. Default 64 Mi. */
  readonly writesLengthMax?: number
  /**
   * Told once if the writer dies, which only a defect or a lack of memory can do. Every write rejects from then on, so
   * no run can be charged any more: stop taking runs. By default nobody is told.
   */
  readonly onFailure?: (error: CloisterError) => void
}

/** Stores in a data directory that no other process has open. */
export interface SqliteStores extends Stores {
  readonly blobs: BlobIndex
  readonly executions: ExecutionStore
  /**
   * Removes run details past their retention and expired key-value entries, a bounded number at a time: sweep again
   * until it is `complete`.
   */
  sweep(now: EpochMillis): Promise<Swept>
  /** Tells other processes of this machine where this one serves: see `readOwner`. */
  announce(url: string): void
}

const DATABASE_FILE = 'cloister.db'
const PAGE_BYTES = 4_096
/** The most that SQLite can count. */
const PAGES_MAX = 0xfffffffe
const RETENTION = millis(30 * 24 * 3_600_000)
const READ_TIMEOUT_MS = 1_000

/**
 * Opens the data directory, making or migrating its database. Throws CONFLICT if another process has it open or if its
 * database is from a newer version or not Cloister's, INTERNAL if it cannot be opened.
 *
 * Disposing it finishes the writes that wait, merges the write-ahead log into the database and lets go of the directory.
 */
export async function openSqliteStores(options: SqliteOptions): Promise<SqliteStores> {
  try {
    return await open(options)
  } catch (thrown) {
    if (thrown instanceof CloisterError) throw thrown
    const message = `the data directory ${options.directory} cannot be opened: ${String(thrown)}`
    throw new CloisterError('INTERNAL', message, { cause: thrown })
  }
}

/** Stores that are gone when they are disposed, or when the process ends: for a library and for tests. */
export async function openTemporaryStores(
  options: Omit<SqliteOptions, 'directory'>,
): Promise<SqliteStores & { readonly directory: string }> {
  await using taken = new AsyncDisposableStack()
  const directory = taken.adopt(takeTemporaryDirectory(), removeTemporaryDirectory)
  const stores = taken.use(await openSqliteStores({ synchronous: 'off', ...options, directory }))
  const resources = taken.move()
  return { ...stores, directory, [Symbol.asyncDispose]: () => resources.disposeAsync() }
}

async function open({
  directory,
  clock,
  synchronous = 'full',
  detailsRetention = RETENTION,
  sizeMax = bytes(PAGES_MAX * PAGE_BYTES),
  writesMax = 65_536,
  writesLengthMax = 64 << 20,
  onFailure = () => undefined,
}: SqliteOptions): Promise<SqliteStores> {
  await using taken = new AsyncDisposableStack()
  makeDirectory(directory)
  const lock = taken.use(lockDirectory(directory))
  const path = join(directory, DATABASE_FILE)
  prepareDatabase(path)
  const thread = await startWriter({ path, synchronous, pagesMax: Math.floor(sizeMax / PAGE_BYTES) })
  const queue = taken.use(
    new WriteQueue({ thread, clock, commandsMax: writesMax, lengthMax: writesLengthMax, onFailure }),
  )
  // Closed before the writer, which then is the last to leave and merges the log into the database.
  const reader = taken.use(new DatabaseSync(path, { readOnly: true, timeout: READ_TIMEOUT_MS }))
  const verifier = taken.use(new LedgerVerifier({ path, reader }))
  const database = kyselyOver(reader)
  return storesOf({ lock, queue, reader, verifier, database, clock, detailsRetention, resources: taken.move() })
}

interface Opened {
  readonly lock: DirectoryLock
  readonly queue: WriteQueue
  readonly reader: DatabaseSync
  readonly verifier: LedgerVerifier
  readonly database: ReturnType<typeof kyselyOver>
  readonly clock: Clock
  readonly detailsRetention: Millis
  readonly resources: AsyncDisposableStack
}

function storesOf({
  lock,
  queue,
  reader,
  verifier,
  database,
  clock,
  detailsRetention,
  resources,
}: Opened): SqliteStores {
  const notices: Notices = new Set()
  return {
    tenants: createTenantStore({ queue, database }),
    keys: createKeyStore({ queue, database }),
    ledger: createLedgerStore({ queue, database, verifier }),
    functions: createFunctionStore({ queue, database }),
    executions: createExecutionStore({ queue, database: reader }),
    kv: createKvStore({ queue, database: reader, clock }),
    docs: createDocStore({ queue, database: reader, clock, notices }),
    queues: createQueueStore({ queue, database: reader, clock, notices }),
    blobs: createBlobIndex({ queue, database: reader, notices }),
    invocations: createInvocationStore({ queue, database: reader, clock }),
    deadLetters: createDeadLetterStore({ queue, database: reader, clock }),
    eventSources: createEventSourceStore({ queue, database: reader, clock, notices }),
    idempotency: createIdempotencyStore({ queue, clock }),
    invoices: createInvoiceStore({ queue, database }),
    storedBytes: () => reading(() => listStoredBytes(database)),
    auth: createAuthStore({ queue, database: reader, clock }),
    sqlBindings: createSqlBindingStore({ queue, database: reader }),
    secrets: createSecretStore({ queue, database: reader }),
    webhooks: createWebhookStore({ queue, database: reader }),
    sweep: (now) => queue.write('sweep', { now, detailsBefore: now - detailsRetention }),
    announce: (url) => lock.announce(url),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

const temporaryDirectories = new Set<string>()

function takeTemporaryDirectory(): string {
  if (temporaryDirectories.size === 0) process.once('exit', removeTemporaryDirectories)
  const directory = mkdtempSync(join(tmpdir(), 'cloister-'))
  temporaryDirectories.add(directory)
  return directory
}

function removeTemporaryDirectory(directory: string): void {
  temporaryDirectories.delete(directory)
  if (temporaryDirectories.size === 0) process.off('exit', removeTemporaryDirectories)
  rmSync(directory, { recursive: true, force: true })
}

function removeTemporaryDirectories(): void {
  for (const directory of temporaryDirectories) removeTemporaryDirectory(directory)
}

/** The log and its index take their mode from the database file. */
function prepareDatabase(path: string): void {
  ensureFile(path)
  chmodSync(path, 0o600)
  using database = new DatabaseSync(path)
  migrate(database)
}

/** Starts writer.ts and waits until it has the database open. Rejects with what it failed with. */
async function startWriter(settings: WriterSettings): Promise<Worker> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const thread = new Worker(new URL(`./writer.${extension}`, import.meta.url), { workerData: settings })
  await once(thread, 'message')
  return thread
}
