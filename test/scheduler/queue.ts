import { vi } from 'vitest'
import { CloisterError } from '../../src/core/errors.ts'
import type { Limits } from '../../src/core/policy.ts'
import { epochMillis, millis } from '../../src/core/quantity.ts'
import type { Turn } from '../../src/core/run.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { type FairScheduler, createScheduler } from '../../src/scheduler/scheduler.ts'
import { ticketOf } from './ticket.ts'

/** What became of a run that asked for a turn. */
export interface Asked {
  readonly tenant: string
  turn: Turn | undefined
  refusal: CloisterError | undefined
}

export interface Queue extends Disposable {
  readonly scheduler: FairScheduler
  /** Asks for a turn; what comes of it shows in the returned object, after {@link settle} if it had to wait. */
  ask(tenant: string, limits?: Partial<Limits>): Asked
  /** Lets time pass, for the clock and for timers alike. */
  pass(ms: number): void
  /** All that asked, in the order in which they got their turn. */
  readonly served: readonly Asked[]
}

/** Lets everything that was granted or refused become known. */
export async function settle(): Promise<void> {
  for (let times = 0; times < 5; times += 1) await Promise.resolve()
}

/** A scheduler whose time is the test's. */
export function openQueue(runsMax: number): Queue {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  let nowMs = 1_000
  const clock = { now: () => epochMillis(nowMs), elapsed: () => millis(nowMs) }
  const scheduler = createScheduler({ clock, runsMax })
  const base = loadPolicies([]).resolve('default')
  const served: Asked[] = []
  return {
    scheduler,
    served,
    ask(name, limits) {
      const asked: Asked = { tenant: name, turn: undefined, refusal: undefined }
      const grant = (turn: Turn): void => {
        asked.turn = turn
        served.push(asked)
      }
      const refuse = (error: CloisterError): void => {
        asked.refusal = error
      }
      try {
        const given = scheduler.acquire(ticketOf(name, { ...base, limits: { ...base.limits, ...limits } }))
        if (given instanceof Promise) void given.then(grant, refuse)
        else grant(given)
      } catch (error) {
        if (!(error instanceof CloisterError)) throw error
        refuse(error)
      }
      return asked
    },
    pass(ms) {
      for (let left = ms; left > 0; left -= 5) {
        nowMs += Math.min(5, left)
        vi.advanceTimersByTime(Math.min(5, left))
      }
    },
    [Symbol.dispose]: () => void vi.useRealTimers(),
  }
}
