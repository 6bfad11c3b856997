import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { CloisterError } from '../core/errors.ts'
import type { FunctionRecord, FunctionStore, VersionRecord } from '../core/function-store.ts'
import { type FunctionName, type TenantId, artifactId } from '../core/ids.ts'
import type { Bytes } from '../core/quantity.ts'
import type { Artifact } from '../core/run.ts'

/** A version with its code. */
export interface LoadedVersion extends VersionRecord {
  /**
   * The code under an id of this version's own: two functions with equal code share what is stored, and never the isolates
   * in which their globals live on.
   */
  readonly code: Artifact
}

interface Parts {
  readonly store: FunctionStore
  /** What the code of versions may take in memory together. */
  readonly size: Bytes
}

/** Functions whose aliases are remembered. */
const FUNCTIONS_MAX = 10_000
// What an entry takes besides its text.
const ENTRY_BYTES = 1_000

/**
 * What calls of functions need of the store, remembered. Invariant: once `forget` has returned, nothing is answered that was
 * read before it.
 */
export class VersionCache {
  readonly #store: FunctionStore
  readonly #functions = new LRUCache<string, FunctionRecord>({ max: FUNCTIONS_MAX })
  readonly #versions: LRUCache<string, LoadedVersion>
  /** Grows with every change: what was read before one must not be remembered after it. */
  #generation = 0

  constructor({ store, size }: Parts) {
    this.#store = store
    this.#versions = new LRUCache<string, LoadedVersion>({
      maxSize: size,
      maxEntrySize: Math.ceil(size / 4),
      // A string of V8 takes up to two bytes a character.
      sizeCalculation: ({ code }) => code.size * 2 + ENTRY_BYTES,
    })
  }

  async function(tenant: TenantId, name: FunctionName): Promise<FunctionRecord | undefined> {
    const key = keyOf(tenant, name)
    const known = this.#functions.get(key)
    if (known !== undefined) return known
    const generation = this.#generation
    const found = await this.#store.find(tenant, name)
    if (found !== undefined && generation === this.#generation) this.#functions.set(key, found)
    return found
  }

  async version(tenant: TenantId, name: FunctionName, version: number): Promise<LoadedVersion | undefined> {
    const key = `${keyOf(tenant, name)} ${version}`
    const known = this.#versions.get(key)
    if (known !== undefined) return known
    const generation = this.#generation
    const record = await this.#store.findVersion(tenant, name, version)
    if (record === undefined) return undefined
    const code = await this.#store.findArtifact(record.artifact)
    if (code === undefined)
      throw new CloisterError('INTERNAL', `the code of version ${version} of "${name}" is missing`)
    const loaded = Object.freeze({ ...record, code: Object.freeze({ ...code, id: ownId(record) }) })
    if (generation === this.#generation) this.#versions.set(key, loaded)
    return loaded
  }

  /** Aliases of the function may have changed, and versions may be gone. */
  forget(tenant: TenantId, name: FunctionName): void {
    this.#generation += 1
    this.#functions.delete(keyOf(tenant, name))
    for (const key of this.#versions.keys()) if (key.startsWith(`${keyOf(tenant, name)} `)) this.#versions.delete(key)
  }

  /** A tenant is gone, with everything it had. */
  forgetTenant(tenant: TenantId): void {
    this.#generation += 1
    for (const cache of [this.#functions, this.#versions]) {
      for (const key of cache.keys()) if (key.startsWith(`${tenant} `)) cache.delete(key)
    }
  }
}

/** Neither name has a space. */
function keyOf(tenant: TenantId, name: FunctionName): string {
  return `${tenant} ${name}`
}

function ownId({ number, artifact }: VersionRecord): Artifact['id'] {
  return artifactId(hash('sha256', `version ${number} of ${artifact}`))
}
