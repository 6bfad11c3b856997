import { CloisterError } from '../core/errors.ts'

/** As for a function's own configuration: names, and bytes of names and values together. */
const ENV_NAME = /^[A-Za-z][A-Za-z0-9_]{0,127}$/
const COUNT_MAX = 64
const BYTES_MAX = 32_768

export type Env = Readonly<Record<string, string>>

/** Checks a tenant's variables as a whole, puts them in the order of their names and freezes them. Throws INVALID_REQUEST with every fault. */
export function checkEnv(given: Env): Env {
  const entries = Object.entries(given)
  const faults = entries.flatMap(([name, value]) => faultsOf(name, value))
  if (entries.length > COUNT_MAX) faults.push(`env: has ${entries.length} variables; at most ${COUNT_MAX} are allowed`)
  const size = entries.reduce((sum, pair) => sum + Buffer.byteLength(pair.join('')), 0)
  if (size > BYTES_MAX) faults.push(`env: has ${size} bytes, names included; at most ${BYTES_MAX} are allowed`)
  if (faults.length > 0) throw new CloisterError('INVALID_REQUEST', faults.slice(0, 20).join('; '))
  return Object.freeze(Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1))))
}

function faultsOf(name: string, value: string): string[] {
  const where = `env.${JSON.stringify(name.slice(0, 80))}`
  return [
    ...(ENV_NAME.test(name) ? [] : [`${where}: its name must be 1 to 128 of A-Z, a-z, 0-9 and _, a letter first`]),
    ...(value.isWellFormed() ? [] : [`${where}: holds half of a surrogate pair`]),
  ]
}
