/** Headers by their names in lower case. One name may have several values, in the order in which they came. */
export class HeaderList {
  readonly #values = new Map<string, string[]>()
  #sorted: readonly (readonly [string, string])[] | undefined

  has(name: string): boolean {
    return this.#values.has(name)
  }

  /** All values of a name as one, or null if there is none. */
  get(name: string): string | null {
    return this.#values.get(name)?.join(', ') ?? null
  }

  /** The values of a name, each by itself. */
  getAll(name: string): readonly string[] {
    return [...(this.#values.get(name) ?? [])]
  }

  append(name: string, value: string): void {
    this.#sorted = undefined
    const values = this.#values.get(name)
    if (values === undefined) this.#values.set(name, [value])
    else values.push(value)
  }

  set(name: string, value: string): void {
    this.#sorted = undefined
    this.#values.set(name, [value])
  }

  delete(name: string): void {
    if (this.#values.delete(name)) this.#sorted = undefined
  }

  /** Fetch, "sort and combine": in the order of the names; cookies are never put into one. The same list until a change. */
  sorted(): readonly (readonly [string, string])[] {
    this.#sorted ??= [...this.#values.keys()]
      .toSorted()
      .flatMap((name) =>
        name === 'set-cookie'
          ? this.getAll(name).map((value) => [name, value] as const)
          : [[name, this.get(name) ?? ''] as const],
      )
    return this.#sorted
  }

  copy(): HeaderList {
    const copy = new HeaderList()
    for (const [name, values] of this.#values) copy.#values.set(name, [...values])
    return copy
  }
}
