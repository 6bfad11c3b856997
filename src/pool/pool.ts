import { CloisterError } from '../core/errors.ts'
import { emit } from '../core/events.ts'
import type { TenantId } from '../core/ids.ts'
import type { Lease, Pool, Ticket } from '../core/run.ts'
import type { Cell } from './cell.ts'
import { type Death, type KillReason, isGuestDoing } from './death.ts'
import type { CellParts } from './cell-parts.ts'
import { Nursery } from './nursery.ts'
import { patienceWith } from './patience.ts'
import { type CellProfile, profileOf } from './profile.ts'
import { UnrulyTenants } from './unruly.ts'
import { WaitingRoom } from './waiting-room.ts'

export interface CellFacts {
  readonly pid: number
  readonly state: Cell['state']
  readonly tenant: TenantId | undefined
  readonly profile: CellProfile
  readonly runs: number
  readonly served: number
  readonly ageMs: number
}

export interface PoolParts extends CellParts {
  /** Told of each cell that a tenant's code has brought down. */
  readonly onTenantDeath: (tenant: TenantId, reason: KillReason) => void
}

export interface CellPool extends Pool, AsyncDisposable {
  /** Resolves when a blank cell has been ready once; rejects when no cell can be started. */
  ready(): Promise<void>
  readonly blankReady: number
  cells(): readonly CellFacts[]
  /** Ends all cells of a tenant once their runs are over. */
  retireTenant(tenant: TenantId, reason: KillReason): void
}

/** Below this wait runs are packed into the first cell: fewer processes are woken, and cells that are not needed end. In ms. */
const PACK_DELAY_MS = 1
/** How soon after a run was put behind another it is looked whether the other is a long one. In ms. */
const LOOK_MS = 10
const SWEEP_MS = 1_000

/**
 * The host's cells. A tenant without one takes a blank cell and keeps it; it gets more, up to its policy's `maxCells`, when
 * those it has are busy; a cell without runs for the policy's `idle` is ended.
 *
 * Invariant: at most `cellsMax` processes exist; a lease is only ever of a cell of the ticket's own tenant.
 */
