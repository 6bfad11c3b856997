import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { DocPosition, DocSort, FieldValue, ValueRange } from '../../core/documents.ts'
import { type SqlEnd, type SqlValue, fieldValueOf, sqlEnds, sqlValue } from '../document-values.ts'
import type { Fields } from './doc-indexes.ts'

/** Documents that one query looks at: a few milliseconds, after which the event loop has its turn. */
export const SCAN_STEP = 200

/** What is scanned: an index, in the order of its values, or the documents of a collection, in that of their ids. */
export interface ScanPlan {
  readonly collection: number
  readonly index: number | undefined
  /** Of an index. */
  readonly range: ValueRange
  readonly direction: DocSort['direction']
}

/** A document as an index shows it. */
export interface Scanned {
  readonly id: string
  readonly fields: Fields
  /** The value that the scanned index has of it; null if none was scanned. */
  readonly value: FieldValue
}

interface Row {
  readonly id: string
  readonly fields: string
  readonly value: SqlValue | null
}

/** Reads stretches of indexes. Every query ends after so many rows as it is told, {@link SCAN_STEP} at most. */
export class DocScanner {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** The next stretch after a place; the end is reached when it is shorter than the limit. */
  next(plan: ScanPlan, after: DocPosition | undefined, limit: number): readonly Scanned[] {
    const rows =
      plan.index === undefined ? this.#byId(plan, after, limit) : this.#byValue(plan, plan.index, after, limit)
    return rows.map(({ id, fields, value }) => ({
      id,
      fields: JSON.parse(fields) as Fields,
      value: value === null ? null : fieldValueOf(value),
    }))
  }

  /** How many entries an index has within ranges, counted up to `max`. */
  count(index: number, ranges: readonly ValueRange[], max: number): number {
    let count = 0
    for (const range of ranges) {
      const { from, to } = sqlEnds(range)
      const statement = this.#prepare(
        `SELECT count(*) AS count FROM (SELECT 1 FROM doc_entries WHERE index_number = ? AND value ${above(from)} ?
          AND value ${below(to)} ? LIMIT ?)`,
      )
      count += Number(statement.get(index, from.value, to.value, max - count)?.['count'])
      if (count >= max) return max
    }
    return count
  }

  #byId({ collection, direction }: ScanPlan, after: DocPosition | undefined, limit: number): readonly Row[] {
    const order = direction === 'ascending' ? '' : 'DESC'
    const compare = direction === 'ascending' ? '>' : '<'
    const start = after === undefined ? [] : [after.id]
    const statement = this.#prepare(
      `SELECT id, fields, NULL AS value FROM docs WHERE collection = ? ${after === undefined ? '' : `AND id ${compare} ?`}
        ORDER BY id ${order} LIMIT ?`,
    )
    return statement.all(collection, ...start, limit) as unknown as readonly Row[]
  }

  #byValue(plan: ScanPlan, index: number, after: DocPosition | undefined, limit: number): readonly Row[] {
    const { from, to } = sqlEnds(plan.range)
    const order = plan.direction === 'ascending' ? '' : 'DESC'
    const compare = plan.direction === 'ascending' ? '>' : '<'
    const start = after === undefined ? [] : [sqlValue(after.values[0] ?? null), after.id]
    const statement = this.#prepare(
      `SELECT entry.id AS id, fields, value FROM doc_entries AS entry JOIN docs ON docs.collection = ? AND docs.id = entry.id
        WHERE index_number = ? AND value ${above(from)} ? AND value ${below(to)} ?
        ${after === undefined ? '' : `AND (value, entry.id) ${compare} (?, ?)`}
        ORDER BY value ${order}, entry.id ${order} LIMIT ?`,
    )
    return statement.all(plan.collection, index, from.value, to.value, ...start, limit) as unknown as readonly Row[]
  }

  /** There are some twenty texts in all, made of the directions and reaches there are. */
  #prepare(text: string): StatementSync {
    const known = this.#statements.get(text)
    if (known !== undefined) return known
    const statement = this.#database.prepare(text)
    this.#statements.set(text, statement)
    return statement
  }
}

const above = ({ reach }: SqlEnd): string => (reach === 'inclusive' ? '>=' : '>')
const below = ({ reach }: SqlEnd): string => (reach === 'inclusive' ? '<=' : '<')
