import type { Call } from './calls.ts'
import { freeze } from './primordials.ts'
import type { Secrets } from './storage-types.d.ts'

/** Guest half of `secrets`: its host half, with the checks that count, is src/broker/secrets.ts. */
export function createSecrets(call: Call, _openWeb: unknown, isGranted: (name: string) => boolean): Secrets {
  const ref = (name: string) => call('secrets.ref', [name])
  if (!isGranted('secrets.reveal')) return freeze({ ref }) as Secrets
  return freeze({ ref, reveal: (name: string) => call('secrets.reveal', [name]) }) as Secrets
}
