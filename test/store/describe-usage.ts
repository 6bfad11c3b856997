import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseFunctionName } from '../../src/core/ids.ts'
import { bytes, epochMillis, mebibytes, micros, units } from '../../src/core/quantity.ts'
import { type LedgerRecord, USAGE_GROUPS, type UsageGroup, type UsageSums } from '../../src/core/stores.ts'
import type { OpenStores } from './describe-stores.ts'
import { ALL, NO_DETAILS, START, alice, bob, fakeClock, record } from './samples.ts'

const HOUR_MS = 3_600_000

const NOTHING: UsageSums = {
  group: {},
  records: 0n,
  requests: 0n,
  units: 0n,
  unitMebibytes: 0n,
  wallMicros: 0n,
  cpuMicros: 0n,
  inputBytes: 0n,
  outputBytes: 0n,
  egressBytes: 0n,
  ingressBytes: 0n,
  storedByteHours: 0n,
  coldStarts: 0n,
  operations: {},
}

/** The sums as they are meant: one record after the other, in integers without a bound. */
function sumOf(records: readonly LedgerRecord[]): Omit<UsageSums, 'group'> {
  const total = (pick: (record: LedgerRecord) => bigint): bigint => records.reduce((sum, item) => sum + pick(item), 0n)
  const names = new Set(records.flatMap(({ usage }) => Object.keys(usage.operations)))
  return {
    records: BigInt(records.length),
    requests: BigInt(records.filter(({ kind }) => kind === undefined).length),
    units: total(({ usage }) => BigInt(usage.units)),
    unitMebibytes: total(({ usage }) => BigInt(usage.units) * BigInt(usage.memory)),
    wallMicros: total(({ usage }) => BigInt(usage.wall)),
    cpuMicros: total(({ usage }) => BigInt(usage.cpu)),
    inputBytes: total(({ usage }) => BigInt(usage.inputSize)),
    outputBytes: total(({ usage }) => BigInt(usage.outputSize)),
    egressBytes: total(({ usage }) => BigInt(usage.egress)),
    ingressBytes: total(({ usage }) => BigInt(usage.ingress)),
    storedByteHours: total(({ storedByteHours }) => BigInt(storedByteHours ?? 0)),
    coldStarts: total(({ usage }) => (usage.coldStart ? 1n : 0n)),
    operations: Object.fromEntries(
      [...names].toSorted().map((name) => [name, total(({ usage }) => BigInt(usage.operations[name] ?? 0))]),
    ),
  }
}

function label(group: UsageGroup, { startedAt, status, trigger, policy, kind, ...rest }: LedgerRecord): string {
  const time = new Date(startedAt).toISOString()
  if (group === 'day') return time.slice(0, 10)
  if (group === 'hour') return `${time.slice(0, 13)}:00Z`
  const { name = '', version = '' } = rest.function ?? {}
  return { outcome: status, trigger, policy, kind: kind ?? 'run', function: name, version: String(version) }[group]
}

function groupedSums(records: readonly LedgerRecord[], groupBy: readonly UsageGroup[]): UsageSums[] {
  const groups = Map.groupBy(records, (item) => JSON.stringify(groupBy.map((group) => label(group, item))))
  return [...groups.entries()]
    .map(([key, members]) => [JSON.parse(key) as string[], members] as const)
    .toSorted(([a], [b]) => (a.join('\0') < b.join('\0') ? -1 : 1))
    .map(([labels, members]) => ({
      group: Object.fromEntries(groupBy.map((group, index) => [group, labels[index]!])),
      ...sumOf(members),
    }))
}

function deployed(name: string, version: number): NonNullable<LedgerRecord['function']> {
  return { name: parseFunctionName(name)!, version }
}

const quantity = fc.oneof(fc.constantFrom(0, 1, Number.MAX_SAFE_INTEGER), fc.maxSafeNat())

