import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { CloisterError } from '../../core/errors.ts'

/** The process that has a data directory open. */
export interface Owner {
  readonly pid: number
  /** Where it serves, once it does. */
  readonly url?: string
}

const LOCK_FILE = 'cloister.lock'
const OWNER_FILE = 'owner.json'
/** Long enough to outwait a reader of {@link readOwner}, which holds the lock for some microseconds. */
const LOCK_TIMEOUT_MS = 250
const SQLITE_BUSY = 5

/** A data directory that this process alone may write to, for as long as the lock is held. */
export interface DirectoryLock extends Disposable {
  /** Tells other processes where this one serves. */
  announce(url: string): void
}

/** Keeps the connections alive: one that is collected as garbage would let go of its directory. */
const held = new Set<DatabaseSync>()

/**
 * Takes the data directory for this process. Throws CONFLICT if another has it, or this one already.
 *
 * The lock is SQLite's exclusive lock on an empty database: the kernel takes it back when the process ends, however it
 * ends. Who holds it is written beside it, for messages alone.
 */
export function lockDirectory(directory: string): DirectoryLock {
  const path = join(directory, LOCK_FILE)
  ensureFile(path)
  const lock = new DatabaseSync(path, { timeout: LOCK_TIMEOUT_MS })
  try {
    lock.exec('BEGIN EXCLUSIVE')
  } catch (thrown) {
    lock.close()
    if (!isBusy(thrown)) throw thrown
    throw new CloisterError('CONFLICT', `the data directory ${directory} is in use by ${nameOfOwner(directory)}`)
  }
  held.add(lock)
  writeOwner(directory, { pid: process.pid })
  return {
    announce: (url) => writeOwner(directory, { pid: process.pid, url }),
    [Symbol.dispose]: () => {
      if (!held.delete(lock)) return
      rmSync(join(directory, OWNER_FILE), { force: true })
      lock.close()
    },
  }
}

/** Who has the data directory open, if anyone. Changes nothing and does not wait. */
export function readOwner(directory: string): Owner | undefined {
  const path = join(directory, LOCK_FILE)
  if (!existsSync(path)) return undefined
  using lock = new DatabaseSync(path, { readOnly: true, timeout: 0 })
  try {
    lock.exec('SELECT 1 FROM sqlite_schema')
    return undefined
  } catch (thrown) {
    if (!isBusy(thrown)) throw thrown
    return recordedOwner(directory)
  }
}

/**
 * Makes an empty file that only its owner may read. An existing one is never opened here: closing a descriptor of it
 * would let go of the locks that this process holds on it.
 */
export function ensureFile(path: string): void {
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600))
}

function nameOfOwner(directory: string): string {
  const owner = recordedOwner(directory)
  if (owner === undefined) return 'another process'
  return `process ${owner.pid}${owner.url === undefined ? '' : `, which serves ${owner.url}`}`
}

function recordedOwner(directory: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, OWNER_FILE), 'utf8')) as Owner
  } catch {
    // The owner has taken the lock and is about to write its name.
    return undefined
  }
}

function writeOwner(directory: string, owner: Owner): void {
  const path = join(directory, OWNER_FILE)
  const draft = `${path}.${owner.pid}`
  writeFileSync(draft, JSON.stringify(owner), { mode: 0o600 })
  renameSync(draft, path)
}

function isBusy(thrown: unknown): boolean {
  return thrown instanceof Error && 'errcode' in thrown && thrown.errcode === SQLITE_BUSY
}
