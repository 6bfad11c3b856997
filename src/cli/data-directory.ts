import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Config, type ConfigOverrides, loadConfig } from '../config.ts'
import { bytes } from '../core/quantity.ts'
import { machineMemory } from '../machine.ts'
import type { Owner } from '../store/sqlite/directory-lock.ts'
import type { Context, Environment } from './context.ts'
import { EXIT_REFUSED, Stop } from './stop.ts'

const ADMIN_KEY_FILE = 'admin.key'

/** Where the admin key of a data directory is kept, unless the operator sets it. */
export function adminKeyFile(directory: string): string {
  return join(directory, ADMIN_KEY_FILE)
}

/**
 * The configuration of this process: what the command line says, then the environment, then the defaults. Its data
 * directory is absolute, so that messages name it in full and cells, which start elsewhere, find it.
 */
export function configure({ env }: Context, overrides: ConfigOverrides): Config {
  const config = loadConfig(env, overrides, { totalMemory: bytes(machineMemory()) })
  return Object.freeze({ ...config, dataDirectory: resolve(config.dataDirectory) })
}

/** The process that has a data directory open, if any; `url` is there once it serves. */
export async function findOwner(directory: string): Promise<Owner | undefined> {
  const { readOwner } = await import('../store/sqlite/directory-lock.ts')
  return readOwner(directory)
}

/**
 * The admin key that a server on this machine was started with: the operator's own, or the file's. Throws a Stop when the
 * file cannot be read.
 */
export async function readAdminKey(directory: string, env: Environment): Promise<string> {
  const given = env['CLOISTER_ADMIN_KEY']
  if (given !== undefined && given !== '') return given
  try {
    return (await readFile(adminKeyFile(directory), 'utf8')).trim()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Stop(`a server has ${directory} open, and its admin key cannot be read: ${reason}`, {
      exit: EXIT_REFUSED,
      next: 'set CLOISTER_URL and CLOISTER_KEY, or CLOISTER_ADMIN_KEY',
    })
  }
}