const records = fc.array(
  fc
    .record({
      startedAt: fc.integer({ min: 0, max: 60 * HOUR_MS }).map((offset) => epochMillis(START + offset)),
      status: fc.constantFrom<LedgerRecord['status'][]>('ok', 'error', 'timeout'),
      policy: fc.constantFrom('default', 'strict', 'a "b"'),
      kind: fc.constantFrom(undefined, 'init' as const, 'storage' as const),
      function: fc.constantFrom(undefined, deployed('greet', 1), deployed('greet', 10), deployed('bye', 2)),
      storedByteHours: fc.option(quantity, { nil: undefined }),
      usage: fc.record({
        wall: quantity.map(micros),
        cpu: quantity.map(micros),
        units: quantity.map(units),
        memory: fc.constantFrom(64, 128, Number.MAX_SAFE_INTEGER).map(mebibytes),
        inputSize: quantity.map(bytes),
        outputSize: quantity.map(bytes),
        egress: quantity.map(bytes),
        ingress: quantity.map(bytes),
        operations: fc.constantFrom<Record<string, number>[]>(
          {},
          { 'kv.get': 2 ** 53 - 1 },
          { 'kv.put': 1, 'kv.get': 2 },
        ),
        coldStart: fc.boolean(),
      }),
    })
    .map((changes) => record(changes as Parameters<typeof record>[0])),
  { maxLength: 15 },
)

const groupings = fc.subarray<UsageGroup>([...USAGE_GROUPS], { maxLength: 4 })

export function describeUsage(open: OpenStores): void {
  describe('sums of the ledger', () => {
    test('are exact beyond 2^53, by any groups, in the order of their labels', async () => {
      await using stores = await open(fakeClock())
      await fc.assert(
        fc.asyncProperty(records, groupings, fc.uuid(), async (posts, groupBy, id) => {
          const tenant = `t-${id}` as LedgerRecord['tenant']
          const own = posts.map((post) => ({ ...post, tenant, run: record().run }))
          await Promise.all(own.map((post) => stores.ledger.post(post, NO_DETAILS)))
          const expected = groupBy.length === 0 ? [{ group: {}, ...sumOf(own) }] : groupedSums(own, groupBy)
          expect(await stores.ledger.sum(tenant, ALL, groupBy)).toEqual(expected)
        }),
        { numRuns: 60 },
      )
    })

    test('of nothing are one row of zeros, or no row for groups', async () => {
      await using stores = await open(fakeClock())
      expect(await stores.ledger.sum(alice, ALL, [])).toEqual([NOTHING])
      expect(await stores.ledger.sum(alice, ALL, ['day'])).toEqual([])
    })

    test('include the first moment of the range and not the last, and no other tenant', async () => {
      await using stores = await open(fakeClock())
      const starts = [-1, 0, 1, 2].map((offset) => epochMillis(START + offset))
      for (const startedAt of starts) {
        await stores.ledger.post(record({ startedAt }), NO_DETAILS)
        await stores.ledger.post(record({ startedAt, tenant: bob }), NO_DETAILS)
      }
      const [sums] = await stores.ledger.sum(alice, { from: starts[1]!, to: starts[3]! }, [])
      expect(sums!.requests).toBe(2n)
    })

    test('name UTC days and hours', async () => {
      await using stores = await open(fakeClock())
      for (const offset of [0, HOUR_MS, 2 * HOUR_MS]) {
        await stores.ledger.post(record({ startedAt: epochMillis(START + offset) }), NO_DETAILS)
      }
      const days = await stores.ledger.sum(alice, ALL, ['day'])
      expect(days.map(({ group, requests }) => [group.day, requests])).toEqual([
        ['2026-01-31', 2n],
        ['2026-02-01', 1n],
      ])
      const hours = await stores.ledger.sum(alice, ALL, ['hour'])
      expect(hours.map(({ group }) => group.hour)).toEqual([
        '2026-01-31T22:00Z',
        '2026-01-31T23:00Z',
        '2026-02-01T00:00Z',
      ])
    })
  })
}
