import { makeEnumerable, needArguments } from './webidl.ts'

type Pairs = readonly (readonly [unknown, unknown])[]
type Kind = 'entries' | 'keys' | 'values'

interface State {
  readonly pairs: () => Pairs
  readonly kind: Kind
  next: number
}

const iteratorPrototype: object = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()))

/**
 * Makes the instances of an interface iterable as name-value pairs: Web IDL, `iterable<K, V>`. `pairsOf` throws TypeError for
 * what is no instance. An iterator is live: it asks for the pairs again at each step, and goes on at its index.
 */
export function definePairIterable(
  Class: { readonly prototype: object },
  name: string,
  pairsOf: (object: unknown) => Pairs,
): void {
  const states = new WeakMap<object, State>()
  const prototype = Object.create(iteratorPrototype, {
    [Symbol.toStringTag]: { value: `${name} Iterator`, configurable: true },
  }) as object
  const { next } = {
    next(this: object): IteratorResult<unknown> {
      const state = states.get(this)
      if (state === undefined) throw new TypeError('Illegal invocation')
      const pair = state.pairs()[state.next]
      if (pair === undefined) return { value: undefined, done: true }
      state.next += 1
      return { value: pick(pair, state.kind), done: false }
    },
  }
  Object.defineProperty(prototype, 'next', { value: next, writable: true, enumerable: true, configurable: true })

  const iterate = (object: unknown, kind: Kind): object => {
    pairsOf(object)
    const iterator = Object.create(prototype) as object
    states.set(iterator, { pairs: () => pairsOf(object), kind, next: 0 })
    return iterator
  }
  const members = {
    entries(this: unknown): object {
      return iterate(this, 'entries')
    },
    keys(this: unknown): object {
      return iterate(this, 'keys')
    },
    values(this: unknown): object {
      return iterate(this, 'values')
    },
    forEach(this: unknown, callback: unknown, thisArgument: unknown = undefined): void {
      pairsOf(this)
      needArguments(arguments.length, 1, 'forEach')
      if (typeof callback !== 'function') throw new TypeError('the argument of forEach must be a function')
      for (let index = 0, pair = pairsOf(this)[0]; pair !== undefined; index += 1, pair = pairsOf(this)[index]) {
        Reflect.apply(callback, thisArgument, [pair[1], pair[0], this])
      }
    },
  }
  Object.defineProperties(Class.prototype, {
    ...Object.getOwnPropertyDescriptors(members),
    [Symbol.iterator]: { value: members.entries, writable: true, configurable: true },
  })
  makeEnumerable(Class.prototype, 'entries', 'keys', 'values', 'forEach')
}

function pick([key, value]: readonly [unknown, unknown], kind: Kind): unknown {
  switch (kind) {
    case 'entries':
      return [key, value]
    case 'keys':
      return key
    case 'values':
      return value
  }
}
