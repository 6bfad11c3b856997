/**
 * Reads an object of the platform's for a structured clone, and returns what makes another like it. The first is called while
 * the value is read, the second once all of it could be: HTML, "serialization steps" and "deserialization steps".
 */
export type Cloner<Kind> = (object: Kind) => () => object

/** How an object of the platform's moves to another place. */
export interface Mover<Kind> {
  /** Throws a DataCloneError if it cannot be moved now. */
  check(object: Kind): void
  /** Takes it away from here, and returns what it is there. */
  move(object: Kind): object
}

const cloners = new Map<object, Cloner<never>>()
const movers = new Map<object, Mover<never>>()
let findClass: (name: string) => unknown = () => undefined

/** Makes instances of a class fit for `structuredClone`. Called by the file of the class. */
export function registerClone<Kind extends object>(Class: { readonly prototype: Kind }, cloner: Cloner<Kind>): void {
  cloners.set(Class.prototype, cloner)
}

/** Makes instances of a class fit for the transfer list of `structuredClone` and `postMessage`. */
export function registerTransfer<Kind extends object>(Class: { readonly prototype: Kind }, mover: Mover<Kind>): void {
  movers.set(Class.prototype, mover)
}

/** How the classes of the platform are found by name. */
export function setClasses(find: (name: string) => unknown): void {
  findClass = find
}

/** How an object whose prototype this is, is cloned; undefined if it cannot be. */
export function clonerOf(prototype: object): Cloner<object> | undefined {
  return cloners.get(prototype) as Cloner<object> | undefined
}

/** How an object is moved; undefined if it cannot be. */
export function moverOf(object: object): Mover<object> | undefined {
  for (let one = Object.getPrototypeOf(object) as object | null; one !== null; one = Object.getPrototypeOf(one)) {
    const found = movers.get(one)
    if (found !== undefined) return found as Mover<object>
  }
  return undefined
}

/** Whether a prototype is that of a class of the platform's, by the name that it goes by. */
export function isPlatformPrototype(prototype: object): boolean {
  const name: unknown = Object.getOwnPropertyDescriptor(prototype, Symbol.toStringTag)?.value
  if (typeof name !== 'string') return false
  const Class = findClass(name)
  return typeof Class === 'function' && Class.prototype === prototype
}
