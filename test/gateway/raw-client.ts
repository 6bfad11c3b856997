import { once } from 'node:events'
import { type Socket, connect } from 'node:net'
import { onTestFinished } from 'vitest'

/** A connection that says exactly what a test wants it to say. Ends with the test. */
export class RawClient {
  readonly socket: Socket
  readonly #closed: Promise<void>
  #received = ''

  constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('latin1').on('data', (text: string) => (this.#received += text))
    // A connection that the server resets is closed like any other.
    socket.on('error', () => undefined)
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve()))
  }

  static async open(url: string): Promise<RawClient> {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    onTestFinished(() => void socket.destroy())
    return new RawClient(socket)
  }

  write(text: string): void {
    this.socket.write(text, 'latin1')
  }

  /** Waits until what was received passes the test, and returns it. */
  async until(enough: (received: string) => boolean): Promise<string> {
    while (!enough(this.#received)) await once(this.socket, 'data')
    return this.#received
  }

  /** Waits for the server to close the connection; returns all that was received. */
  async closed(): Promise<string> {
    await this.#closed
    return this.#received
  }
}

interface Request {
  readonly method?: string
  readonly path: string
  readonly key: string
  readonly body?: string
  readonly headers?: readonly string[]
}

/** A request as text. The length of its body is declared, truly, unless it has a transfer-encoding. */
export function requestText({ method = 'POST', path, key, body, headers = [] }: Request): string {
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: test', `Authorization: Bearer ${key}`, ...headers]
  if (body !== undefined) lines.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`)
  return `${lines.join('\r\n')}\r\n\r\n${body ?? ''}`
}
