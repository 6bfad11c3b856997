import { createPairIterator } from './pair-iterator.ts'
import { makeEnumerable, needArguments } from './webidl.ts'

type Pairs = readonly (readonly [unknown, unknown])[]

/**
 * Makes the instances of an interface iterable as name-value pairs: Web IDL, `iterable<K, V>`. `pairsOf` throws TypeError for
 * what is no instance; it is asked again at each step.
 */
export function definePairIterable(
  Class: { readonly prototype: object },
  name: string,
  pairsOf: (object: unknown) => Pairs,
): void {
  const iterate = (object: unknown, shown: 'key' | 'value' | 'entry'): object => {
    pairsOf(object)
    return createPairIterator(name, (index) => pairsOf(object)[index], shown)
  }
  const members = {
    entries(this: unknown): object {
      return iterate(this, 'entry')
    },
    keys(this: unknown): object {
      return iterate(this, 'key')
    },
    values(this: unknown): object {
      return iterate(this, 'value')
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
