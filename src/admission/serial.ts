/**
 * Runs one task after the other, in the order they came, whatever became of the earlier ones. Changes of
 * tenants and keys go through it: storage and memory see them in the same order, and no key is made for a tenant that is
 * being deleted.
 */
export class Serial {
  #last: Promise<unknown> = Promise.resolve()

  run<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(task)
    this.#last = result.catch(() => undefined)
    return result
  }
}
