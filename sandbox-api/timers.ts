import { BRIDGE, type Bridge, type RuntimeLimits } from './bridge.ts'
import { failure } from './calls.ts'
import { TypeErrorConstructor, apply, defineProperty, max, min, table } from './primordials.ts'

/** Longest delay of the runtime's own timers: what a timer of the cell can take. */
const DELAY_MAX_MS = 2_147_483_647

interface Timer {
  readonly callback: (...args: unknown[]) => void
  readonly args: unknown[]
  /** Undefined for a timeout. */
  readonly everyMs: number | undefined
}

export interface Timers {
  fire(timer: number): void
  /** Sets and clears a timer for the runtime itself; it counts as one of the run's. */
  setTimer(callback: () => void, ms: number): number
  clearTimer(timer: number): void
  /** Drops what an earlier run has left: a new one begins. The cell has cleared its own side. */
  reset(): void
}

/** Puts `setTimeout`, `setInterval`, `clearTimeout` and `clearInterval` on the global object. */
export function installTimers(global: object, bridge: Bridge, limits: RuntimeLimits): Timers {
  let timers = table<Timer>()
  let count = 0
  let last = 0

  const set = (callback: unknown, delay: number, args: unknown[], repeat: 'once' | 'again'): number => {
    if (typeof callback !== 'function') throw new TypeErrorConstructor('the callback of a timer must be a function')
    if (count >= limits.timers) throw failure('TOO_MANY_TIMERS', `a run may have ${limits.timers} timers`)
    const ms = max(repeat === 'again' ? 1 : 0, min(delay, DELAY_MAX_MS))
    last += 1
    count += 1
    timers[last] = { callback: callback as Timer['callback'], args, everyMs: repeat === 'again' ? ms : undefined }
    bridge(BRIDGE.setTimer, last, ms)
    return last
  }
  const clear = (id?: unknown): void => {
    if (typeof id !== 'number' || timers[id] === undefined) return
    delete timers[id]
    count -= 1
    bridge(BRIDGE.clearTimer, id, 0)
  }

  const define = (name: string, value: unknown): void => {
    defineProperty(global, name, { value, writable: true, configurable: true, enumerable: true })
  }
  // A delay is a `long`, which wraps around: 2^32 ms is none.
  define('setTimeout', (callback: unknown, delay?: unknown, ...args: unknown[]) =>
    set(callback, (delay as number) | 0, args, 'once'),
  )
  define('setInterval', (callback: unknown, delay?: unknown, ...args: unknown[]) =>
    set(callback, (delay as number) | 0, args, 'again'),
  )
  define('clearTimeout', clear)
  define('clearInterval', clear)

  return {
    setTimer: (callback, ms) => set(callback, ms, [], 'once'),
    clearTimer: clear,
    fire(id) {
      const timer = timers[id]
      if (timer === undefined) return
      if (timer.everyMs === undefined) {
        delete timers[id]
        count -= 1
      } else bridge(BRIDGE.setTimer, id, timer.everyMs)
      apply(timer.callback, undefined, timer.args)
    },
    reset() {
      timers = table<Timer>()
      count = 0
    },
  }
}
