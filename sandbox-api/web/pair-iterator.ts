type Shown = 'key' | 'value' | 'entry'
type Pair = readonly [unknown, unknown]

/** The language's `%IteratorPrototype%`. */
const ITERATOR = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())) as object

interface State {
  readonly pairAt: (index: number) => Pair | undefined
  readonly shown: Shown
  index: number
}

const states = new WeakMap<object, { readonly name: string; readonly state: State }>()
const prototypes = new Map<string, object>()

/**
 * An iterator over the pairs of an interface, which sees the list change under it: Web IDL, "default iterator objects". All
 * of one interface share a prototype.
 */
export function createPairIterator(name: string, pairAt: State['pairAt'], shown: Shown): IterableIterator<unknown> {
  let prototype = prototypes.get(name)
  if (prototype === undefined) {
    prototype = createPrototype(name)
    prototypes.set(name, prototype)
  }
  const iterator = Object.create(prototype) as IterableIterator<unknown>
  states.set(iterator, { name, state: { pairAt, shown, index: 0 } })
  return iterator
}

function createPrototype(name: string): object {
  const { next } = {
    next(this: object): IteratorResult<unknown> {
      const found = states.get(this)
      if (found?.name !== name) throw new TypeError(`this is no iterator of ${name}`)
      const { state } = found
      const pair = state.pairAt(state.index)
      if (pair === undefined) return { value: undefined, done: true }
      state.index += 1
      const value = state.shown === 'entry' ? [pair[0], pair[1]] : pair[state.shown === 'key' ? 0 : 1]
      return { value, done: false }
    },
  }
  return Object.create(ITERATOR, {
    next: { value: next, writable: true, enumerable: true, configurable: true },
    [Symbol.toStringTag]: { value: `${name} Iterator`, configurable: true },
  }) as object
}
