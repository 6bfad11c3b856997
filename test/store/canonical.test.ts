import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RUN_STATUSES } from '../../src/core/outcome.ts'
import type { LedgerRecord } from '../../src/core/stores.ts'
import { CANONICAL_FORMAT, decodeRecord, encodeRecord } from '../../src/store/canonical.ts'
import { record, runId, tenantId } from './samples.ts'

const whole = fc.oneof(fc.constantFrom(0, 1, Number.MAX_SAFE_INTEGER), fc.maxSafeNat())
const name = fc.oneof(
  fc.constantFrom('kv.get', 'kv.put', '10', '9', '__proto__', '"', '\n'),
  fc.string({ unit: 'binary' }),
)
const runs = Array.from({ length: 3 }, runId)

const records = fc
  .record({
    run: fc.constantFrom(...runs),
    tenant: fc.constantFrom(tenantId('a'), tenantId('b-1')),
    trigger: fc.constant('execute'),
    status: fc.constantFrom(...RUN_STATUSES),
    startedAt: whole,
    policy: fc.string({ unit: 'binary' }),
    walls: fc.constantFrom('A', 'B', 'C'),
    usage: fc.record({
      wall: whole,
      cpu: whole,
      units: whole,
      memory: whole,
      peakMemory: whole,
      operations: fc.dictionary(name, whole, { maxKeys: 4, noNullPrototype: true }),
      inputSize: whole,
      outputSize: whole,
      logSize: whole,
      egress: whole,
      ingress: whole,
      coldStart: fc.boolean(),
    }),
    kind: fc.constantFrom(undefined, 'init', 'storage'),
    function: fc.option(fc.record({ name: fc.constantFrom('greet', 'bye'), version: whole }), { nil: undefined }),
    parentRun: fc.option(fc.constantFrom(...runs), { nil: undefined }),
    storedByteHours: fc.option(fc.integer({ min: 1 }), { nil: undefined }),
  })
  .map((value) => Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)))
  .map((value) => value as unknown as LedgerRecord)

test('a record that is encoded and decoded is the same record', () => {
  fc.assert(
    fc.property(records, (value) => {
      expect(decodeRecord(encodeRecord(value))).toEqual(value)
    }),
  )
})

test('the canonical text of a decoded record is the same text, whatever the order of its operations', () => {
  fc.assert(
    fc.property(records, (value) => {
      const operations = Object.fromEntries(Object.entries(value.usage.operations).toReversed())
      const turned = { ...value, usage: { ...value.usage, operations } }
      expect(encodeRecord(turned)).toBe(encodeRecord(value))
      expect(encodeRecord(decodeRecord(encodeRecord(value)))).toBe(encodeRecord(value))
    }),
  )
})

test('two records that differ in any one field have different texts', () => {
  fc.assert(
    fc.property(records, records, fc.nat(), (one, other, at) => {
      const flat = [...Object.keys(one), ...Object.keys(one.usage).map((key) => `usage.${key}`)]
      const field = flat[at % flat.length]!
      const [outer, inner] = field.split('.') as [keyof LedgerRecord, keyof LedgerRecord['usage'] | undefined]
      const changed =
        inner === undefined
          ? { ...one, [outer]: other[outer] }
          : { ...one, usage: { ...one.usage, [inner]: other.usage[inner] } }
      const isSame = JSON.stringify(sorted(changed)) === JSON.stringify(sorted(one))
      expect(encodeRecord(changed) === encodeRecord(one)).toBe(isSame)
    }),
  )
})

function sorted(value: LedgerRecord): unknown {
  return { ...value, usage: { ...value.usage, operations: Object.entries(value.usage.operations).toSorted() } }
}

test('the canonical text is what it was when the first chain was written', () => {
  const run = 'run_1jtfh5vg400000001abcdefgh' as LedgerRecord['run']
  const text = encodeRecord(record({ run, usage: { operations: { 'kv.put': 1, 'kv.get': 2 }, coldStart: true } }))
  expect(CANONICAL_FORMAT).toBe(1)
  expect(text).toBe(
    '{"format":1,"run":"run_1jtfh5vg400000001abcdefgh","tenant":"alice","trigger":"execute","status":"ok",' +
      '"startedAt":1769896800000,"policy":"default","walls":"C","wallMicros":12400,"cpuMicros":3100,"units":1,' +
      '"memoryMb":128,"peakMemoryBytes":5000000,"inputBytes":10,"outputBytes":20,"logBytes":0,"coldStart":1,' +
      '"operations":{"kv.get":2,"kv.put":1}}',
  )
})

test.each([1.5, -1, NaN, Infinity, 2 ** 53])('a quantity of %d is refused by name', (value) => {
  const broken = record({ usage: { cpu: value as never } })
  expect(() => encodeRecord(broken)).toThrow(`usage.cpu must be a whole number from 0 to 2^53-1, not ${value}`)
  const counted = record({ usage: { operations: { 'kv.get': value } } })
  expect(() => encodeRecord(counted)).toThrow('operations.kv.get must be')
})

test('a policy name that has no UTF-8 form is refused', () => {
  expect(() => encodeRecord(record({ policy: '\ud800' }))).toThrow('policy must be well-formed Unicode')
})
