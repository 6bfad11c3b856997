import fc from 'fast-check'
import { expect, test } from 'vitest'
import { epochMillis } from '../../src/core/quantity.ts'
import type { TenantId } from '../../src/core/ids.ts'
import type { KvEntry, KvQuota, KvWrite, Stores } from '../../src/core/stores.ts'
import type { OpenStores } from './describe-stores.ts'
import { START, fakeClock, tenant } from './samples.ts'

/** The key-value port as it is meant: a map that forgets what is expired before each step. */
class Model {
  readonly entries = new Map<string, KvEntry>()

  expire(now: number): void {
    for (const [key, { expiresAt }] of this.entries)
      if (expiresAt !== undefined && expiresAt <= now) this.entries.delete(key)
  }

  put(entry: KvEntry, quota: KvQuota): KvWrite {
    const before = this.entries.get(entry.key)
    const grows = before === undefined || size(entry) > size(before)
    const rest = [...this.entries.values()].filter(({ key }) => key !== entry.key)
    const total = rest.reduce((sum, other) => sum + size(other), size(entry))
    if (before === undefined && rest.length + 1 > quota.keys) return 'quota-exceeded'
    if (grows && total > quota.storedBytes) return 'quota-exceeded'
    this.entries.set(entry.key, entry)
    return 'done'
  }

  increment(key: string, by: number, quota: KvQuota): { outcome: KvWrite; value: number | undefined } {
    const before = this.entries.get(key)
    const present: unknown = JSON.parse(before?.value ?? '0')
    if (typeof present !== 'number' || Math.abs(present + by) > Number.MAX_SAFE_INTEGER) {
      return { outcome: 'not-a-number', value: undefined }
    }
    const outcome = this.put({ ...before, key, value: String(present + by) }, quota)
    return { outcome, value: outcome === 'done' ? present + by : undefined }
  }

  compareAndSet(entry: KvEntry, expected: string | undefined, quota: KvQuota): KvWrite {
    return this.entries.get(entry.key)?.value === expected ? this.put(entry, quota) : 'mismatch'
  }
}

function size({ key, value }: KvEntry): number {
  return Buffer.byteLength(key) + Buffer.byteLength(value)
}

const key = fc.constantFrom('a', 'b', 'é', 'long-key', '😀')
const value = fc.constantFrom('1', '0', '"text"', '"é😀"', '[1,2,3,4,5,6,7,8]')
const quota = fc.constantFrom<KvQuota[]>(
  { keys: 3, storedBytes: 1_000 },
  { keys: 100, storedBytes: 40 },
  { keys: 2, storedBytes: 20 },
)
const ttl = fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined })

const step = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), key, value, quota, ttl }),
  fc.record({
    kind: fc.constant('compare' as const),
    key,
    value,
    quota,
    ttl,
    expected: fc.option(value, { nil: undefined }),
  }),
  fc.record({ kind: fc.constant('increment' as const), key, quota, by: fc.integer({ min: -5, max: 1_000 }) }),
  fc.record({ kind: fc.constant('delete' as const), key }),
  fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 15 }) }),
)
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

function entryOf(
  { key: name, value: text, ttl: lifetime }: { key: string; value: string; ttl: number | undefined },
  now: number,
): KvEntry {
  return { key: name, value: text, ...(lifetime !== undefined && { expiresAt: epochMillis(now + lifetime) }) }
}

async function run(
  stores: Stores,
  id: TenantId,
  model: Model,
  item: Exclude<Step, { kind: 'advance' }>,
  now: number,
): Promise<void> {
  switch (item.kind) {
    case 'put': {
      const entry = entryOf(item, now)
      return expect(await stores.kv.put(id, entry, item.quota)).toBe(model.put(entry, item.quota))
    }
    case 'compare': {
      const entry = entryOf(item, now)
      const outcome = await stores.kv.compareAndSet(id, entry, item.expected, item.quota)
      return expect(outcome).toBe(model.compareAndSet(entry, item.expected, item.quota))
    }
    case 'increment':
      return expect(await stores.kv.increment(id, item.key, item.by, item.quota)).toEqual(
        model.increment(item.key, item.by, item.quota),
      )
    case 'delete':
      return expect(await stores.kv.delete(id, item.key)).toBe(model.entries.delete(item.key))
  }
}

export function describeKvModel(open: OpenStores): void {
  test(
    'any sequence of writes keeps what a plain map would keep, and quotas are exact to the byte',
    { timeout: 60_000 },
    async () => {
      const clock = fakeClock()
      await using stores = await open(clock)
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.uuid(), async (steps, uuid) => {
          const id = `t-${uuid}` as TenantId
          await stores.tenants.put(tenant(id))
          const model = new Model()
          for (const item of steps) {
            if (item.kind === 'advance') clock.advance(item.ms)
            model.expire(clock.now())
            if (item.kind !== 'advance') await run(stores, id, model, item, clock.now())
            model.expire(clock.now())
            const keys = (await stores.kv.list(id, { prefix: '', limit: 100 })).map((entry) => entry.key)
            const seen = (await stores.kv.getMany(id, keys, 10_000))!
            expect(Object.fromEntries(seen.map((entry) => [entry?.key, entry]))).toEqual(
              Object.fromEntries(model.entries),
            )
          }
        }),
        { numRuns: 150 },
      )
      expect(clock.now()).toBeGreaterThan(START)
    },
  )
}
