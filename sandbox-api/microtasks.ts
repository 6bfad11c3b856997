import { PromiseConstructor, TypeErrorConstructor, whenSettled } from './primordials.ts'

/** The web's queueMicrotask. An error in the callback ends the run, as an uncaught error does. */
export function createQueueMicrotask(fail: (error: unknown) => void): (callback: () => void) => void {
  const resolved = PromiseConstructor.resolve()
  return (callback) => {
    if (typeof callback !== 'function') {
      throw new TypeErrorConstructor('the argument of queueMicrotask must be a function')
    }
    const guarded = (): void => {
      try {
        callback()
      } catch (error) {
        fail(error)
      }
    }
    whenSettled(resolved, guarded, fail)
  }
}
