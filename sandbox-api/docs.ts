import type { Call } from './calls.ts'
import { freeze } from './primordials.ts'
import type { Collection, Documents } from './types.d.ts'

/** Guest half of `docs`: its host half, with the checks that count, is src/broker/docs.ts. */
export function createDocs(call: Call): Documents {
  return freeze({
    collection: (name: string, options?: { indexes?: readonly string[] }) =>
      createCollection(call, name, options?.indexes),
    transact: (operations: readonly object[]) => call('docs.transact', [operations]),
  }) as Documents
}

function createCollection(call: Call, name: string, indexes: readonly string[] | undefined): Collection {
  // The indexes go along with what relies on them, so that the host can make those that are missing.
  const target = indexes === undefined ? name : { __proto__: null, name, indexes }
  return freeze({
    name,
    insert: (data: unknown, options?: object) => call('docs.insert', [target, data, options]),
    get: (id: string) => call('docs.get', [target, id]),
    replace: (id: string, data: unknown, options?: object) => call('docs.replace', [target, id, data, options]),
    patch: (id: string, patch: unknown, options?: object) => call('docs.patch', [target, id, patch, options]),
    delete: (id: string, options?: object) => call('docs.delete', [target, id, options]),
    find: (query?: object) => call('docs.find', [target, query]),
  }) as Collection
}
