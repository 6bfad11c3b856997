import { randomBytes } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CloisterError } from '../core/errors.ts'

const FILE_NAME = 'vault.key'
const FILE_MODE = 0o600
const OTHERS = 0o077
const LENGTH_MIN = 32

interface Parts {
  /** The data directory; it exists. */
  readonly directory: string
  /** The key from the configuration, which goes before the file. */
  readonly given?: string | undefined
}

export interface VaultKey {
  readonly key: string
  /** What the operator should mend: the file can be read by others. */
  readonly warning?: string
}

/**
 * The vault's key: the configured one, or the one in the data directory, made there at the first start and readable by its
 * owner only. Throws INTERNAL when the file can be neither read nor made. Whoever loses it loses what is sealed.
 */
export async function loadVaultKey({ directory, given }: Parts): Promise<VaultKey> {
  if (given !== undefined) return { key: given }
  const path = join(directory, FILE_NAME)
  const key = `clv_${randomBytes(32).toString('base64url')}`
  try {
    await writeFile(path, `${key}\n`, { flag: 'wx', mode: FILE_MODE, flush: true })
    return { key }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw unusable(path, error)
  }
  try {
    const [text, { mode }] = await Promise.all([readFile(path, 'utf8'), stat(path)])
    const found = text.trim()
    if (found.length < LENGTH_MIN)
      throw new Error(`it has ${found.length} characters; at least ${LENGTH_MIN} are needed`)
    if ((mode & OTHERS) === 0) return { key: found }
    const shown = (mode & 0o777).toString(8)
    return { key: found, warning: `${path} has mode ${shown}: others on this machine may read it; run chmod 600` }
  } catch (error) {
    throw unusable(path, error)
  }
}

function unusable(path: string, cause: unknown): CloisterError {
  return new CloisterError('INTERNAL', `the vault's key cannot be kept in ${path}`, { cause })
}
