import type { Statement } from './connection.ts'
import { typeName, valueJson } from './values.ts'

/** What the server's messages look like, as far as they are used. The server may be a tenant's own: trust none of it. */
interface FieldMessage {
  readonly name: string
  readonly dataTypeID: number
}
interface Wire {
  readonly stream: { cork(): void; uncork(): void }
  parse(message: { readonly name: string; readonly text: string; readonly types: readonly number[] }): void
  bind(message: {
    readonly portal: string
    readonly statement: string
    readonly values: readonly (string | null)[]
    readonly binary: boolean
    readonly valueMapper: (value: unknown) => unknown
  }): void
  describe(message: { readonly type: 'P'; readonly name: string }): void
  execute(message: { readonly portal: string; readonly rows: number }): void
  flush(): void
  sync(): void
  sendCopyFail(reason: string): void
  once(event: 'readyForQuery' | 'end', listener: () => void): void
  off(event: 'readyForQuery' | 'end', listener: () => void): void
}

export interface QueryBounds {
  readonly rows: number
  /** Of the rows as JSON, in bytes. */
  readonly resultBytes: number
}

/** Why a result was not given: the statement took effect all the same. */
export type Overflow = 'rows' | 'bytes' | 'copy'

export interface QueryResult {
  /** JSON text: `{rows, rowCount, fields}`. */
  readonly json: string
  readonly overflow?: Overflow
}

/** Rows asked for at a time: what arrives past a bound is at most so many. */
const BATCH = 64

/**
 * One statement in the extended protocol, its rows turned into JSON as they come and counted, so that no result is ever
 * larger in the host than its bounds. Goes through pg's client, which asks for `submit` and calls the handlers.
 *
 * Invariant: sends exactly one Sync, so that the connection's next answer belongs to the next question.
 */
export class BoundedQuery {
  readonly done: Promise<QueryResult>
  readonly #statement: Statement
  readonly #bounds: QueryBounds
  readonly #settle: PromiseWithResolvers<QueryResult>
  #fields: readonly FieldMessage[] = []
  #names: readonly string[] = []
  #rows: string[] = []
  #size = 0
  #tag = ''
  #overflow: Overflow | undefined
  #isSynced = false

  constructor(statement: Statement, bounds: QueryBounds) {
    this.#statement = statement
    this.#bounds = bounds
    this.#settle = Promise.withResolvers()
    this.done = this.#settle.promise
  }

  submit(wire: Wire): null {
    wire.stream.cork()
    wire.parse({ name: '', text: this.#statement.text, types: [] })
    const values = this.#statement.parameters
    wire.bind({ portal: '', statement: '', values, binary: false, valueMapper: (value) => value })
    wire.describe({ type: 'P', name: '' })
    this.#askForRows(wire)
    wire.stream.uncork()
    return null
  }

  handleRowDescription({ fields }: { readonly fields: readonly FieldMessage[] }): void {
    this.#fields = fields
    this.#names = fields.map(({ name }) => `${JSON.stringify(name)}:`)
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    if (this.#overflow !== undefined) return
    if (this.#rows.length === this.#bounds.rows) return this.#overflowBy('rows')
    const parts = fields.map((text, index) => {
      return (this.#names[index] ?? '"":') + valueJson(text, this.#fields[index]?.dataTypeID ?? 0)
    })
    const row = `{${parts.join(',')}}`
    this.#size += Buffer.byteLength(row) + 1
    if (this.#size > this.#bounds.resultBytes) return this.#overflowBy('bytes')
    this.#rows.push(row)
  }

  handlePortalSuspended(wire: Wire): void {
    if (this.#overflow === undefined) this.#askForRows(wire)
    else this.#sync(wire)
  }

  handleCommandComplete({ text }: { readonly text: string }, wire: Wire): void {
    this.#tag = text
    this.#sync(wire)
  }

  handleEmptyQuery(wire: Wire): void {
    this.#sync(wire)
  }

  handleCopyInResponse(wire: Wire): void {
    this.#overflow = 'copy'
    wire.sendCopyFail('COPY is not available')
  }

  handleCopyData(): void {
    this.#overflow = 'copy'
  }

  /** Called with what the server reports, and with what became of the connection. */
  handleError(error: Error, wire: Wire): void {
    // Only the server's own reports have a severity; nothing more comes over a connection that broke.
    if (!('severity' in error)) return this.#settle.reject(error)
    const finish = (): void => {
      wire.off('readyForQuery', finish)
      wire.off('end', finish)
      this.#settle.reject(error)
    }
    // The state of the transaction is known only then.
    wire.once('readyForQuery', finish)
    wire.once('end', finish)
    this.#sync(wire)
  }

  handleReadyForQuery(): void {
    if (this.#overflow !== undefined) return this.#settle.resolve({ json: 'null', overflow: this.#overflow })
    const fields = this.#fields.map(({ name, dataTypeID }) => ({ name, type: typeName(dataTypeID) }))
    // The tag of a statement whose rows were fetched in batches counts those of the last one.
    const rowCount = fields.length > 0 ? this.#rows.length : Number(/(\d+)$/.exec(this.#tag)?.[1] ?? 0)
    const json = `{"rows":[${this.#rows.join(',')}],"rowCount":${rowCount},"fields":${JSON.stringify(fields)}}`
    this.#settle.resolve({ json })
  }

  #overflowBy(overflow: Overflow): void {
    this.#overflow = overflow
    this.#rows = []
  }

  #askForRows(wire: Wire): void {
    wire.execute({ portal: '', rows: BATCH })
    wire.flush()
  }

  #sync(wire: Wire): void {
    if (this.#isSynced) return
    this.#isSynced = true
    wire.sync()
  }
}
