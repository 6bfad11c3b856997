import { setImmediate as nextTurn } from 'node:timers/promises'
import type { DocCondition, DocPosition, DocSort, FieldValue, ValueRange } from '../../core/documents.ts'
import { compareText, compareValues, isWithin } from '../document-values.ts'
import type { Fields } from './doc-indexes.ts'
import { type DocScanner, SCAN_STEP, type ScanPlan, type Scanned } from './doc-scan.ts'

/** How much one find may take on. */
export interface SearchBounds {
  /** Documents that are sorted in memory; where a condition leaves more, an index gives them in order. */
  readonly sorted: number
  /** Documents that are looked at. What is left is for the next page. */
  readonly examined: number
}

export const SEARCH_BOUNDS: SearchBounds = Object.freeze({ sorted: 1_000, examined: 10_000 })

/** What looking for the next group of equal values costs of it. */
const GROUP_COST = 20

/** A find with indexes in place of paths. */
export interface Search {
  readonly collection: number
  readonly documents: number
  readonly conditions: readonly IndexCondition[]
  readonly sort: readonly IndexSort[]
  readonly after: DocPosition | undefined
  /** Hits that are wanted. */
  readonly want: number
}
export type IndexCondition = Pick<DocCondition, 'ranges'> & { readonly index: number }
export type IndexSort = Pick<DocSort, 'direction'> & { readonly index: number }

export interface Found {
  readonly hits: readonly DocPosition[]
  /** The last place that was looked at, if the search ended before it had what it wanted and before there was no more. */
  readonly stoppedAt?: DocPosition
}

/**
 * Finds documents by their indexed values, in order, looking at no more than a bounded number of them, a step at a time.
 *
 * A condition that leaves few documents is followed and its documents are sorted here. Otherwise the index of what they are
 * sorted by gives them in order, and conditions are tested on the way; of several fields, the others order each group of
 * documents that have the same value of the first, which is the same search once more.
 */
export class DocSearch {
  readonly #scanner: DocScanner
  readonly #sortedMax: number
  #left: number

  constructor(scanner: DocScanner, { sorted, examined }: SearchBounds) {
    this.#scanner = scanner
    this.#sortedMax = sorted
    this.#left = examined
  }

  async run(search: Search): Promise<Found> {
    const isInOrder = search.conditions.length === 0 && search.sort.length <= 1
    const few = isInOrder ? undefined : this.#fewest(search)
    if (few !== undefined) return this.#sorted(search, few)
    if (search.sort.length > 1) return this.#grouped(search)
    return this.#streamed(search)
  }

  /** The plans that give all candidates, if a condition, or the collection, has few enough. */
  #fewest({ collection, documents, conditions }: Search): readonly ScanPlan[] | undefined {
    const base = { collection, direction: 'ascending' } as const
    let best = Math.min(documents, this.#sortedMax + 1)
    let plans: readonly ScanPlan[] | undefined =
      documents <= this.#sortedMax ? [{ ...base, index: undefined, range: {} }] : undefined
    for (const { index, ranges } of conditions) {
      const count = this.#scanner.count(index, ranges, best)
      if (count >= best) continue
      best = count
      plans = ranges.map((range) => ({ ...base, index, range }))
    }
    return plans
  }

