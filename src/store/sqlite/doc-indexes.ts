import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { FieldValue } from '../../core/documents.ts'
import { compareValues, fieldValueAt, indexFault, sqlValue } from '../document-values.ts'

export interface IndexRow {
  readonly number: number
  readonly path: string
  readonly built_to: string | null
}

/** Indexed values of a document by the number of their index: what the column `fields` holds as JSON. */
export type Fields = Readonly<Record<string, FieldValue>>

/** A value that no index can hold. */
export class IndexFault extends Error {}

/** Entries of indexes, kept in step with their documents inside the writer's transaction. */
export class DocIndexes {
  readonly #list: StatementSync
  readonly #add: StatementSync
  readonly #remove: StatementSync

  constructor(database: DatabaseSync) {
    this.#list = database.prepare('SELECT number, path, built_to FROM doc_indexes WHERE collection = ? ORDER BY path')
    this.#add = database.prepare('INSERT OR IGNORE INTO doc_entries VALUES (?, ?, ?)')
    this.#remove = database.prepare('DELETE FROM doc_entries WHERE index_number = ? AND value = ? AND id = ?')
  }

  of(collection: number): readonly IndexRow[] {
    return this.#list.all(collection) as unknown as readonly IndexRow[]
  }

  /** The values that the indexes hold of a document. Throws IndexFault. */
  fieldsOf(indexes: readonly IndexRow[], data: unknown): Fields {
    const fields: Record<string, FieldValue> = {}
    for (const { number, path } of indexes) {
      const value = fieldValueAt(data, path)
      const fault = indexFault(value)
      if (fault !== undefined) throw new IndexFault(`the field "${path}" is indexed and ${fault}`)
      fields[number] = value
    }
    return fields
  }

  /** Moves a document's entries from its old values, none for a new one, to its new ones, none for one that goes. */
  move(id: string, before: Fields, after: Fields): void {
    for (const [number, value] of Object.entries(before)) {
      const next = after[number]
      if (next !== undefined && compareValues(value, next) === 0) continue
      this.#remove.run(Number(number), sqlValue(value), id)
    }
    for (const [number, value] of Object.entries(after)) {
      const last = before[number]
      if (last !== undefined && compareValues(last, value) === 0) continue
      this.#add.run(Number(number), sqlValue(value), id)
    }
  }
}
