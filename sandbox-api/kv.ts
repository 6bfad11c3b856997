import type { Call } from './calls.ts'
import { freeze } from './primordials.ts'
import type { KeyValue } from './types.d.ts'

/** Guest half of `kv`: its host half, with the checks that count, is src/broker/kv.ts. */
export function createKv(call: Call): KeyValue {
  return freeze({
    get: (key: string) => call('kv.get', [key]),
    getWithMetadata: (key: string) => call('kv.getWithMetadata', [key]),
    getMany: (keys: readonly string[]) => call('kv.getMany', [keys]),
    putMany: (entries: readonly object[]) => call('kv.putMany', [entries]),
    deleteMany: (keys: readonly string[]) => call('kv.deleteMany', [keys]),
    put: (key: string, value: unknown, options?: object) => call('kv.put', [key, value, options]),
    delete: (key: string) => call('kv.delete', [key]),
    list: (options?: object) => call('kv.list', [options]),
    increment: (key: string, by?: number) => call('kv.increment', [key, by]),
    compareAndSet: (key: string, expected: unknown, value: unknown, options?: object) =>
      call('kv.compareAndSet', [key, expected ?? null, value, options]),
  }) as KeyValue
}
