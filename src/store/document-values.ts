import type { Bound, FieldValue, ValueRange } from '../core/documents.ts'

/** Longest text that an index holds, in bytes of UTF-8: entries are kept in pages of 4 KiB. */
export const INDEXED_TEXT_BYTES_MAX = 1_024

/** What stands in indexes for values that SQLite has no type for. Blobs come after numbers and texts. */
const FALSE = Uint8Array.of(1)
const TRUE = Uint8Array.of(2)
const NULL = Uint8Array.of(3)
const OTHER = Uint8Array.of(4)
const NO_TEXT = ''
const NO_BLOB = new Uint8Array(0)

export type SqlValue = number | string | Uint8Array

/** The value at a path of names with dots between them, as an index holds it. Lists are not looked into. */
export function fieldValueAt(data: unknown, path: string): FieldValue {
  let current = data
  for (const name of path.split('.')) {
    if (!isObject(current) || !Object.hasOwn(current, name)) return null
    current = current[name]
  }
  if (typeof current === 'object' && current !== null) return []
  // What JSON has no number for is written as null. Adding 0 makes -0 the 0 that it equals.
  if (typeof current === 'number') return Number.isFinite(current) ? current + 0 : null
  return current as FieldValue
}

/** Why a value cannot be in an index; undefined if it can. */
export function indexFault(value: FieldValue): string | undefined {
  if (typeof value !== 'string') return undefined
  if (!value.isWellFormed()) return 'holds half of a surrogate pair'
  const size = Buffer.byteLength(value)
  return size > INDEXED_TEXT_BYTES_MAX
    ? `has ${size} bytes; an indexed text has at most ${INDEXED_TEXT_BYTES_MAX}`
    : undefined
}

/** A value as the index's column holds it; SQLite's own order of these is that of {@link compareValues}. */
export function sqlValue(value: FieldValue): SqlValue {
  if (typeof value === 'number' || typeof value === 'string') return value
  if (value === null) return NULL
  if (typeof value === 'boolean') return value ? TRUE : FALSE
  return OTHER
}

/** The other way round. */
export function fieldValueOf(value: unknown): FieldValue {
  if (typeof value === 'number' || typeof value === 'string') return value
  const kind = (value as Uint8Array)[0]
  return kind === 1 ? false : kind === 2 ? true : kind === 3 ? null : []
}

/** The order of index values: below 0, 0 or above. */
export function compareValues(a: FieldValue, b: FieldValue): number {
  const difference = rankOf(a) - rankOf(b)
  if (difference !== 0) return difference
  if (typeof a === 'number') return a - (b as number)
  return typeof a === 'string' ? compareText(a, b as string) : 0
}

/** The order of code points, which is that of bytes of UTF-8. */
export function compareText(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** Whether a value lies in one of the ranges. */
export function isWithin(value: FieldValue, ranges: readonly ValueRange[]): boolean {
  return ranges.some(({ from, to }) => isAbove(value, from) && isBelow(value, to))
}

/** Ends of a range as the index's column knows them: none is missing, and none lets in values of another kind. */
export function sqlEnds({ from, to }: ValueRange): { from: SqlEnd; to: SqlEnd } {
  const isText = typeof (from ?? to)?.value === 'string'
  return {
    from: from === undefined ? { value: isText ? NO_TEXT : -Infinity, reach: 'inclusive' } : sqlEnd(from),
    to: to === undefined ? { value: isText ? NO_BLOB : NO_TEXT, reach: 'exclusive' } : sqlEnd(to),
  }
}

export interface SqlEnd {
  readonly value: SqlValue
  readonly reach: Bound['reach']
}

function sqlEnd({ value, reach }: Bound): SqlEnd {
  return { value: sqlValue(value), reach }
}

function isAbove(value: FieldValue, from: Bound | undefined): boolean {
  if (from === undefined) return true
  if (rankOf(value) !== rankOf(from.value)) return false
  const order = compareValues(value, from.value)
  return order > 0 || (order === 0 && from.reach === 'inclusive')
}

function isBelow(value: FieldValue, to: Bound | undefined): boolean {
  if (to === undefined) return true
  if (rankOf(value) !== rankOf(to.value)) return false
  const order = compareValues(value, to.value)
  return order < 0 || (order === 0 && to.reach === 'inclusive')
}

function rankOf(value: FieldValue): number {
  if (typeof value === 'number') return 0
  if (typeof value === 'string') return 1
  if (typeof value === 'boolean') return value ? 3 : 2
  return value === null ? 4 : 5
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
