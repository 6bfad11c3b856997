import { z } from 'zod'
import { shown } from './faults.ts'

/** What fields of a policy are made of: values that may stand beside their reason, with bounds that say why. */

/** A number with a unit, and why its bounds are what they are. */
export interface Amount {
  readonly min: number
  readonly max: number
  /** What the number bounds. */
  readonly about: string
  /** Why it may not be smaller or larger. */
  readonly bounds: string
}

interface Issue {
  readonly code: string
  readonly input?: unknown
}

/** Says what a value must be, and shows what it is. */
export const expected = (what: string) => ({
  error: (issue: Issue) => (issue.input === undefined ? 'is missing' : `must be ${what}, not ${shown(issue.input)}`),
})

/** A value, bare or as `{ "value": V, "reason": "why" }`. */
export function orReasoned<Value extends z.ZodType>(value: Value, description: string) {
  const reason = z.string(expected('text')).min(1, 'must say why').max(1000, 'must be at most 1000 characters')
  return z.union([value, section({ value, reason })]).meta({ description })
}

const describeAmount = ({ min, max, about, bounds }: Amount): string => `${about} From ${min} to ${max}: ${bounds}`
// Adding 0 turns -0 into 0, so that equal policies have equal JSON.
const toNumber = (given: number | { value: number }): number => (typeof given === 'number' ? given : given.value) + 0

/** A whole number within bounds. */
export function whole(amount: Amount) {
  const range = expected(`a whole number from ${amount.min} to ${amount.max}`)
  const number = z.int(range).min(amount.min, range).max(amount.max, range)
  return orReasoned(number, describeAmount(amount)).transform(toNumber)
}

/** A number within bounds. */
export function fractional(amount: Amount) {
  const range = expected(`a number from ${amount.min} to ${amount.max}`)
  const number = z.number(range).min(amount.min, range).max(amount.max, range)
  return orReasoned(number, describeAmount(amount)).transform(toNumber)
}

/** A truth. */
export function yesOrNo(about: string) {
  return orReasoned(z.boolean(expected('true or false')), about).transform((given) =>
    typeof given === 'boolean' ? given : given.value,
  )
}

/** An object that knows all of its fields. */
export function section<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const fields = Object.keys(shape).join(', ')
  const object = expected('an object')
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? `is unknown here, where there are ${fields}` : object.error(issue),
  })
}

/** A list that knows how long it may be. */
export function listOf<Item extends z.ZodType>(item: Item, max: number, about: string) {
  const list = z.array(item, expected('a list')).max(max, `has more than ${max} entries`)
  return orReasoned(list, `${about} At most ${max}.`).transform((given) => ('value' in given ? given.value : given))
}

/** What a capability is granted. Every grant may have a bound for a day; absent or null, a day has none of its own. */
export function grant<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const operationsPerDay = whole({
    min: 1,
    max: 1_000_000_000_000,
    about: 'Operations of all runs of the tenant in one UTC day; null for no such bound.',
    bounds: 'null in place of the grant removes the capability; more than a host can carry out in a day is no limit.',
  })
  return section({ ...shape, operationsPerDay: operationsPerDay.nullable().optional() })
}
