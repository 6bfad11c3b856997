import { randomBytes } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CloisterError } from '../core/errors.ts'

/** Shortest admin key that is taken. Below it, guessing over the network becomes thinkable. */
const ADMIN_KEY_LENGTH_MIN = 16
const FILE_NAME = 'admin.key'
const FILE_MODE = 0o600
const OTHERS = 0o077

interface Parts {
  /** The data directory; it exists. */
  readonly directory: string
  /** The key from the configuration, which goes before the file. */
  readonly given?: string | undefined
}

export interface AdminKey {
  readonly key: string
  readonly source: 'configuration' | 'file' | 'new-file'
  /** Where the key is kept, if it is kept in a file. */
  readonly path?: string
  /** What the operator should mend: the file can be read by others. */
  readonly warning?: string
}

/**
 * The admin key: the configured one, or the one in the data directory, made there at the first start and readable by its
 * owner only. Throws INVALID_REQUEST for a key under 16 characters, INTERNAL when the file can be neither read nor made.
 */
export async function loadAdminKey({ directory, given }: Parts): Promise<AdminKey> {
  if (given !== undefined) return { key: check(given, 'the configured admin key'), source: 'configuration' }
  const path = join(directory, FILE_NAME)
  const key = `cla_${randomBytes(32).toString('base64url')}`
  try {
    // The flag makes the system refuse if the file exists: two hosts that start at once agree on one key.
    await writeFile(path, `${key}\n`, { flag: 'wx', mode: FILE_MODE, flush: true })
    return { key, source: 'new-file', path }
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw unusable(path, error)
  }
  return readKeyFile(path)
}

async function readKeyFile(path: string): Promise<AdminKey> {
  try {
    const [text, { mode }] = await Promise.all([readFile(path, 'utf8'), stat(path)])
    const key = check(text.trim(), path)
    if ((mode & OTHERS) === 0) return { key, source: 'file', path }
    const warning = `${path} has mode ${(mode & 0o777).toString(8)}: others on this machine may read it; run chmod 600`
    return { key, source: 'file', path, warning }
  } catch (error) {
    throw error instanceof CloisterError ? error : unusable(path, error)
  }
}

function check(key: string, origin: string): string {
  if (key.length >= ADMIN_KEY_LENGTH_MIN && !/\s/.test(key)) return key
  const wrong = /\s/.test(key) ? 'holds white space' : `has ${key.length} characters`
  throw new CloisterError(
    'INVALID_REQUEST',
    `${origin} ${wrong}; at least ${ADMIN_KEY_LENGTH_MIN} without white space are needed`,
  )
}

function unusable(path: string, cause: unknown): CloisterError {
  return new CloisterError('INTERNAL', `the admin key cannot be kept in ${path}`, { cause })
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
