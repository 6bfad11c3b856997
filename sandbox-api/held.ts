import { PromiseConstructor, cut, whenSettled } from './primordials.ts'
import { describe } from './result.ts'

/** Promises given to `waitUntil`: the run's answer waits for them. */
export function createHeld(warn: (message: string) => void) {
  let open = 0
  let empty: (() => void) | undefined
  const release = (): void => {
    open -= 1
    if (open === 0) empty?.()
  }
  return {
    /** How many have not settled yet. */
    get open(): number {
      return open
    },
    add(promise: unknown): void {
      open += 1
      const followed = new PromiseConstructor((resolve) => resolve(promise))
      whenSettled(followed, release, (error) => {
        warn(`[cloister] a promise given to waitUntil was rejected: ${cut(describe(error).message, 1_000)}`)
        release()
      })
    },
    whenEmpty(action: () => void): void {
      if (open === 0) action()
      else empty = action
    },
  }
}