export function createPool(parts: PoolParts): CellPool {
  const { clock, cellsMax, onTenantDeath } = parts
  const unruly = new UnrulyTenants(clock)
  const tenants = new Map<TenantId, Cell[]>()
  const waiters = new WaitingRoom()
  let runNumber = 0
  let closing = false

  const nursery = new Nursery({
    ...parts,
    demands: () => waiters.demands(roomFor, (tenant) => unruly.has(tenant)),
    onReady: () => serveWaiters(),
    onProgress: (cell) => serveWaiters(cell.tenant),
    onEnd: (cell, death) => forget(cell, death),
  })

  const forget = (cell: Cell, death: Death): void => {
    const { pid, tenant } = cell
    emit('cell.retired', {
      pid,
      tenant,
      reason: death.reason,
      runs: cell.served,
      ageMs: clock.elapsed() - cell.createdMs,
    })
    const cells = tenant === undefined ? undefined : tenants.get(tenant)
    if (cells !== undefined && tenant !== undefined) {
      const left = cells.filter((other) => other !== cell)
      if (left.length > 0) tenants.set(tenant, left)
      else tenants.delete(tenant)
    }
    if (tenant !== undefined && isTenantsDoing(cell, death)) {
      unruly.add(tenant)
      onTenantDeath(tenant, death.reason)
    }
    if (!closing) nursery.refillSoon()
    serveWaiters()
  }

  /** The tenant's first cell in which a run has its turn at once, else the one where it has it soonest, within the patience. */
  const choose = ({ policy, request }: Ticket, patience: 'with each' | 'with any'): Cell | undefined => {
    const cells = tenants.get(request.tenant) ?? []
    const patienceMs = patienceWith(cells.length)
    let best: Cell | undefined
    let bestMs = patience === 'with each' ? patienceMs : Number.MAX_VALUE
    for (const cell of cells) {
      if (!cell.accepts || cell.runs >= placesOf(policy, request) || !cell.serves(policy)) continue
      const waitMs = cell.expectedWaitMs(patienceMs)
      if (waitMs <= PACK_DELAY_MS) return cell
      if (waitMs >= bestMs) continue
      best = cell
      bestMs = waitMs
    }
    return best
  }

  /** Cells that the ticket's tenant may have beside those that it has and keeps. */
  const roomFor = ({ policy, request }: Ticket): number =>
    policy.instance.maxCells - (tenants.get(request.tenant) ?? []).filter((cell) => !cell.isLeaving).length

  const takeBlank = (ticket: Ticket, waitedMs: number): Cell | undefined => {
    const tenant = ticket.request.tenant
    if (roomFor(ticket) <= 0) return undefined
    const isUnruly = unruly.has(tenant)
    const cell = nursery.take(profileOf(ticket.policy), isUnruly ? 'not the last' : 'any')
    if (cell === undefined) return undefined
    cell.assign(tenant, ticket.policy, isUnruly ? 'announced' : 'batched')
    tenants.set(tenant, [...(tenants.get(tenant) ?? []), cell])
    emit('cell.leased', { pid: cell.pid, tenant, waitedMs, blank: waitedMs === 0 })
    nursery.refillSoon()
    return cell
  }

  /** A quick cell of the tenant's, else one more cell, else any of its cells that is not stuck. */
  const find = (ticket: Ticket, waitedMs: number): Cell | undefined =>
    choose(ticket, 'with each') ?? takeBlank(ticket, waitedMs) ?? choose(ticket, 'with any')

  const leaseOf = (cell: Cell, ticket: Ticket): Lease => {
    const reservation = new DisposableStack()
    reservation.use(cell.reserve())
    return {
      walls: parts.walls.level,
      async run(session) {
        runNumber = (runNumber % 0xffff_fffe) + 1
        const running = cell.run(runNumber, ticket, session)
        if (cell.waiting > 0) lookForStuckSoon()
        const report = await running
        if (report !== 'taken-back') return report
        // Nothing of it is in this cell any more: it must not count there while it waits for another.
        reservation.dispose()
        using elsewhere = await findOrWait(ticket)
        return await elsewhere.run(session)
      },
      [Symbol.dispose]() {
        reservation.dispose()
        serveWaiters()
      },
    }
  }

  let looking: NodeJS.Timeout | undefined
  /** A run that turns out long must not hold up those that were put behind it while it looked like any other. */
  const lookForStuckSoon = (): void => {
    looking ??= setTimeout(() => setImmediate(lookForStuck), LOOK_MS)
  }

  /** After the answers that have come have been read: what is stuck then is stuck in its cell, not in this thread. */
  const lookForStuck = (): void => {
    looking = undefined
    let waiting = 0
    for (const cells of tenants.values()) {
      const patienceMs = patienceWith(cells.length)
      for (const cell of cells) {
        if (cell.waiting > 0 && cell.expectedWaitMs(patienceMs) === Infinity) cell.takeBack()
        waiting += cell.waiting
      }
    }
    if (waiting > 0 && !closing) lookForStuckSoon()
  }

  /** Gives cells to those who wait: to one tenant's runs if only its cells have changed, so that nobody's waiting costs others. */
  const serveWaiters = (only?: TenantId): void => {
    if (waiters.size === 0) return
    for (const waiter of unruly.last(waiters)) {
      if (only !== undefined && waiter.ticket.request.tenant !== only) continue
      const waitedMs = clock.elapsed() - waiter.deadlineMs + waiter.ticket.policy.limits.queueWait
      const cell = find(waiter.ticket, Math.max(0.001, waitedMs))
      if (cell === undefined) continue
      waiters.delete(waiter)
      waiter.grant(leaseOf(cell, waiter.ticket))
    }
  }

  const wait = (ticket: Ticket): Promise<Lease> =>
    new Promise((grant, refuse) => {
      waiters.add({ ticket, grant, refuse, deadlineMs: clock.elapsed() + ticket.policy.limits.queueWait })
      if (!hasRoom(ticket) && nursery.makeRoom(profileOf(ticket.policy)) === 'none') evictIdle(ticket.request.tenant)
      nursery.startFor(profileOf(ticket.policy))
    })

  const findOrWait = (ticket: Ticket): Lease | Promise<Lease> => {
    if (closing) throw shuttingDown()
    const cell = find(ticket, 0)
    return cell === undefined ? wait(ticket) : leaseOf(cell, ticket)
  }

  const afterReading = (ticket: Ticket): Promise<Lease> =>
    new Promise<void>((resolve) => setImmediate(resolve)).then(() => findOrWait(ticket))

  const hasRoom = (ticket: Ticket): boolean =>
    nursery.size < cellsMax || (tenants.get(ticket.request.tenant)?.length ?? 0) >= ticket.policy.instance.maxCells

  /** Ends the cell that has been idle longest, for the sake of a tenant that waits or of memory. */
  const evictIdle = (except?: TenantId): void => {
    let oldest: Cell | undefined
    for (const [tenant, cells] of tenants) {
      if (tenant === except) continue
      for (const cell of cells) {
        if (cell.runs === 0 && cell.accepts && (oldest === undefined || cell.idleSinceMs < oldest.idleSinceMs))
          oldest = cell
      }
    }
    oldest?.retire('evicted')
  }

  const sweep = setInterval(() => {
    const nowMs = clock.elapsed()
    for (const waiter of waiters) {
      if (waiter.deadlineMs > nowMs) continue
      waiters.delete(waiter)
      const { queueWait } = waiter.ticket.policy.limits
      waiter.refuse(
        new CloisterError(
          'OVERLOADED',
          `no cell came within ${queueWait} ms (limits.queueWaitMs); nothing had started`,
          { retryAfterMs: 1_000 },
        ),
      )
    }
    for (const cells of tenants.values()) for (const cell of cells) sweepCell(cell, nowMs)
    if (nursery.sweep() === 'full') evictIdle()
  }, SWEEP_MS)
  sweep.unref()

  const sweepCell = (cell: Cell, nowMs: number): void => {
    cell.sweep()
    if (cell.runs === 0 && nowMs - cell.idleSinceMs > cell.idleMaxMs) cell.retire('idle')
  }

  nursery.refillSoon()
  return {
    ready: () => nursery.firstReady,
    get blankReady() {
      return nursery.ready
    },
    cells: () =>
      nursery.all().map(([cell, profile]) => ({
        pid: cell.pid,
        state: cell.state,
        tenant: cell.tenant,
        profile,
        runs: cell.runs,
        served: cell.served,
        ageMs: clock.elapsed() - cell.createdMs,
      })),
    retireTenant(tenant, reason) {
      if (reason === 'tenant-deleted') unruly.forget(tenant)
      for (const cell of tenants.get(tenant) ?? []) cell.retire(reason)
    },
    lease(ticket) {
      for (const cell of tenants.get(ticket.request.tenant) ?? []) {
        // The policy has changed since: what the cell was told is out of date.
        if (cell.accepts && !cell.serves(ticket.policy)) cell.retire('policy-changed')
      }
      const quick = choose(ticket, 'with each')
      if (quick !== undefined) return leaseOf(quick, ticket)
      // Its cells may look busy only because this thread has not read their answers yet.
      return tenants.has(ticket.request.tenant) ? afterReading(ticket) : findOrWait(ticket)
    },
    async [Symbol.asyncDispose]() {
      if (closing) return await nursery.close()
      closing = true
      clearInterval(sweep)
      clearTimeout(looking)
      for (const waiter of waiters) waiter.refuse(shuttingDown())
      waiters.clear()
      await nursery.close()
    },
  }
}

/** Who is called must find room even where everyone who is there waits for it. */
function placesOf({ instance }: Ticket['policy'], { parentRun }: Ticket['request']): number {
  return parentRun === undefined ? instance.runsPerCell : Infinity
}

/** Not what died before any code was sent to it; nor a cell of a tenant that was deleted: its name may be another's by now. */
function isTenantsDoing(cell: Cell, death: Death): boolean {
  return cell.served > 0 && cell.retiring !== 'tenant-deleted' && isGuestDoing(death)
}

function shuttingDown(): CloisterError {
  return new CloisterError('DRAINING', 'the host is shutting down')
}
