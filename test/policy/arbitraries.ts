import fc from 'fast-check'
import { policyJsonSchema } from '../../src/policy/json-schema.ts'

interface Amount {
  readonly path: readonly [...sections: string[], field: string]
  readonly min: number
  readonly max: number
  readonly whole: boolean
}

interface Choice {
  readonly path: Amount['path']
  readonly values: readonly unknown[]
}

type Field = Amount | Choice

/** Values of fields that are lists. */
const LISTS: Record<string, unknown[]> = {
  allow: [[{ host: '*', ports: [443], methods: ['GET'] }], []],
  privateRanges: [['10.1.0.0/16'], []],
}

/** Every field of the schema that may have a reason, with its bounds or values, as an editor would learn them. */
export const FIELDS: readonly Field[] = fieldsOf(policyJsonSchema(), [])

function fieldsOf(schema: any, path: readonly string[]): Field[] {
  const number = schema.anyOf?.find((form: any) => form.minimum !== undefined)
  if (number !== undefined) {
    return [{ path: path as Field['path'], min: number.minimum, max: number.maximum, whole: number.type === 'integer' }]
  }
  if (schema.anyOf?.[1]?.properties?.reason !== undefined) {
    const [{ type, enum: values }] = schema.anyOf
    const given = type === 'array' ? LISTS[path.at(-1)!] : values
    return [{ path: path as Field['path'], values: type === 'boolean' ? [true, false] : given }]
  }
  const object = schema.anyOf?.find((form: any) => form.type === 'object') ?? schema
  return Object.entries(object.properties ?? {}).flatMap(([key, inner]) => fieldsOf(inner, [...path, key]))
}

/** Whether a value is one that a field may have. */
export function allows(field: Field, value: unknown): boolean {
  if (Array.isArray(value)) return true
  if ('values' in field) return field.values.includes(value)
  return typeof value === 'number' && value >= field.min && value <= field.max
}

/** A value that a field may have; of numbers their ends among them. */
export function within(field: Field): fc.Arbitrary<unknown> {
  if ('values' in field) return fc.constantFrom(...field.values)
  const { min, max, whole } = field
  const inside = whole ? fc.integer({ min, max: Math.min(max, 2 ** 48) }) : fc.double({ min, max, noNaN: true })
  return fc.oneof(inside, fc.constantFrom(min, max))
}

/** What a field may not have. */
export function outside(field: Field): fc.Arbitrary<unknown> {
  if ('values' in field) {
    const [value] = field.values
    if (Array.isArray(value)) return fc.constantFrom<unknown>(0, 'x', true, null, { value })
    return fc.constantFrom<unknown>(0, 1, 'true', 'Frozen', '', null, [], [value], { value }, { value: 0, reason: 'x' })
  }
  const { min, max, whole } = field
  const wrong = fc.constantFrom<unknown>(min - 1, max + 1, -1e308, Infinity, NaN, '5', '', true, null, [], [min], {
    value: min,
  })
  return whole ? fc.oneof(wrong, fc.constant(min + 0.5)) : wrong
}

/** A policy's JSON with the fields given by `values`, in the order of FIELDS. `undefined` leaves a field out. */
export function policyWith(values: readonly unknown[]): Record<string, any> {
  const policy: Record<string, any> = {}
  FIELDS.forEach(({ path }, index) => {
    if (values[index] === undefined) return
    const section = path.slice(0, -1).reduce((object, key) => (object[key] ??= {}), policy)
    section[path.at(-1)!] = values[index]
  })
  return policy
}

/** Overlays whose every field is sound by itself, with some fields left out and some with a reason. */
export const overlays: fc.Arbitrary<Record<string, any>> = fc
  .tuple(
    ...FIELDS.map((field) =>
      fc.option(
        fc.oneof(
          within(field),
          within(field).map((value) => ({ value, reason: 'a test needs it' })),
        ),
        { nil: undefined },
      ),
    ),
  )
  .map(policyWith)
