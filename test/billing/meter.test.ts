import fc from 'fast-check'
import { expect, test } from 'vitest'
import { measure, unitsOf } from '../../src/billing/meter.ts'
import { spendOfRun, worstCase } from '../../src/billing/spend.ts'
import { RUN_STATUSES } from '../../src/core/outcome.ts'
import { bytes, micros } from '../../src/core/quantity.ts'
import { book, defaultBook, report, ticket, consumed } from './fixtures.ts'

test.each([
  [0, 1],
  [1, 1],
  [99_999, 1],
  [100_000, 1],
  [100_001, 2],
  [200_000, 2],
  [200_001, 3],
  [30_000_000, 300],
])('%i µs of wall time are %i units', (wall, expected) => {
  expect(unitsOf(micros(wall))).toBe(expected)
})

test('units are exact for every time that a number can hold', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (wall) => {
      const exact = (BigInt(wall) + 99_999n) / 100_000n
      expect(BigInt(unitsOf(micros(wall)))).toBe(exact > 0n ? exact : 1n)
    }),
  )
})

test.each(RUN_STATUSES)('a run that ends as %s is metered like any other', (status) => {
  expect(measure(report({ status, wallMs: 150 }), ticket(), consumed())).toMatchObject({ units: 2, memory: 128 })
})

test('usage is made of what the host saw', () => {
  const seen = report({
    result: new Uint8Array(7),
    logs: [
      { level: 'info', message: 'héé' },
      { level: 'warn', message: '' },
    ],
    peakMemory: bytes(99),
    coldStart: true,
  })
  const granted = ticket({ input: '{"n":1}', kvOperations: 10, memoryMb: 64 })
  expect(measure(seen, granted, consumed({ 'kv.get': 2 }, { egress: 300, ingress: 4_000 }))).toEqual({
    wall: 12_400,
    cpu: 3_100,
    units: 1,
    memory: 64,
    peakMemory: 99,
    operations: { 'kv.get': 2 },
    inputSize: 7,
    outputSize: 7,
    logSize: 5,
    egress: 0,
    ingress: 0,
    coldStart: true,
  })
})

test('a host that is late to end a run does not charge the tenant for it', () => {
  const late = report({ status: 'timeout', wallMs: 9_000, cpuMs: 9_000 })
  expect(measure(late, ticket({ wallMs: 1_000, cpuMs: 500 }), consumed())).toMatchObject({
    wall: 1_000_000,
    cpu: 500_000,
    units: 10,
  })
})

test('operations beyond the grant are not charged', () => {
  const counted = { 'kv.get': 3, 'kv.put': 4, 'kv.list': 1, 'sql.query': 1 }
  expect(measure(report(), ticket({ kvOperations: 5 }), consumed(counted)).operations).toEqual({
    'kv.get': 3,
    'kv.put': 2,
  })
  expect(measure(report(), ticket(), consumed(counted)).operations).toEqual({})
})

test('no run can spend more than its worst case, at any price', () => {
  const price = fc.integer({ min: 0, max: 100_000 }).map((value) => (value / 1_000).toFixed(3))
  const prices = fc.record({ compute: price, request: price, cpu: price, read: price, write: price })
  const limits = fc.record({
    wallMs: fc.integer({ min: 1, max: 60_000 }),
    cpuMs: fc.integer({ min: 1, max: 60_000 }),
    memoryMb: fc.integer({ min: 8, max: 4_096 }),
    kvOperations: fc.option(fc.nat(1_000), { nil: undefined }),
  })
  const seen = fc.record({ wallMs: fc.nat(200_000), cpuMs: fc.nat(200_000) })
  const operations = fc.record({ 'kv.get': fc.nat(2_000), 'kv.put': fc.nat(2_000), 'kv.list': fc.nat(2_000) })
  fc.assert(
    fc.property(prices, limits, seen, operations, (priced, limited, times, counted) => {
      const [priceBook, granted] = [book(priced), ticket(limited)]
      const worst = worstCase(granted, priceBook)
      const spent = spendOfRun(measure(report(times), granted, consumed(counted)), priceBook)
      const operations = Object.entries(counted).reduce(
        (sum, [name, count]) => sum + (priceBook.operationWeights.get(name) ?? 0n) * BigInt(count),
        0n,
      )
      expect(spent.units).toBeLessThanOrEqual(worst.units)
      expect(spent.worth).toBeLessThanOrEqual(worst.worth + operations)
    }),
  )
})

test('the worst case has no operations in it: they are set aside when they are made', () => {
  const [without, with10] = [ticket(), ticket({ kvOperations: 10 })].map((each) => worstCase(each, defaultBook))
  expect(with10).toEqual(without)
  expect(without!.units).toBe(11n)
})

test('traffic is charged up to what the grants of the policy bound', () => {
  const base = ticket()
  const fetch = { operations: 2, requestBytes: bytes(100), responseBytes: bytes(1_000) }
  const granted = { ...base, policy: { ...base.policy, capabilities: { fetch } as object } }
  expect(measure(report(), granted, consumed({}, { egress: 150, ingress: 1_999 }))).toMatchObject({
    egress: 150,
    ingress: 1_999,
  })
  expect(measure(report(), granted, consumed({}, { egress: 999, ingress: 9_999 }))).toMatchObject({
    egress: 200,
    ingress: 2_000,
  })
})

test('bodies that a run exchanges with a caller over HTTP are charged up to what its policy lets through', () => {
  const base = ticket()
  const { streamIn, streamOut, output } = base.policy.limits
  const exchanged = { ...base, request: { ...base.request, trigger: 'http' as const, exchange: {} as never } }
  const seen = consumed({}, { egress: 150, ingress: 199 })
  expect(measure(report(), exchanged, seen)).toMatchObject({ egress: 150, ingress: 199 })
  expect(measure(report(), exchanged, consumed({}, { egress: 1e12, ingress: 1e12 }))).toMatchObject({
    egress: streamOut + output,
    ingress: streamIn,
  })
  expect(measure(report(), base, seen)).toMatchObject({ egress: 0, ingress: 0 })
})
