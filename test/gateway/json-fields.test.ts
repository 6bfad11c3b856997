import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CloisterError } from '../../src/core/errors.ts'
import { JSON_DEPTH_MAX } from '../../src/gateway/json-text.ts'
import { scanFields } from '../../src/gateway/json-fields.ts'

const slicesOf = (text: string): Record<string, string> => {
  const body = Buffer.from(text)
  return Object.fromEntries(scanFields(body).map(({ name, start, end }) => [name, body.toString('utf8', start, end)]))
}

/** The code of the refusal, or undefined if the text is accepted. */
function refusal(text: string | Buffer): CloisterError | undefined {
  try {
    scanFields(Buffer.from(text))
    return undefined
  } catch (error) {
    if (error instanceof CloisterError) return error
    throw error
  }
}

/** Whether JSON.parse takes it as an object. */
function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

const space = fc.string({ unit: fc.constantFrom(' ', '\n', '\t', '\r'), maxLength: 3 })
const name = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('code', 'input', '__proto__', 'a"b', '\\', '\u0000'),
)
const spaced = (text: fc.Arbitrary<string>) => fc.tuple(space, text, space).map((parts) => parts.join(''))

test('every value is found as the text that JSON.parse would read, whatever stands around it', () => {
  const fields = fc.uniqueArray(fc.tuple(name, fc.jsonValue()), { selector: ([key]) => key, maxLength: 8 })
  fc.assert(
    fc.property(fields, space, (entries, gap) => {
      const inner = entries.map(
        ([key, value]) => `${gap}${JSON.stringify(key)}${gap}:${gap}${JSON.stringify(value)}${gap}`,
      )
      const text = `${gap}{${inner.join(',')}${gap}}${gap}`
      const body = Buffer.from(text)
      const found = scanFields(body).map(({ name: key, start, end }) => [
        key,
        JSON.parse(body.toString('utf8', start, end)),
      ])
      expect(found).toEqual(entries.map(([key, value]) => [key, JSON.parse(JSON.stringify(value))]))
    }),
  )
})

test('whatever one change does to JSON, it is accepted if and only if JSON.parse accepts it', () => {
  const change = fc.record({
    at: fc.nat(),
    remove: fc.nat({ max: 3 }),
    insert: fc.oneof(
      fc.string({ unit: fc.constantFrom(...'{}[]",:\\0123456789.eE+-truefalsn u\n\u0007\u00e4') }),
      fc.string(),
    ),
  })
  const object = fc.dictionary(fc.string({ maxLength: 3 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 })
  fc.assert(
    fc.property(object, fc.array(change, { maxLength: 2 }), (value, changes) => {
      let text = JSON.stringify(value)
      for (const { at, remove, insert } of changes) {
        const index = at % (text.length + 1)
        text = (text.slice(0, index) + insert + text.slice(index + remove)).toWellFormed()
      }
      const refused = refusal(text)
      // A name that is there twice is refused although JSON.parse would take the last.
      fc.pre(refused?.code !== 'INVALID_REQUEST')
      expect(refused === undefined).toBe(isJsonObject(text))
    }),
    { numRuns: 3_000 },
  )
})

test('numbers are exactly those of JSON', () => {
  const number = spaced(fc.string({ unit: fc.constantFrom(...'0123456789.eE+-'), maxLength: 8, minLength: 1 }))
  fc.assert(
    fc.property(number, (text) => {
      expect(refusal(`{"n":${text}}`) === undefined).toBe(isJsonObject(`{"n":${text}}`))
    }),
    { numRuns: 2_000 },
  )
})

test('bytes that are not UTF-8 are refused, wherever they are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 6 }), (bytes) => {
      const body = Buffer.concat([Buffer.from('{"a":"'), bytes, Buffer.from('"}')])
      const text = body.toString('utf8')
      const refused = refusal(body)
      fc.pre(refused?.code !== 'INVALID_REQUEST')
      const isExact = Buffer.from(text).equals(body)
      expect(refused === undefined).toBe(isExact && isJsonObject(text))
    }),
  )
})

test('names are decoded before they are compared', () => {
  expect(slicesOf('{"co\\u0064e": 1}')).toEqual({ code: '1' })
  expect(refusal('{"code": 1, "co\\u0064e": 2}')).toMatchObject({
    code: 'INVALID_REQUEST',
    message: '"code" is in the body twice',
  })
})

const FAULTS: readonly (readonly [text: string, message: string])[] = [
  ['', 'expected { at position 0'],
  ['[]', 'expected { at position 0'],
  ['\ufeff{}', 'expected { at position 0'],
  ['{"a":1}x', 'expected the end at position 7'],
  ['{"a":1}{"b":1}', 'expected the end at position 7'],
  ['{"a":1,}', 'expected a string in double quotes at position 7'],
  ["{'a':1}", 'expected a string in double quotes at position 1'],
  ['{"a" 1}', 'expected : at position 5'],
  ['{"a":1 "b":2}', 'expected , or } at position 7'],
  ['{"input":{"a":}}', 'expected a value at position 14, in the field "input"'],
  ['{"input":[1,2', 'expected , or ] at position 13, in the field "input"'],
  ['{"input":"abc', 'expected " at the end of a string at position 13, in the field "input"'],
  ['{"input":"\\x"}', 'expected one of " \\ / b f n r t u at position 11, in the field "input"'],
  ['{"input":"\\u00g0"}', 'expected four hexadecimal digits at position 14, in the field "input"'],
  ['{"input":NaN}', 'expected a value at position 9, in the field "input"'],
  ['{"input":01}', 'expected , or } at position 10'],
]

test.each(FAULTS)('%j is refused with the position of the fault', (text, message) => {
  expect(refusal(text)).toMatchObject({ code: 'INVALID_JSON', message: `the body is not JSON: ${message}` })
})

test('nesting is bounded, and the bound itself is accepted', () => {
  const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`
  expect(refusal(nested(JSON_DEPTH_MAX))).toBeUndefined()
  expect(refusal(nested(JSON_DEPTH_MAX + 1))).toMatchObject({ code: 'INVALID_JSON' })
  expect(refusal(`{"a":${'[{"b":'.repeat(200_000)}`)).toMatchObject({ code: 'INVALID_JSON' })
})

test('the number of fields is bounded', () => {
  const many = (count: number) =>
    JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, 0])))
  expect(refusal(many(64))).toBeUndefined()
  expect(refusal(many(65))).toMatchObject({ code: 'INVALID_REQUEST' })
})
