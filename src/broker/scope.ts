import type { Clock } from '../core/clock.ts'
import type { TenantId } from '../core/ids.ts'
import { type Bytes, type Millis, bytes, millis } from '../core/quantity.ts'
import type { Ticket, Traffic } from '../core/run.ts'
import type { RunScope } from './capability.ts'

const NO_TRAFFIC: Traffic = Object.freeze({ egress: bytes(0), ingress: bytes(0) })

/** A run's scope, from the session's opening to its end. Costs next to nothing for runs that keep nothing. */
export class SessionScope implements RunScope {
  readonly ticket: Ticket
  readonly #clock: Clock
  readonly #openedAt: Millis
  readonly #kept = new Map<object, Disposable>()
  #abort: AbortController | undefined
  #traffic = NO_TRAFFIC
  #open = true

  constructor(ticket: Ticket, clock: Clock) {
    this.ticket = ticket
    this.#clock = clock
    this.#openedAt = clock.elapsed()
  }

  get tenant(): TenantId {
    return this.ticket.request.tenant
  }

  get traffic(): Traffic {
    const { exchange } = this.ticket.request
    return exchange === undefined ? this.#traffic : sum(this.#traffic, exchange.traffic)
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController()
      if (!this.#open) this.#abort.abort()
    }
    return this.#abort.signal
  }

  remaining(): Millis {
    return millis(Math.max(0, this.ticket.wall - (this.#clock.elapsed() - this.#openedAt)))
  }

  keep<State extends Disposable>(key: object, make: () => State): State {
    const kept = this.#kept.get(key)
    // The key belongs to one capability, which always keeps the same kind of thing under it.
    if (kept !== undefined) return kept as State
    const made = make()
    if (this.#open) this.#kept.set(key, made)
    else made[Symbol.dispose]()
    return made
  }

  meter({ egress = bytes(0), ingress = bytes(0) }: { readonly egress?: Bytes; readonly ingress?: Bytes }): void {
    this.#traffic = sum(this.#traffic, { egress, ingress })
  }

  /** Ends it: aborts the signal and disposes of what was kept, whatever goes wrong with any of it. */
  close(onFault: (error: unknown) => void): void {
    this.#open = false
    this.#abort?.abort()
    for (const state of this.#kept.values()) {
      try {
        state[Symbol.dispose]()
      } catch (error) {
        onFault(error)
      }
    }
    this.#kept.clear()
  }
}

function sum(a: Traffic, b: Traffic): Traffic {
  return { egress: bytes(a.egress + b.egress), ingress: bytes(a.ingress + b.ingress) }
}
