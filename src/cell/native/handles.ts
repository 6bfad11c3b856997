import { NativeFault } from './fault.ts'

/** What native code may hold for one realm. A guest that wants more has forgotten to let go. */
const HANDLES_MAX = 1_000

/** Objects of native code by number. They live as long as their realm, or until they are let go. */
export class Handles {
  readonly #objects = new Map<number, object>()
  #last = 0

  /** Throws RangeError when there are {@link HANDLES_MAX}. */
  add(object: object): number {
    if (this.#objects.size >= HANDLES_MAX) throw new NativeFault('RangeError', `more than ${HANDLES_MAX} are open`)
    this.#last += 1
    this.#objects.set(this.#last, object)
    return this.#last
  }

  /** The object of this class that a number names. Throws TypeError if there is none. */
  get<Kind extends object>(handle: unknown, kind: abstract new (...args: never[]) => Kind): Kind {
    const object = typeof handle === 'number' ? this.#objects.get(handle) : undefined
    if (object instanceof kind) return object
    throw new NativeFault('TypeError', 'it is closed')
  }

  release(handle: unknown): void {
    if (typeof handle === 'number') this.#objects.delete(handle)
  }
}
