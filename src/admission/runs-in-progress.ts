/** Counts the admitted runs that have not ended, and tells when there is none. */
export class RunsInProgress {
  #count = 0
  #none: PromiseWithResolvers<void> | undefined

  get count(): number {
    return this.#count
  }

  start(): void {
    this.#count += 1
  }

  end(): void {
    this.#count -= 1
    if (this.#count > 0) return
    this.#none?.resolve()
    this.#none = undefined
  }

  /** Resolves at once if there is none now. */
  whenNone(): Promise<void> {
    if (this.#count === 0) return Promise.resolve()
    this.#none ??= Promise.withResolvers<void>()
    return this.#none.promise
  }
}
