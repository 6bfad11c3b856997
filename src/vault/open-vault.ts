import type { Vault } from '../core/vault.ts'
import { loadVaultKey } from './vault-key.ts'
import { createVault } from './vault.ts'

interface Place {
  readonly dataDirectory: string
  readonly vaultKey: string | undefined
}

/** The vault under the configured key, or under the one in the data directory. `onExposed` is told if others may read that one. */
export async function openVault(
  { dataDirectory, vaultKey }: Place,
  onExposed: (warning: string) => void,
): Promise<Vault> {
  const { key, warning } = await loadVaultKey({ directory: dataDirectory, given: vaultKey })
  if (warning !== undefined) onExposed(warning)
  return createVault(key)
}
