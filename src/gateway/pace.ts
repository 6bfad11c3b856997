/**
 * Shares out turns of the event loop: what large bodies and bursts of requests need is done bit by bit, so that everybody else
 * has a turn in between. Small requests of a host that is not flooded never wait here. In bytes of work.
 *
 * Invariant: what waits is done in order, and at least one thing of it a turn. Its owner bounds how much waits.
 */
export class Pace {
  readonly #turnMax: number
  #spent = 0
  #isScheduled = false
  readonly #waiting: Waiting[] = []

  constructor(turnMax: number) {
    this.#turnMax = turnMax
  }

  /** Counts work that has been done, or is done right away. Returns whether more of it should wait for another turn. */
  spend(size: number): 'go on' | 'wait' {
    this.#spent += size
    this.#schedule()
    return this.#spent > this.#turnMax ? 'wait' : 'go on'
  }

  /** Does it in a turn that has room for it. */
  later(size: number, action: () => void): void {
    this.#waiting.push({ size, action })
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.#begin())
  }

  #begin(): void {
    this.#isScheduled = false
    this.#spent = 0
    let done = 0
    for (const { size, action } of this.#waiting) {
      if (done > 0 && this.#spent + size > this.#turnMax) break
      done += 1
      this.#spent += size
      action()
    }
    this.#waiting.splice(0, done)
    if (this.#spent > 0 || this.#waiting.length > 0) this.#schedule()
  }
}

interface Waiting {
  readonly size: number
  readonly action: () => void
}
