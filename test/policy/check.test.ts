import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkPolicy, type CheckedPolicy } from '../../src/policy/check.ts'
import { FAULTS_MAX, formatPath } from '../../src/policy/faults.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { toJson } from '../../src/policy/policy-json.ts'
import { FIELDS, allows, outside, overlays, policyWith, within } from './arbitraries.ts'

const catalog = loadPolicies([])
const check = (given: unknown): CheckedPolicy => checkPolicy(given, catalog.find)
const policyOf = (given: unknown) => {
  const checked = check(given)
  if ('faults' in checked) throw new Error(JSON.stringify(checked.faults))
  return checked.policy
}
const faultsOf = (given: unknown) => {
  const checked = check(given)
  return 'faults' in checked ? checked.faults : []
}
const pathsOf = (given: unknown) => faultsOf(given).map(({ path }) => path)
/** How faults begin that say that two sound fields do not go together. */
const BETWEEN_FIELDS = /^must be (at most|false while)/

test('an overlay changes what it states and inherits the rest', () => {
  const policy = policyOf({ limits: { memoryMb: 256 }, walls: 'os' })
  const base = catalog.find('default')!
  expect(policy).toEqual({ ...base, name: 'custom', walls: 'os', limits: { ...base.limits, memory: 256 } })
})

test('an empty overlay is the default policy under the name custom', () => {
  expect(policyOf({})).toEqual({ ...catalog.find('default'), name: 'custom' })
})

test('extends names the policy to inherit from', () => {
  expect(policyOf({ extends: 'strict' })).toEqual({ ...catalog.find('strict'), name: 'custom' })
})

test('extending a policy that does not exist is a fault beside the others', () => {
  expect(pathsOf({ extends: 'nope', limits: { wallMs: 0 } })).toEqual(['limits.wallMs', 'extends'])
})

test('a number may stand beside its reason and means the same', () => {
  const reasoned = policyOf({ limits: { wallMs: { value: 500, reason: 'short' } } })
  expect(reasoned).toEqual(policyOf({ limits: { wallMs: 500 } }))
})

test('null removes an inherited capability, and its key with it', () => {
  expect(Object.keys(policyOf({ capabilities: { kv: null } }).capabilities)).not.toContain('kv')
})

test('null leaves the inherited way of reuse open again', () => {
  expect(policyOf({ extends: 'strict', instance: { reuse: null } }).instance.reuse).toBeUndefined()
})

test('a capability that is not inherited must be stated in full', () => {
  expect(faultsOf({ extends: 'strict', capabilities: { kv: { operations: 5, keys: 5, keyBytes: 0 } } })).toEqual([
    { path: 'capabilities.kv.keyBytes', message: 'must be a whole number from 1 to 2048, not 0' },
    { path: 'capabilities.kv.valueBytes', message: 'is missing, and policy "strict" has none to inherit' },
    { path: 'capabilities.kv.storedBytes', message: 'is missing, and policy "strict" has none to inherit' },
  ])
})

test('without any policy to inherit from, every field that is absent is a fault', () => {
  const checked = checkPolicy({ name: 'root' }, () => undefined)
  const paths = 'faults' in checked ? checked.faults.map(({ path }) => path) : []
  const needed = FIELDS.filter(({ path }) => path[0] !== 'capabilities').map(({ path }) => path.join('.'))
  expect(paths).toEqual(['walls', ...needed])
})

test('a fault says what the value is and what the bound is', () => {
  expect(faultsOf({ limits: { wallMs: 900_001 }, rate: { perSecond: 0 }, walls: 'glass' })).toEqual([
    { path: 'walls', message: 'must be "process" or "os", not "glass"' },
    { path: 'limits.wallMs', message: 'must be a whole number from 1 to 900000, not 900001' },
    { path: 'rate.perSecond', message: 'must be a number from 0.01 to 1000000, not 0' },
  ])
})

test('an unknown field is a fault that lists the known ones', () => {
  expect(faultsOf({ rate: { perMinute: 5 } })).toEqual([
    {
      path: 'rate.perMinute',
      message:
        'is unknown here, where there are perSecond, burst, unitsPerSecond, unitsBurst, deathsPerSecond, deathsBurst',
    },
  ])
})

test('a reason must be there and say something', () => {
  expect(faultsOf({ rate: { burst: { value: 5 }, perSecond: { value: 1, reason: '' } } })).toEqual([
    { path: 'rate.perSecond.reason', message: 'must say why' },
    { path: 'rate.burst.reason', message: 'is missing' },
  ])
})

