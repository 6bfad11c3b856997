import { connect as connectTcp } from 'node:net'
import pg from 'pg'
import type { Millis } from '../../core/quantity.ts'
import { BoundedQuery, type QueryBounds, type QueryResult } from './bounded-query.ts'
import { DatabaseSocket } from './database-socket.ts'
import type { Target } from './target.ts'

export interface Statement {
  readonly text: string
  readonly parameters: readonly (string | null)[]
}

/** By the server's own word: outside a transaction, in one, or in one that can only be rolled back. */
export type ConnectionState = 'idle' | 'transaction' | 'failed'

interface Parts {
  readonly target: Target
  readonly address: string
  readonly timeout: Millis
}

/** What a server may say besides rows: greetings, parameters, notices, errors. */
const TALK_BYTES = 256 << 10
/** JSON is shorter than the protocol's own form only for rows of many short columns: names are not in each row there. */
const PROTOCOL_FACTOR = 2
const CLOSE_GRACE_MS = 1_000
const CANCEL_CODE = 80_877_102
const CANCEL_TIMEOUT_MS = 5_000

/** One connection to a database. After any failure other than a report of the server's it is closed. */
export class Connection {
  readonly #client: pg.Client
  readonly #socket: DatabaseSocket
  readonly #address: { readonly host: string; readonly port: number }
  #state: ConnectionState = 'idle'
  #working = 0
  #isClosed = false

  private constructor(client: pg.Client, socket: DatabaseSocket, address: { host: string; port: number }) {
    this.#client = client
    this.#socket = socket
    this.#address = address
  }

  /** Connects and logs in. Rejects with the server's report or the network's error. */
  static async open({ target, address, timeout }: Parts): Promise<Connection> {
    const socket = new DatabaseSocket({ target, address })
    socket.allow(TALK_BYTES)
    const client = new pg.Client({
      ...target,
      // A function, because for an empty password pg would look into the environment and the files of the host.
      password: () => target.password,
      ssl: false,
      stream: () => socket as never,
      application_name: 'cloister',
      client_encoding: 'UTF8',
      options: '-c DateStyle=ISO -c TimeZone=UTC -c bytea_output=hex -c IntervalStyle=iso_8601',
      connectionTimeoutMillis: Math.max(1, Math.ceil(timeout)),
    })
    const connection = new Connection(client, socket, { host: address, port: target.port })
    connection.#listen()
    try {
      await client.connect()
    } catch (error) {
      socket.destroy()
      throw error
    }
    return connection
  }

  get isClosed(): boolean {
    return this.#isClosed
  }
  /** Whether a statement of it has no answer yet. */
  get isBusy(): boolean {
    return this.#working > 0
  }
  get state(): ConnectionState {
    return this.#state
  }
  /** Bytes of the protocol so far, by direction. */
  get traffic(): { readonly sent: number; readonly received: number } {
    return { sent: this.#socket.sent, received: this.#socket.received }
  }

  /** Sends a command of the host's own. Returns the server's word for what it did: `COMMIT`, `ROLLBACK`, … */
  async command(text: string): Promise<string> {
    return await this.#work(TALK_BYTES, async () => (await this.#client.query(text)).command)
  }

  /** Runs one statement of a guest's. Rejects with the server's report, or with what became of the connection. */
  query(statement: Statement, bounds: QueryBounds): Promise<QueryResult> {
    return this.#work(TALK_BYTES + PROTOCOL_FACTOR * bounds.resultBytes, () => {
      const query = new BoundedQuery(statement, bounds)
      this.#client.query(query as never as pg.Submittable)
      return query.done
    })
  }

  /** Asks the server, over a connection of its own, to stop what this one does; then cuts this one. */
  cancel(): void {
    const { processID, secretKey } = this.#client as never as { processID: number | null; secretKey: unknown }
    if (this.isBusy && !this.#isClosed && processID !== null) sendCancel(this.#address, processID, secretKey)
    this.destroy()
  }

  /** Says goodbye and closes. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    setTimeout(() => this.#socket.destroy(), CLOSE_GRACE_MS).unref()
    this.#client.end().catch(() => this.#socket.destroy())
  }

  destroy(): void {
    this.#isClosed = true
    this.#socket.destroy()
  }

  /** Calls back once when the connection is gone, whoever ended it. */
  onClosed(handler: () => void): void {
    this.#socket.once('close', handler)
  }

  async #work<Result>(allowance: number, work: () => Promise<Result>): Promise<Result> {
    if (this.#isClosed) throw new Error('the connection is closed')
    this.#working += 1
    this.#socket.allow(allowance)
    try {
      return await work()
    } finally {
      this.#working -= 1
      // What a server says unasked, such as notices.
      if (this.#working === 0) this.#socket.allow(TALK_BYTES)
    }
  }

  #listen(): void {
    // Every query in progress is told by itself; without a listener Node would end the process.
    this.#client.on('error', () => this.destroy())
    this.#socket.once('close', () => (this.#isClosed = true))
    const wire = (this.#client as never as { connection: NodeJS.EventEmitter }).connection
    wire.prependListener('readyForQuery', ({ status }: { status: string }) => {
      this.#state = status === 'I' ? 'idle' : status === 'T' ? 'transaction' : 'failed'
    })
  }
}

/** The protocol's request to stop a statement: length, code, process and its key, over a connection of its own. */
function sendCancel(address: { host: string; port: number }, processId: number, secretKey: unknown): void {
  const key = typeof secretKey === 'number' ? int32(secretKey) : Buffer.isBuffer(secretKey) ? secretKey : undefined
  if (key === undefined) return
  const socket = connectTcp({ ...address, timeout: CANCEL_TIMEOUT_MS })
  socket.unref()
  socket.once('error', () => socket.destroy())
  socket.once('timeout', () => socket.destroy())
  const body = Buffer.concat([int32(CANCEL_CODE), int32(processId), key])
  socket.end(Buffer.concat([int32(4 + body.length), body]))
  socket.resume()
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
