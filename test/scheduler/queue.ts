import { vi } from 'vitest'
import { CloisterError } from '../../src/core/errors.ts'
import { artifactId, createRunIds, parseTenantId } from '../../src/core/ids.ts'
import type { Limits } from '../../src/core/policy.ts'
import { bytes, epochMillis, millis } from '../../src/core/quantity.ts'
import type { Ticket, Turn } from '../../src/core/run.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { type FairScheduler, createScheduler } from '../../src/scheduler/scheduler.ts'

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
  const newRunId = createRunIds(() => nowMs)
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
        const given = scheduler.acquire(ticketOf(name, { ...base, limits: { ...base.limits, ...limits } }, newRunId()))
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

function ticketOf(name: string, policy: Ticket['policy'], run: Ticket['run']): Ticket {
  const tenant = parseTenantId(name)
  if (tenant === undefined) throw new Error(`${name} is no tenant`)
  const artifact = {
    id: artifactId('0'.repeat(64)),
    language: 'javascript',
    main: 'main.js',
    modules: new Map(),
    size: bytes(0),
  } as const
  return {
    run,
    request: { tenant, trigger: 'execute', artifact, input: Buffer.from('null') },
    policy,
    reuse: 'context',
    wall: policy.limits.wall,
    admittedAt: epochMillis(0),
    [Symbol.dispose]() {},
  }
}
