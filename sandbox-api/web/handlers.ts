const values = new Map<string, unknown>()

/** An event handler of the global object: anything but a function is none. */
export function handlerOf(name: string): { get(): unknown; set(value: unknown): void } {
  return {
    get: () => values.get(name) ?? null,
    set: (value) => void values.set(name, typeof value === 'function' ? value : null),
  }
}
