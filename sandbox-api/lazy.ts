import { defineHidden, defineProperty, tryDefineProperty } from './primordials.ts'

/**
 * Gives the global object a built-in that is made when the guest first asks for it: most code asks for few, and a fresh realm
 * must cost little. Until then the property is an accessor, which only who looks at its descriptor can tell.
 *
 * `make` runs after guest code: it may use nothing that the guest could have replaced meanwhile.
 */
export function defineLazy(global: object, name: string, make: () => unknown): void {
  let made: { readonly value: unknown } | undefined
  const get = (): unknown => {
    made ??= { value: make() }
    // Does nothing if the guest has frozen the global object; the accessor then stays.
    tryDefineProperty(global, name, {
      __proto__: null,
      value: made.value,
      writable: true,
      configurable: true,
      enumerable: false,
    } as PropertyDescriptor)
    return made.value
  }
  const set = (value: unknown): void => defineHidden(global, name, value)
  defineProperty(global, name, {
    __proto__: null,
    get,
    set,
    configurable: true,
    enumerable: false,
  } as PropertyDescriptor)
}
