import type { Clock } from '../core/clock.ts'
import { CloisterError } from '../core/errors.ts'
import type { TenantId } from '../core/ids.ts'
import type { Scheduler, Ticket, Turn } from '../core/run.ts'

interface Parts {
  readonly clock: Clock
  /** Runs of the whole host in progress at once. */
  readonly runsMax: number
}

interface Waiter {
  readonly ticket: Ticket
  readonly grant: (turn: Turn) => void
  readonly refuse: (error: CloisterError) => void
  readonly deadlineMs: number
}

/** A tenant's runs: how many have a turn, and who waits for one, the longest first. */
interface Line {
  running: number
  readonly waiting: Set<Waiter>
}

export interface FairScheduler extends Scheduler {
  /** Runs in progress, runs waiting, and tenants that have either. */
  readonly load: { readonly running: number; readonly waiting: number; readonly tenants: number }
  /** A turn if one is free and nobody of the tenant waits for it. */
  tryAcquire(ticket: Ticket): Turn | undefined
  /** Resolves when no run is in progress or waiting. */
  idle(): Promise<void>
}

/**
 * Grants turns: a tenant has at most `limits.concurrency` of them, the host `runsMax`. When the host is full, tenants that
 * wait are served one run each in turn, so a tenant with a thousand runs waiting delays another by one.
 *
 * Invariant: every waiter is granted or refused; a tenant's line is never longer than `limits.queue`.
 */
export function createScheduler({ clock, runsMax }: Parts): FairScheduler {
  const lines = new Map<TenantId, Line>()
  /** Tenants that wait only for the host, in the order in which they are served. */
  const round = new Set<TenantId>()
  let running = 0
  let waiting = 0
  let sweep: NodeJS.Timeout | undefined
  let idlers: (() => void)[] = []

  const turn = (ticket: Ticket, line: Line): Turn => {
    line.running += 1
    running += 1
    let held = true
    return {
      ticket,
      [Symbol.dispose]() {
        if (!held) return
        held = false
        release(ticket.request.tenant, line)
      },
    }
  }

  const release = (tenant: TenantId, line: Line): void => {
    line.running -= 1
    running -= 1
    if (line.waiting.size > 0) round.add(tenant)
    else if (line.running === 0) lines.delete(tenant)
    grantNext()
    if (running === 0 && waiting === 0) {
      for (const resolve of idlers) resolve()
      idlers = []
    }
  }

  /** Serves the tenants in the round, one run each, for as long as there is room. */
  const grantNext = (): void => {
    for (const tenant of round) {
      if (running >= runsMax) return
      round.delete(tenant)
      const line = lines.get(tenant)
      const [waiter] = line?.waiting ?? []
      if (line === undefined || waiter === undefined) continue
      if (line.running >= waiter.ticket.policy.limits.concurrency) continue
      line.waiting.delete(waiter)
      waiting -= 1
      waiter.grant(turn(waiter.ticket, line))
      // Behind everybody else, in case there is more of the tenant's.
      if (line.waiting.size > 0) round.add(tenant)
    }
  }

  const wait = (ticket: Ticket, line: Line): Promise<Turn> => {
    const { queue, queueWait } = ticket.policy.limits
    if (line.waiting.size >= queue) {
      if (line.running === 0 && line.waiting.size === 0) lines.delete(ticket.request.tenant)
      throw new CloisterError(
        'CONCURRENCY_LIMITED',
        `${line.running} runs are in progress and ${queue} are waiting, the most that limits.queue of the policy allows`,
        { retryAfterMs: 1_000 },
      )
    }
    return new Promise<Turn>((grant, refuse) => {
      line.waiting.add({ ticket, grant, refuse, deadlineMs: clock.elapsed() + queueWait })
      waiting += 1
      round.add(ticket.request.tenant)
      sweep ??= setTimeout(refuseLate, SWEEP_MS)
    })
  }

  const refuseLate = (): void => {
    const nowMs = clock.elapsed()
    for (const [tenant, line] of lines) {
      for (const waiter of line.waiting) {
        // Not sorted: the policy may have changed while others were waiting.
        if (waiter.deadlineMs > nowMs) continue
        line.waiting.delete(waiter)
        waiting -= 1
        waiter.refuse(tooLate(waiter.ticket, line.running))
      }
      if (line.waiting.size === 0) round.delete(tenant)
      if (line.waiting.size === 0 && line.running === 0) lines.delete(tenant)
    }
    sweep = waiting > 0 ? setTimeout(refuseLate, SWEEP_MS) : undefined
  }

  const isFree = ({ policy }: Ticket, line: Line): boolean =>
    line.running < policy.limits.concurrency && running < runsMax && line.waiting.size === 0

  return {
    get load() {
      return { running, waiting, tenants: lines.size }
    },
    idle: () => (running === 0 && waiting === 0 ? Promise.resolve() : new Promise((resolve) => idlers.push(resolve))),
    tryAcquire(ticket) {
      const line = lines.get(ticket.request.tenant) ?? { running: 0, waiting: new Set<Waiter>() }
      if (!isFree(ticket, line)) return undefined
      lines.set(ticket.request.tenant, line)
      return turn(ticket, line)
    },
    acquire(ticket) {
      const line = lines.getOrInsertComputed(ticket.request.tenant, () => ({ running: 0, waiting: new Set<Waiter>() }))
      return isFree(ticket, line) ? turn(ticket, line) : wait(ticket, line)
    },
  }
}

/** How often waits that are over are looked for; a refusal is late by at most this. */
const SWEEP_MS = 25

function tooLate(ticket: Ticket, tenantRuns: number): CloisterError {
  const { concurrency, queueWait } = ticket.policy.limits
  return tenantRuns >= concurrency
    ? new CloisterError(
        'CONCURRENCY_LIMITED',
        `the tenant had ${concurrency} runs in progress, the most that limits.concurrency allows, for ${queueWait} ms`,
        { retryAfterMs: 1_000 },
      )
    : new CloisterError('OVERLOADED', `no turn came within ${queueWait} ms (limits.queueWaitMs); nothing had started`, {
        retryAfterMs: 1_000,
      })
}
