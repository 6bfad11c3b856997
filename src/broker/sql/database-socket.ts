import { type Socket, connect as connectTcp, isIP } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import type { Target } from './target.ts'

interface Parts {
  readonly target: Target
  /** The address to connect to: the host's, looked up and approved by the caller. */
  readonly address: string
}

/** The protocol's question whether the server speaks TLS; it answers with one byte. */
const TLS_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])
const TLS_YES = 0x53

/**
 * The way to one database server, as pg's client asks for it: `connect` brings it up, with TLS if the target says so, to the
 * address that was approved, whatever the host's name means a moment later.
 *
 * Invariant: what a server sends is within the allowance, or the connection is cut; and nothing that it sends can throw
 * past this object. The server may be a tenant's own.
 */
export class DatabaseSocket extends Duplex {
  readonly #target: Target
  readonly #address: string
  #wire: Socket | undefined
  #allowance = 0
  #received = 0
  #sent = 0

  constructor({ target, address }: Parts) {
    super()
    this.#target = target
    this.#address = address
  }

  /** Bytes of the protocol that came in and went out so far. */
  get received(): number {
    return this.#received
  }
  get sent(): number {
    return this.#sent
  }

  /** Sets how many bytes may come in from now on. */
  allow(size: number): void {
    this.#allowance = size
  }

  /** Where to is known already; pg's client says it again. */
  connect(): this {
    const tcp = connectTcp({ host: this.#address, port: this.#target.port, noDelay: true, keepAlive: true })
    this.#wire = tcp
    tcp.once('error', (error) => this.destroy(error))
    tcp.once('connect', () => {
      if (this.#target.tls === 'disable') this.#open(tcp)
      else this.#askForTls(tcp)
    })
    return this
  }

  setNoDelay(): this {
    return this
  }
  setKeepAlive(): this {
    return this
  }
  ref(): this {
    this.#wire?.ref()
    return this
  }
  unref(): this {
    this.#wire?.unref()
    return this
  }

  // pg reads the protocol in its listeners: bytes that make no sense make it throw.
  override emit(event: string | symbol, ...args: readonly unknown[]): boolean {
    if (event !== 'data') return super.emit(event, ...args)
    try {
      return super.emit(event, ...args)
    } catch (error) {
      this.destroy(new Error('the server does not speak the protocol', { cause: error }))
      return true
    }
  }

  override _read(): void {
    this.#wire?.resume()
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#sent += chunk.length
    if (this.#wire === undefined) done(new Error('the connection is not open'))
    else this.#wire.write(chunk, done)
  }

  override _final(done: () => void): void {
    this.#wire?.end()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#wire?.destroy()
    done(error)
  }

  #askForTls(tcp: Socket): void {
    tcp.write(TLS_REQUEST)
    tcp.once('data', (answer: Buffer) => {
      tcp.pause()
      // More than the one byte would be what somebody in between wants to have read as encrypted.
      if (answer.length !== 1 || answer[0] !== TLS_YES) {
        this.destroy(new Error('the server does not offer TLS; sslmode=disable does without'))
        return
      }
      const { host, tls } = this.#target
      const servername = isIP(host) === 0 ? { servername: host } : {}
      const secure = connectTls({ socket: tcp, host, ...servername, rejectUnauthorized: tls === 'verify-full' })
      secure.once('error', (error) => this.destroy(error))
      secure.once('secureConnect', () => this.#open(secure))
    })
  }

  #open(wire: Socket): void {
    this.#wire = wire
    wire.on('data', (chunk: Buffer) => this.#receive(chunk, wire))
    wire.once('end', () => this.push(null))
    wire.once('close', () => this.destroy())
    super.emit('connect')
  }

  #receive(chunk: Buffer, wire: Socket): void {
    this.#received += chunk.length
    this.#allowance -= chunk.length
    if (this.#allowance < 0) this.destroy(new ServerTooLoud())
    else if (!this.push(chunk)) wire.pause()
  }
}

/** The server sent more than a result of allowed size has. */
export class ServerTooLoud extends Error {
  constructor() {
    super('the server sent more than is allowed')
  }
}