  async #sorted(search: Search, plans: readonly ScanPlan[]): Promise<Found> {
    const hits: DocPosition[] = []
    for (const plan of plans) {
      for await (const each of this.#scan(plan, undefined, SCAN_STEP)) {
        if (matches(each.fields, search.conditions)) hits.push(positionOf(each, search.sort))
      }
    }
    hits.sort((a, b) => comparePositions(a, b, search.sort))
    const { after } = search
    const start = after === undefined ? 0 : hits.findIndex((hit) => comparePositions(hit, after, search.sort) > 0)
    return { hits: start === -1 ? [] : hits.slice(start, start + search.want) }
  }

  async #streamed(search: Search): Promise<Found> {
    const { plan, after } = planOf(search)
    const hits: DocPosition[] = []
    for await (const each of this.#scan(plan, after, search.want)) {
      const position = positionOf(each, search.sort)
      if (matches(each.fields, search.conditions)) hits.push(position)
      if (hits.length >= search.want) break
      if (this.#left <= 0) return { hits, stoppedAt: position }
    }
    return { hits }
  }

  async #grouped({ after, want, ...search }: Search): Promise<Found> {
    const [first, ...rest] = search.sort
    const hits: DocPosition[] = []
    if (first === undefined) return { hits }
    let value = after === undefined ? this.#nextValue(search, first, undefined) : after.values[0]
    let within = after
    while (value !== undefined) {
      const group = { index: first.index, ranges: [{ from: inclusive(value), to: inclusive(value) }] }
      const found = await this.run({
        ...search,
        conditions: [...search.conditions, group],
        sort: rest,
        after: within && { ...within, values: within.values.slice(1) },
        want: want - hits.length,
      })
      const prefixed = (place: DocPosition): DocPosition => ({
        ...place,
        values: [value as FieldValue, ...place.values],
      })
      hits.push(...found.hits.map(prefixed))
      if (hits.length >= want) break
      if (found.stoppedAt !== undefined) return { hits, stoppedAt: prefixed(found.stoppedAt) }
      this.#left -= GROUP_COST
      await nextTurn()
      // A page that goes on within a group does at least another one, or a page might end where it began.
      if (this.#left <= 0 && within === undefined) return { hits, stoppedAt: endOfGroup(value, search.sort) }
      within = undefined
      value = this.#nextValue(search, first, value)
    }
    return { hits }
  }

  /** The next value of a field, in its direction, that its conditions let through. */
  #nextValue(
    { collection, conditions }: Pick<Search, 'collection' | 'conditions'>,
    { index, direction }: IndexSort,
    last: FieldValue | undefined,
  ): FieldValue | undefined {
    const range = rangeOf(conditions, index)
    const after = last === undefined ? undefined : { values: [last], id: direction === 'ascending' ? LAST_ID : '' }
    return this.#scanner.next({ collection, index, range, direction }, after, 1)[0]?.value
  }

  /** `first` is how many are likely to be enough. */
  async *#scan(
    plan: ScanPlan,
    start: DocPosition | undefined,
    first: number,
  ): AsyncGenerator<Scanned, void, undefined> {
    let after = start
    let limit = Math.min(first, SCAN_STEP)
    for (;;) {
      const rows = this.#scanner.next(plan, after, limit)
      for (const row of rows) {
        this.#left -= 1
        yield row
      }
      const last = rows.at(-1)
      if (rows.length < limit || last === undefined) return
      limit = SCAN_STEP
      after = { values: [last.value], id: last.id }
      await nextTurn()
    }
  }
}

/** After every id: no well-formed text has a later code point. */
const LAST_ID = '\u{10ffff}'.repeat(40)

const inclusive = (value: FieldValue): { value: FieldValue; reach: 'inclusive' } => ({ value, reach: 'inclusive' })

function planOf({ collection, conditions, sort, after }: Search): { plan: ScanPlan; after: DocPosition | undefined } {
  const [field] = sort
  if (field !== undefined) {
    return {
      plan: { collection, index: field.index, range: rangeOf(conditions, field.index), direction: field.direction },
      after,
    }
  }
  // Documents with one value stand in its index by their ids, which is the order that is wanted.
  const point = conditions.find(({ ranges }) => isPoint(ranges))
  const value = point?.ranges[0]?.from?.value
  if (point === undefined || value === undefined) {
    return { plan: { collection, index: undefined, range: {}, direction: 'ascending' }, after }
  }
  return {
    plan: { collection, index: point.index, range: point.ranges[0] ?? {}, direction: 'ascending' },
    after: after && { values: [value], id: after.id },
  }
}

/** What a scan of an index can leave out. Several ranges are tested one document at a time. */
function rangeOf(conditions: readonly IndexCondition[], index: number): ValueRange {
  const ranges = conditions.find((condition) => condition.index === index)?.ranges ?? []
  return ranges.length === 1 ? (ranges[0] ?? EVERYTHING) : EVERYTHING
}

/** From the first of all values to the last. */
const EVERYTHING: ValueRange = { from: inclusive(-Infinity), to: inclusive([]) }

function isPoint([range, ...more]: readonly ValueRange[]): boolean {
  if (range?.from === undefined || range.to === undefined || more.length > 0) return false
  const { from, to } = range
  return from.reach === 'inclusive' && to.reach === 'inclusive' && compareValues(from.value, to.value) === 0
}

/** Whether a document's indexed values meet all conditions. */
export function matches(fields: Fields, conditions: readonly IndexCondition[]): boolean {
  return conditions.every(({ index, ranges }) => isWithin(fields[index] ?? null, ranges))
}

function positionOf({ id, fields }: Scanned, sort: readonly IndexSort[]): DocPosition {
  return { values: sort.map(({ index }) => fields[index] ?? null), id }
}

function endOfGroup(value: FieldValue, sort: readonly IndexSort[]): DocPosition {
  const values = sort.map(({ direction }, place) =>
    place === 0 ? value : direction === 'ascending' ? ([] as const) : -Number.MAX_VALUE,
  )
  return { values, id: sort.at(-1)?.direction === 'descending' ? '' : LAST_ID }
}

function comparePositions(a: DocPosition, b: DocPosition, sort: readonly IndexSort[]): number {
  for (const [place, { direction }] of sort.entries()) {
    const order = compareValues(a.values[place] ?? null, b.values[place] ?? null)
    if (order !== 0) return direction === 'ascending' ? order : -order
  }
  const order = compareText(a.id, b.id)
  return sort.at(-1)?.direction === 'descending' ? -order : order
}
