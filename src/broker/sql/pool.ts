import type { Millis } from '../../core/quantity.ts'
import { CapabilityError } from '../capability.ts'
import type { Connection } from './connection.ts'
import type { Seats } from './seats.ts'

interface Parts {
  /** Opens one more. Rejects with what a guest is to be told. */
  readonly open: () => Promise<Connection>
  /** Shared by all pools of the host. */
  readonly seats: Seats
  /** A connection that nobody has used for so long is closed. */
  readonly idle: Millis
}

interface PoolBounds {
  readonly connections: number
  /** Calls that may wait. */
  readonly waiting: number
}

interface Waiter {
  readonly bounds: PoolBounds
  readonly give: (connection: Connection) => void
  readonly fail: (error: unknown) => void
}

/** Undoes what a run may have left in a session: settings, temporary tables, locks, listeners, prepared statements. */
const RESET = 'DISCARD ALL'
const RESET_TIMEOUT_MS = 10_000
/** After a server refused one more connection while others of ours are open. */
const OPEN_PAUSE_MS = 1_000

/**
 * The connections of one binding, shared by all runs of its tenant, with one line in front of them: first come, first served.
 *
 * Invariant: a connection goes from one run to the next only after the server has reset its session; what cannot be reset
 * is closed.
 */
export class Pool {
  readonly #open: Parts['open']
  readonly #seats: Seats
  readonly #idleMs: Millis
  /** Ready for the next run, the longest unused first. */
  readonly #ready = new Map<Connection, NodeJS.Timeout>()
  readonly #line = new Set<Waiter>()
  /** Open, in use or not, and those being opened. */
  #count = 0
  #isPaused = false
  #isClosed = false

  constructor({ open, seats, idle }: Parts) {
    this.#open = open
    this.#seats = seats
    this.#idleMs = idle
    seats.join(this)
  }

  /** Open connections, and those being opened. */
  get connections(): number {
    return this.#count
  }
  get waiting(): number {
    return this.#line.size
  }

  /**
   * Waits for a connection until the signal aborts. Rejects with QUOTA_EXCEEDED when the line is full, RUN_OVER when the
   * signal aborts, and with what `open` rejects with when there is no connection to wait for.
   */
  acquire(bounds: PoolBounds, signal: AbortSignal): Promise<Connection> {
    if (this.#isClosed) return Promise.reject(bindingChanged())
    if (signal.aborted) return Promise.reject(runOver())
    if (this.#line.size >= bounds.waiting && this.#ready.size === 0) {
      const message = `${bounds.waiting} calls wait for a connection already (capabilities.sql.waiting)`
      return Promise.reject(new CapabilityError('QUOTA_EXCEEDED', message))
    }
    const { promise, resolve, reject } = Promise.withResolvers<Connection>()
    const leave = (): void => waiter.fail(runOver())
    const done = (): void => {
      this.#line.delete(waiter)
      signal.removeEventListener('abort', leave)
    }
    const waiter: Waiter = {
      bounds,
      give: (connection) => (done(), resolve(connection)),
      fail: (error) => (done(), reject(error)),
    }
    this.#line.add(waiter)
    signal.addEventListener('abort', leave)
    this.pump()
    return promise
  }

  /** Takes a connection back, whatever state the run has left it in. The next in line gets it once it is clean. */
  release(connection: Connection): void {
    if (connection.isClosed || connection.isBusy || this.#isClosed) return connection.cancel()
    void this.#reset(connection).then(
      () => this.#setReady(connection),
      () => connection.destroy(),
    )
  }

  /** Gives the first in line what there is for them. Called when that may have changed. */
  pump(): void {
    for (const waiter of this.#line) {
      const ready = this.#takeReady()
      if (ready !== undefined) waiter.give(ready)
      else if (this.#mayOpen(waiter.bounds)) this.#openOne()
      else return
    }
  }

  /** Closes the connection that was unused for longest; false if all are in use. */
  evict(): boolean {
    const [oldest] = this.#ready.keys()
    if (oldest === undefined) return false
    this.#forget(oldest)
    oldest.close()
    return true
  }

  /** Closes what is ready now, and what is in use when it is released. Whoever waits is told that the binding changed. */
  close(): void {
    this.#isClosed = true
    while (this.evict()) continue
    for (const waiter of this.#line) waiter.fail(bindingChanged())
    this.#seats.leave(this)
  }

  /** One for each that waits, as far as the bounds go: connections being opened are meant for the first in line. */
  #mayOpen({ connections }: PoolBounds): boolean {
    const opening = this.#opening
    return !this.#isPaused && opening < this.#line.size && this.#count < connections && this.#seats.take()
  }

  #opening = 0

  #openOne(): void {
    this.#count += 1
    this.#opening += 1
    void this.#open().then(
      (connection) => {
        this.#opening -= 1
        connection.onClosed(() => this.#setGone(connection))
        this.#setReady(connection)
      },
      (error: unknown) => {
        this.#opening -= 1
        this.#setUnopened(error)
      },
    )
  }

  #setReady(connection: Connection): void {
    if (connection.isClosed) return
    // With every seat of the host taken, who has none goes before who has several.
    if (this.#isClosed || (this.#count > 1 && this.#seats.isWanted(this))) return connection.close()
    const timer = setTimeout(() => {
      this.#forget(connection)
      connection.close()
    }, this.#idleMs)
    timer.unref()
    this.#ready.set(connection, timer)
    this.pump()
    this.#seats.offer()
  }

  #setUnopened(error: unknown): void {
    this.#count -= 1
    if (this.#count === 0) {
      // Nobody of those who wait would fare better.
      for (const waiter of this.#line) waiter.fail(error)
    } else if (!this.#isPaused) {
      // The server takes no more, but those that are open go on serving.
      this.#isPaused = true
      setTimeout(() => {
        this.#isPaused = false
        this.pump()
      }, OPEN_PAUSE_MS).unref()
    }
    this.#seats.give()
  }

  #setGone(connection: Connection): void {
    this.#count -= 1
    this.#forget(connection)
    this.#seats.give()
    this.pump()
  }

  #takeReady(): Connection | undefined {
    // The one used last, so that those which a burst has left over fall idle.
    const connection = [...this.#ready.keys()].findLast((one) => !one.isClosed)
    if (connection !== undefined) this.#forget(connection)
    return connection
  }

  #forget(connection: Connection): void {
    clearTimeout(this.#ready.get(connection))
    this.#ready.delete(connection)
  }

  async #reset(connection: Connection): Promise<void> {
    const timer = setTimeout(() => connection.destroy(), RESET_TIMEOUT_MS)
    timer.unref()
    try {
      if (connection.state !== 'idle') await connection.command('ROLLBACK')
      await connection.command(RESET)
    } finally {
      clearTimeout(timer)
    }
  }
}

function runOver(): CapabilityError {
  return new CapabilityError('RUN_OVER', 'the run is over')
}

function bindingChanged(): CapabilityError {
  return new CapabilityError('UNAVAILABLE', 'the database of this name has just been changed; nothing was done')
}
