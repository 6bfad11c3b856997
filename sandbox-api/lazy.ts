import { defineProperty, tryDefineProperty } from './primordials.ts'

/** Whether a built-in shows when the properties of the global object are listed: the web's functions do, classes do not. */
export type Visibility = 'hidden' | 'listed'

/**
 * Gives the global object a built-in that is made when the guest first asks for it: most code asks for few, and a fresh realm
 * must cost little. Until then the property is an accessor, which only who looks at its descriptor can tell.
 *
 * `make` runs after guest code: it may use nothing that the guest could have replaced meanwhile.
 */
export function defineLazy(global: object, name: string, make: () => unknown, visibility: Visibility = 'hidden'): void {
  let made: { readonly value: unknown } | undefined
  const enumerable = visibility === 'listed'
  const settle = (value: unknown): boolean =>
    tryDefineProperty(global, name, {
      __proto__: null,
      value,
      writable: true,
      configurable: true,
      enumerable,
    } as PropertyDescriptor)
  const get = (): unknown => {
    made ??= { value: make() }
    // Does nothing if the guest has frozen the global object; the accessor then stays.
    settle(made.value)
    return made.value
  }
  const set = (value: unknown): void => void settle(value)
  defineProperty(global, name, { __proto__: null, get, set, configurable: true, enumerable } as PropertyDescriptor)
}