test.each([
  ['limits.cpuMs', { limits: { wallMs: 100, cpuMs: 801 } }],
  ['limits.inputBytes', { limits: { memoryMb: 16, inputBytes: 9 << 20 } }],
  ['limits.codeBytes', { limits: { memoryMb: 16, codeBytes: 9 << 20 } }],
  ['capabilities.kv.valueBytes', { capabilities: { kv: { valueBytes: 2000, storedBytes: 1999 } } }],
])('%s may not contradict the field beside it', (path, overlay) => {
  expect(pathsOf(overlay)).toEqual([path])
})

test('WebAssembly without JIT is a fault when it is stated, and given up when it is inherited', () => {
  const fault = {
    path: 'engine.wasm',
    message: 'must be false while engine.jit is false: V8 has no WebAssembly without its compilers',
  }
  expect(faultsOf({ engine: { jit: false, wasm: true } })).toEqual([fault])
  expect(faultsOf({ extends: 'strict', engine: { wasm: { value: true, reason: 'faster' } } })).toEqual([fault])
  expect(policyOf({ engine: { jit: false } }).engine).toMatchObject({ jit: false, wasm: false, eval: true })
  expect(policyOf({ extends: 'strict', engine: { jit: true, wasm: true } }).engine).toMatchObject({ wasm: true })
  expect(policyOf({ extends: 'strict', engine: { jit: true } }).engine.wasm).toBe(false)
})

test('a word or a truth may stand beside its reason and means the same', () => {
  const reasoned = { clock: { value: 'live', reason: 'a stopwatch' }, eval: { value: false, reason: 'not needed' } }
  expect(policyOf({ engine: reasoned })).toEqual(policyOf({ engine: { clock: 'live', eval: false } }))
})

test.each([
  ['engine.jit', { jit: 1 }, 'must be true or false, not 1'],
  ['engine.clock', { clock: 'slow' }, 'must be "frozen" or "live", not "slow"'],
  ['engine.clock.reason', { clock: { value: 'live' } }, 'is missing'],
  ['engine.eval.value', { eval: { value: 'no', reason: 'x' } }, 'must be true or false, not "no"'],
])('%s has to be one of its values', (path, engine, message) => {
  expect(faultsOf({ engine })).toEqual([{ path, message }])
})

test('an inherited field gives way to a stated one instead of being a fault', () => {
  expect(policyOf({ limits: { wallMs: 100 } }).limits.cpu).toBe(800)
  expect(policyOf({ capabilities: { kv: { storedBytes: 4096 } } }).capabilities.kv?.valueBytes).toBe(4096)
  expect(policyOf({ extends: 'generous', limits: { memoryMb: 16 } }).limits.input).toBe(6 << 20)
})

test('faults between fields are found beside faults of fields', () => {
  const overlay = { limits: { wallMs: 100, cpuMs: 900, memoryMb: { value: 3 } }, surprise: 1 }
  expect(pathsOf(overlay)).toEqual(['limits.memoryMb.value', 'limits.memoryMb.reason', 'surprise', 'limits.cpuMs'])
})

test('a policy is frozen all the way down', () => {
  const policy = policyOf({ limits: { wallMs: 100 } })
  const { limits, rate, instance, engine, capabilities } = policy
  const parts = [policy, limits, rate, instance, engine, capabilities, capabilities.kv]
  expect(parts.every((part) => Object.isFrozen(part))).toBe(true)
})

test.each([
  ['a field __proto__ at the top', '{"__proto__":{"walls":"os"}}', '__proto__'],
  ['a field __proto__ in a section', '{"limits":{"__proto__":{"wallMs":5}}}', 'limits.__proto__'],
  [
    'a field __proto__ beside a value',
    '{"limits":{"wallMs":{"value":5,"reason":"x","__proto__":1}}}',
    'limits.wallMs.__proto__',
  ],
  ['a field constructor', '{"constructor":{"prototype":{"walls":"os"}}}', 'constructor'],
  ['a number past all numbers', '{"limits":{"wallMs":1e999}}', 'limits.wallMs'],
  ['a number as text', '{"limits":{"wallMs":"NaN"}}', 'limits.wallMs'],
  ['a section that is a list', '{"limits":[]}', 'limits'],
  ['a section that is null', '{"rate":null}', 'rate'],
  ['a name that is a path', '{"name":"../default"}', 'name'],
  ['a base that is __proto__', '{"extends":"__proto__"}', 'extends'],
])('%s is a fault with its path and pollutes nothing', (_, text, path) => {
  const before = Reflect.ownKeys(Object.prototype)
  expect(pathsOf(JSON.parse(text))).toEqual([path])
  expect(Reflect.ownKeys(Object.prototype)).toEqual(before)
  expect(({} as Record<string, unknown>)['walls']).toBeUndefined()
})

