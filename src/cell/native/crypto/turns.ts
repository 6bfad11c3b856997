import { NativeFault } from '../fault.ts'

/** One works on the thread pool, which has one thread, and one is ready to. */
const UNDER_WAY_MAX = 2

let underWay = 0
const waiting: (() => void)[] = []

/**
 * Does work of the thread pool when its turn comes. What nobody wants any more by then is not begun, so a run that is over
 * uses no processor for what it had asked for.
 */
export async function takeTurn<Result>(wanted: () => boolean, work: () => Promise<Result>): Promise<Result> {
  if (underWay >= UNDER_WAY_MAX) await new Promise<void>((resolve) => waiting.push(resolve))
  else underWay += 1
  try {
    if (!wanted()) throw new NativeFault('AbortError', 'the run that this belongs to is over')
    return await work()
  } finally {
    // A turn is handed on, not given back, when somebody waits for it.
    const next = waiting.shift()
    if (next === undefined) underWay -= 1
    else next()
  }
}
