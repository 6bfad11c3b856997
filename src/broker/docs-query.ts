import type { Bound, DocCondition, DocPosition, DocQuery, DocSort, FieldValue, ValueRange } from '../core/documents.ts'
import { fieldsOf, invalid, optionsOf, wholeOf } from './arguments.ts'
import { ID_BYTES_MAX, pathOf } from './docs-arguments.ts'

const LIMIT_DEFAULT = 100
export const LIMIT_MAX = 1_000
const CONDITIONS_MAX = 10
const SORT_MAX = 4
const IN_MAX = 100
/** As in an index: see INDEXED_TEXT_BYTES_MAX of the store. */
const TEXT_BYTES_MAX = 1_024
const CURSOR_LENGTH_MAX = 16_384
/** Documents of one page, together: what one answer carries. */
const PAGE_BYTES = 1 << 20

/** Reads what a find asks for. */
export function queryOf(given: unknown): DocQuery {
  const { where, sort, limit = LIMIT_DEFAULT, cursor } = optionsOf(given, ['where', 'sort', 'limit', 'cursor'])
  const order = sortOf(sort)
  return {
    conditions: conditionsOf(where),
    sort: order,
    limit: wholeOf(limit, 'options.limit', { min: 1, max: LIMIT_MAX }),
    bytesMax: PAGE_BYTES,
    ...(cursor !== undefined && cursor !== null && { after: positionOf(cursor, order) }),
  }
}

/** A place as text: opaque to whoever gets it, and good for the same sort only. */
export function cursorOf({ values, id }: DocPosition, sort: readonly DocSort[]): string {
  return Buffer.from(JSON.stringify([sortText(sort), values, id])).toString('base64url')
}

function positionOf(given: unknown, sort: readonly DocSort[]): DocPosition {
  const fault = invalid('options.cursor must be the cursor of the page before, of a find with the same sort')
  if (typeof given !== 'string' || given.length > CURSOR_LENGTH_MAX) throw fault
  let parsed: unknown
  try {
    parsed = JSON.parse(Buffer.from(given, 'base64url').toString())
  } catch {
    throw fault
  }
  if (!Array.isArray(parsed) || parsed.length !== 3) throw fault
  const [text, values, id] = parsed as [unknown, unknown, unknown]
  if (text !== sortText(sort) || !Array.isArray(values) || values.length !== sort.length) throw fault
  // The end of a group of equal values has an id that is longer than any.
  if (typeof id !== 'string' || !id.isWellFormed() || id.length > 2 * ID_BYTES_MAX) throw fault
  if (!values.every(isFieldValue)) throw fault
  return { values, id }
}

function isFieldValue(value: unknown): value is FieldValue {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value === 'number') return Number.isFinite(value)
  return value === null || typeof value === 'boolean' || (Array.isArray(value) && value.length === 0)
}

function sortText(sort: readonly DocSort[]): string {
  return sort.map(({ path, direction }) => (direction === 'ascending' ? path : `-${path}`)).join(',')
}

/** A path, `-` before it to sort from the last to the first, or a list of them. */
function sortOf(given: unknown): readonly DocSort[] {
  if (given === undefined || given === null) return []
  const list: readonly unknown[] = Array.isArray(given) ? given : [given]
  if (list.length > SORT_MAX) throw invalid(`options.sort must name at most ${SORT_MAX} fields`)
  const sort = list.map((each, place) => {
    const where = Array.isArray(given) ? `options.sort[${place}]` : 'options.sort'
    if (typeof each !== 'string')
      throw invalid(`${where} must be the path of a field, with - before it to sort descending`)
    const isDescending = each.startsWith('-')
    const path = pathOf(isDescending ? each.slice(1) : each, where)
    return { path, direction: isDescending ? ('descending' as const) : ('ascending' as const) }
  })
  const paths = new Set(sort.map(({ path }) => path))
  if (paths.size < sort.length) throw invalid('options.sort names a field twice')
  return sort
}