test('a value nested 100,000 deep is one fault', () => {
  const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000))
  expect(pathsOf({ limits: { wallMs: deep }, other: deep, rate: deep })).toEqual(['limits.wallMs', 'rate', 'other'])
})

test('of a hundred thousand unknown fields a hundred are listed and the rest counted', () => {
  const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`field${index}`, 0]))
  const faults = faultsOf(many)
  expect(faults).toHaveLength(101)
  expect(faults.at(-1)).toEqual({ path: '$', message: 'has 99900 more faults' })
})

test('a long name is quoted in part only', () => {
  const [fault] = faultsOf({ ['x'.repeat(10_000)]: 1 })
  expect(fault!.path.length).toBeLessThan(80)
})

test('whatever the JSON, the answer is a frozen policy or faults that each have a path', () => {
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), fc.anything(), overlaysOf(fc.jsonValue())), (given) => {
      const checked = check(given)
      if ('policy' in checked) expect(Object.isFrozen(checked.policy)).toBe(true)
      else {
        expect(checked.faults.length).toBeGreaterThan(0)
        for (const { path, message } of checked.faults) {
          expect(path).not.toBe('')
          expect(message).not.toBe('')
        }
      }
    }),
  )
})

test('an overlay of sound fields is a policy within all bounds, or its faults are between fields that it states', () => {
  fc.assert(
    fc.property(overlays, (overlay) => {
      const checked = check(overlay)
      if ('faults' in checked) {
        expect(checked.faults.filter(({ message }) => !BETWEEN_FIELDS.test(message))).toEqual([])
        return
      }
      const json: Record<string, any> = toJson(checked.policy)
      for (const field of FIELDS) {
        const value: unknown = field.path.reduce((object, key) => object[key], json)
        expect([field.path, value, allows(field, value)]).toEqual([field.path, value, true])
      }
      expect(json['engine'].wasm && !json['engine'].jit).toBe(false)
      expect(json['limits'].cpuMs).toBeLessThanOrEqual(json['limits'].wallMs * 8)
      expect(json['capabilities'].kv.valueBytes).toBeLessThanOrEqual(json['capabilities'].kv.storedBytes)
    }),
  )
})

test('a policy that is written as JSON and read again is equal', () => {
  fc.assert(
    fc.property(overlays, fc.constantFrom('default', 'strict', 'generous'), fc.boolean(), (overlay, base, bare) => {
      const checked = check({ ...overlay, extends: base, ...(bare ? { capabilities: { kv: null } } : {}) })
      if ('faults' in checked) return
      const written = JSON.stringify(toJson(checked.policy))
      // Nothing is inherited if kv is null, so the root policy is needed for nothing.
      expect(checkPolicy(JSON.parse(written), () => undefined)).toEqual(checked)
    }),
  )
})

test('each field out of bounds has exactly one fault at its own path', () => {
  const faulty = fc.subarray(
    FIELDS.map((_, index) => index),
    { minLength: 1 },
  )
  const values = fc.tuple(...FIELDS.map((field) => fc.tuple(within(field), outside(field))))
  fc.assert(
    fc.property(faulty, values, (indexes, pairs) => {
      const overlay = policyWith(pairs.map(([sound, wrong], index) => (indexes.includes(index) ? wrong : sound)))
      const faults = faultsOf(overlay)
      const paths = faults.filter(({ path, message }) => path !== '$' && !BETWEEN_FIELDS.test(message))
      const fields = paths.map(({ path }) => path.replace(/\.(value|reason)$/, ''))
      const expected = indexes.map((index) => formatPath(FIELDS[index]!.path))
      const last = faults.at(-1)!
      if (last.path === '$') {
        // Past the bound, together with what is wrong between fields, the rest is only counted.
        expect(last.message).toMatch(/^has [1-9]\d* more faults$/)
        expect(indexes.length).toBeGreaterThan(FAULTS_MAX / 2)
        expect(new Set(fields).size).toBe(fields.length)
        expect(new Set(expected).isSupersetOf(new Set(fields))).toBe(true)
      } else {
        expect(fields.toSorted()).toEqual(expected.toSorted())
      }
    }),
  )
})

/** Objects with the schema's own field names and values that may be anything. */
function overlaysOf(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const names = fc.constantFrom(
    ...new Set(['name', 'extends', 'walls', '$schema', ...FIELDS.flatMap(({ path }) => path)]),
  )
  return fc.dictionary(names, fc.oneof(value, fc.dictionary(names, value)))
}
