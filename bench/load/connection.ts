import { type Socket, connect } from 'node:net'

const HEAD_END = Buffer.from('\r\n\r\n')
const STATUS_OK = Buffer.from('HTTP/1.1 200')
const LENGTH = /\r\ncontent-length: *(\d+)/i
const RECEIVE_BYTES = 64 << 10

interface Parts {
  readonly port: number
  readonly request: Buffer
  readonly expect: Buffer
  /** A whole answer is here, as expected; the next request goes out with `ask`. */
  readonly onAnswer: (connection: Connection, latencyMs: number) => void
  readonly onFault: (fault: Error) => void
}

/**
 * One keep-alive connection with one request in flight at most. It understands only answers that say their length, which
 * is what the servers under test send, and checks the status and a part of the body of every one.
 */
export class Connection {
  readonly #parts: Parts
  readonly #socket: Socket
  #sentMs = 0
  /** The start of an answer that has not come whole. */
  #held: Buffer | undefined

  constructor(parts: Parts) {
    this.#parts = parts
    this.#socket = connect({
      host: '127.0.0.1',
      port: parts.port,
      noDelay: true,
      // Without a stream behind it: reading costs the generator half as much.
      onread: {
        buffer: Buffer.allocUnsafe(RECEIVE_BYTES),
        callback: (length, buffer) => {
          this.#receive(Buffer.from(buffer.buffer, buffer.byteOffset, length))
          return true
        },
      },
    })
    this.#socket.on('error', (error) => parts.onFault(error))
    this.#socket.on('end', () => parts.onFault(new Error('the server closed a connection')))
    this.#socket.on('connect', () => this.ask())
  }

  ask(): void {
    this.#sentMs = performance.now()
    this.#socket.write(this.#parts.request)
  }

  close(): void {
    this.#socket.removeAllListeners()
    this.#socket.on('error', () => {})
    this.#socket.destroy()
  }

  #receive(chunk: Buffer): void {
    const data = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk])
    const headEnd = data.indexOf(HEAD_END)
    const end = headEnd < 0 ? Infinity : headEnd + HEAD_END.length + lengthOf(data, headEnd)
    if (data.length < end) {
      // Copied: the receive buffer is used again.
      this.#held = Buffer.from(data)
      return
    }
    this.#held = undefined
    const latencyMs = performance.now() - this.#sentMs
    if (data.length > end || !isExpected(data, this.#parts.expect)) {
      this.#parts.onFault(new Error(`unexpected answer: ${data.toString('utf8', 0, 1_000)}`))
      return
    }
    this.#parts.onAnswer(this, latencyMs)
  }
}

function lengthOf(data: Buffer, headEnd: number): number {
  const length = LENGTH.exec(data.toString('latin1', 0, headEnd))?.[1]
  if (length === undefined) throw new Error('an answer does not say its length')
  return Number(length)
}

function isExpected(answer: Buffer, expect: Buffer): boolean {
  return answer.compare(STATUS_OK, 0, STATUS_OK.length, 0, STATUS_OK.length) === 0 && answer.includes(expect)
}