function conditionsOf(given: unknown): readonly DocCondition[] {
  if (given === undefined || given === null) return []
  if (typeof given !== 'object' || Array.isArray(given)) throw invalid('options.where must be an object')
  const entries = Object.entries(given)
  if (entries.length > CONDITIONS_MAX) throw invalid(`options.where must have at most ${CONDITIONS_MAX} fields`)
  return entries.map(([path, condition]) => {
    const where = `options.where.${path.slice(0, 50)}`
    return { path: pathOf(path, where), ranges: rangesOf(condition, where) }
  })
}

const COMPARISONS = ['eq', 'in', 'gt', 'gte', 'lt', 'lte'] as const

function rangesOf(given: unknown, where: string): readonly ValueRange[] {
  if (typeof given !== 'object' || given === null) return [pointOf(given, where)]
  if (Array.isArray(given)) throw invalid(`${where} must be a value or an object; for one of several: { in: […] }`)
  const fields = fieldsOf(given, where, COMPARISONS)
  const stated = COMPARISONS.filter((name) => fields[name] !== undefined)
  if (stated.length === 0) throw invalid(`${where} must have one of ${COMPARISONS.join(', ')}`)
  if (stated.includes('eq') || stated.includes('in')) {
    if (stated.length > 1) throw invalid(`${where}.${stated[0]} must stand alone`)
    return stated[0] === 'eq' ? [pointOf(fields['eq'], `${where}.eq`)] : pointsOf(fields['in'], `${where}.in`)
  }
  return [rangeOf(fields, where)]
}

function rangeOf(fields: Readonly<Record<string, unknown>>, where: string): ValueRange {
  const from = boundOf(fields, ['gt', 'gte'], where)
  const to = boundOf(fields, ['lt', 'lte'], where)
  if (from !== undefined && to !== undefined && typeof from.value !== typeof to.value) {
    throw invalid(`${where} must have two numbers or two texts as its bounds`)
  }
  return { ...(from && { from }), ...(to && { to }) }
}

function boundOf(
  fields: Readonly<Record<string, unknown>>,
  [exclusive, inclusive]: readonly [string, string],
  where: string,
): Bound | undefined {
  if (fields[exclusive] !== undefined && fields[inclusive] !== undefined) {
    throw invalid(`${where} must not have both ${exclusive} and ${inclusive}`)
  }
  const name = fields[exclusive] === undefined ? inclusive : exclusive
  if (fields[name] === undefined) return undefined
  const value = valueOf(fields[name], `${where}.${name}`)
  if (typeof value !== 'number' && typeof value !== 'string')
    throw invalid(`${where}.${name} must be a number or a text`)
  return { value, reach: name === exclusive ? 'exclusive' : 'inclusive' }
}

function pointsOf(given: unknown, where: string): readonly ValueRange[] {
  if (!Array.isArray(given) || given.length === 0 || given.length > IN_MAX) {
    throw invalid(`${where} must be a list of 1 to ${IN_MAX} values`)
  }
  return [...new Set(given.map((value, place) => valueOf(value, `${where}[${place}]`)))].map(pointAt)
}

function pointOf(given: unknown, where: string): ValueRange {
  return pointAt(valueOf(given, where))
}

function pointAt(value: FieldValue): ValueRange {
  const bound: Bound = { value, reach: 'inclusive' }
  return { from: bound, to: bound }
}

function valueOf(given: unknown, where: string): Exclude<FieldValue, readonly []> {
  if (given === null || typeof given === 'boolean') return given
  // Adding 0 makes -0 the 0 that it equals.
  if (typeof given === 'number' && Number.isFinite(given)) return given + 0
  if (typeof given !== 'string') throw invalid(`${where} must be a text, a finite number, true, false or null`)
  if (!given.isWellFormed()) throw invalid(`${where} holds half of a surrogate pair`)
  const size = Buffer.byteLength(given)
  if (size > TEXT_BYTES_MAX) throw invalid(`${where} has ${size} bytes; at most ${TEXT_BYTES_MAX} are allowed`)
  return given
}
