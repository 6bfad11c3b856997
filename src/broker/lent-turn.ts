import type { Ticket, Turn } from '../core/run.ts'
import { CapabilityError } from './capability.ts'

type TryAcquire = (ticket: Ticket) => Turn | undefined

/**
 * The turn of a run that waits for others, lent to those that it waits for, one after the other. Others run beside it while
 * there are turns that nobody else waits for.
 *
 * Invariant: whoever is called never waits for a turn that only its callers' end could free, so a tenant with a single turn
 * can call functions to any depth. As many wait here as the run may have calls that wait.
 */
export class LentTurn implements Disposable {
  readonly #tryAcquire: TryAcquire
  readonly #waiting: {
    readonly ticket: Ticket
    readonly grant: (turn: Turn) => void
    readonly refuse: (error: Error) => void
  }[] = []
  #isLent = false
  #open = true

  constructor(tryAcquire: TryAcquire) {
    this.#tryAcquire = tryAcquire
  }

  /** A turn for one of the runs that are waited for. Rejects with RUN_OVER once nobody waits any more. */
  acquire(ticket: Ticket): Turn | Promise<Turn> {
    if (!this.#open) throw over()
    if (!this.#isLent) return this.#lend(ticket)
    const another = this.#tryAcquire(ticket)
    if (another !== undefined) return another
    const { promise, resolve, reject } = Promise.withResolvers<Turn>()
    this.#waiting.push({ ticket, grant: resolve, refuse: reject })
    return promise
  }

  [Symbol.dispose](): void {
    this.#open = false
    for (const { refuse } of this.#waiting.splice(0)) refuse(over())
  }

  #lend(ticket: Ticket): Turn {
    this.#isLent = true
    let held = true
    return {
      ticket,
      [Symbol.dispose]: () => {
        if (!held) return
        held = false
        this.#isLent = false
        const next = this.#waiting.shift()
        if (next !== undefined) next.grant(this.#lend(next.ticket))
      },
    }
  }
}

function over(): CapabilityError {
  return new CapabilityError('RUN_OVER', 'the run that waited for this one is over')
}
