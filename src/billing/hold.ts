import assert from 'node:assert/strict'
import type { Hold, Ticket, Usage } from '../core/run.ts'

/** Sets more aside for the operations of a run: see {@link Hold.allow}. */
export type GrowHold = (hold: RunHold, operation: string, count: number) => boolean | Promise<boolean>

/** What a hold tells the account it was taken from: that it is over, with the usage that was posted or none. */
export type CloseHold = (hold: RunHold, usage: Usage | undefined) => void

/**
 * Money set aside for one run. Open until it is posted or its scope ends, whichever is first; once a post has begun,
 * the post alone decides how it ends.
 *
 * Invariant: it closes exactly once.
 */
export class RunHold implements Hold {
  readonly ticket: Ticket
  /** What its operations are worth, in 1/denominator nanoUSD of the price book at the time of its ticket. */
  operationsWorth = 0n
  readonly #close: CloseHold
  readonly #grow: GrowHold
  #state: 'open' | 'posting' | 'closed' = 'open'

  constructor(ticket: Ticket, grow: GrowHold, close: CloseHold) {
    this.ticket = ticket
    this.#close = close
    this.#grow = grow
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  allow(operation: string, count: number): boolean | Promise<boolean> {
    return this.#state === 'open' && this.#grow(this, operation, count)
  }

  /** Begins the one post of this hold. Asserts that there was none and that the scope has not ended. */
  beginPost(): void {
    assert(this.#state === 'open', 'a hold is posted once, inside its scope')
    this.#state = 'posting'
  }

  /** Ends the post: with the usage that was committed, or none if the commit failed. */
  endPost(usage: Usage | undefined): void {
    assert(this.#state === 'posting', 'a hold ends the post that it began')
    this.#state = 'closed'
    this.#close(this, usage)
  }

  /** Leaving scope without a post voids the hold: a run that failed to settle is free. */
  [Symbol.dispose](): void {
    if (this.#state !== 'open') return
    this.#state = 'closed'
    this.#close(this, undefined)
  }
}
