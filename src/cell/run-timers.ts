/** The timers of one run, from the cell's side. */
export class RunTimers {
  readonly #timers = new Map<number, NodeJS.Timeout>()

  /** How many have not fired. */
  get size(): number {
    return this.#timers.size
  }

  set(timer: number, delayMs: number, due: () => void): void {
    this.#timers.set(timer, setTimeout(due, delayMs))
  }

  /** Takes a timer out, before it fires or after. Returns whether it was there. */
  clear(timer: number): boolean {
    clearTimeout(this.#timers.get(timer))
    return this.#timers.delete(timer)
  }

  clearAll(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
  }
}
