import { type Bytes, type Millis, bytes, millis } from '../core/quantity.ts'

/** What one connection, and all of them together, may cost the host before anybody is known to be behind them. */
export interface HttpLimits {
  /** For the request's line and headers. A client that sends a byte a second is gone by then. */
  readonly headersTimeout: Millis
  /** For a whole request to arrive: 16 MiB take 54 s at 2.5 Mbit/s. */
  readonly requestTimeout: Millis
  /** How long an idle connection is kept. Over the 60 s of most load balancers, so that they close first, not we. */
  readonly keepAliveTimeout: Millis
  /** How long a connection may stand still, also while it should read an answer. Over the longest run there can be. */
  readonly socketTimeout: Millis
  /** How often connections are looked at. The timeouts above are late by as much. */
  readonly checkInterval: Millis
  /** Of all headers together. A key and a URL need a tenth. */
  readonly headersSize: Bytes
  /** At once. One takes about 20 KB, so a full house is 200 MB. */
  readonly connections: number
  /** Of those, from one address; 0 for any number. A tenth leaves a door open for others, and is enough for any client. */
  readonly connectionsPerAddress: number
  /** Of one connection in one turn of the event loop. Clients that do not wait for answers send some; a thousand are a flood. */
  readonly pipelined: number
  /** Of bodies, in one turn of the event loop; a request counts as 16 KiB. Past it the rest has a turn later: this takes some 5 ms. */
  readonly turnSize: Bytes
  /** Of all bodies that are arriving, together. Past it the host says OVERLOADED instead of running out of memory. */
  readonly arrivingSize: Bytes
  /** Of a refused body, read and dropped so that the client gets to see the refusal. Past it the connection is cut. */
  readonly discardedSize: Bytes
  /** After close() began, for answers that are on their way. */
  readonly closeGrace: Millis
}

export const HTTP_LIMITS: HttpLimits = Object.freeze({
  headersTimeout: millis(10_000),
  requestTimeout: millis(60_000),
  keepAliveTimeout: millis(72_000),
  socketTimeout: millis(1_800_000),
  checkInterval: millis(1_000),
  headersSize: bytes(16 << 10),
  connections: 10_000,
  connectionsPerAddress: 1_000,
  pipelined: 64,
  turnSize: bytes(1 << 20),
  arrivingSize: bytes(256 << 20),
  discardedSize: bytes(64 << 20),
  closeGrace: millis(5_000),
})
