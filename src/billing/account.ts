import type { TenantId } from '../core/ids.ts'
import type { EpochMillis } from '../core/quantity.ts'
import type { Ticket, Usage } from '../core/run.ts'
import type { LedgerStore } from '../core/stores.ts'
import { type GrowHold, RunHold } from './hold.ts'
import { sumOf } from './ledger-sum.ts'
import { type Period, dayOf, monthOf, within } from './period.ts'
import type { BookSegment, PriceBooks } from './price-books.ts'
import { NO_SPEND, type Spend, minus, plus, spendOfRun, spendOfSums, worstCase } from './spend.ts'

/** What accounts work with. */
export interface AccountParts {
  readonly ledger: LedgerStore
  readonly prices: PriceBooks
}

/** Whether an account has an open hold or a read in progress. */
export type AccountUse = 'busy' | 'idle'

/** A day or month of a tenant as far as it is known: what the ledger holds, and what open holds may add to it. */
export interface Window {
  readonly period: Period
  readonly spent: Spend
  readonly held: Spend
}

/**
 * What one tenant spends, in memory. Knows its open holds always, and the sums of a day and month only once they were
 * asked for and read; while they are known they follow every hold and post.
 *
 * Invariant: a window's `spent` is what the ledger holds of its period. So no post runs while one is being read, and
 * after a commit that failed, when nobody can tell what the ledger holds, every window is forgotten and read anew.
 */
export class Account {
  readonly tenant: TenantId
  readonly #parts: AccountParts
  readonly #onUse: (account: Account, use: AccountUse) => void
  readonly #holds = new Set<RunHold>()
  #windows: readonly Window[] = []
  #reading: Promise<void> | undefined
  #readers = 0
  #posting = 0
  #postsDone: PromiseWithResolvers<void> | undefined

  constructor(tenant: TenantId, parts: AccountParts, onUse: (account: Account, use: AccountUse) => void) {
    this.tenant = tenant
    this.#parts = parts
    this.#onUse = onUse
  }

  /** Whether something is known that would have to be read again. */
  get remembers(): boolean {
    return this.#windows.length > 0
  }

  /** The day of a moment, then its month; none if they were not both read. */
  windowsAt(at: EpochMillis): readonly Window[] {
    const windows = this.#windows.filter(({ period }) => within(period, at))
    return windows.length === 2 ? windows : []
  }

  /** Sets the run's worst case aside in every window that is known. Checks nothing: see budget.ts. */
  hold(ticket: Ticket, grow: GrowHold): RunHold {
    const hold = new RunHold(ticket, grow, this.#close)
    if (this.#isIdle()) this.#onUse(this, 'busy')
    this.#holds.add(hold)
    if (this.remembers) {
      const worst = this.#worstCase(hold)
      this.#update(ticket, (window) => ({ ...window, held: plus(window.held, worst) }))
    }
    return hold
  }

  /** Sets more aside for an open hold. Checks nothing. */
  extend(hold: RunHold, worth: bigint): void {
    hold.operationsWorth += worth
    if (!this.remembers) return
    const more = { units: 0n, worth }
    this.#update(hold.ticket, (window) => ({ ...window, held: plus(window.held, more) }))
  }

  /** Forgets all sums. The open holds stay known. */
  forget(): void {
    this.#windows = []
  }

  /**
   * Reads the day and month of a moment from the ledger; who comes meanwhile shares the read, and must look whether it
   * was for the moment it needs. Rejects if the ledger cannot be read. The account stays in use until then.
   */
  async learn(at: EpochMillis): Promise<void> {
    if (this.#isIdle()) this.#onUse(this, 'busy')
    this.#readers += 1
    try {
      await (this.#reading ??= this.#read(at).finally(() => (this.#reading = undefined)))
    } finally {
      this.#readers -= 1
      if (this.#isIdle()) this.#onUse(this, 'idle')
    }
  }

  /** Commits a post between reads and closes the hold: with its usage, or with nothing if the commit fails. */
  async post(hold: RunHold, usage: Usage, commit: () => Promise<void>): Promise<void> {
    hold.beginPost()
    while (this.#reading !== undefined) await this.#reading.catch(() => undefined)
    this.#posting += 1
    let committed: Usage | undefined
    try {
      await commit()
      committed = usage
    } finally {
      if (committed === undefined) this.forget()
      hold.endPost(committed)
      this.#posting -= 1
      if (this.#posting === 0) this.#postsDone?.resolve()
    }
  }

  /** Commits what is charged without a hold, between reads, and forgets all sums: the next run has them read anew. */
  async append(commit: () => Promise<void>): Promise<void> {
    if (this.#isIdle()) this.#onUse(this, 'busy')
    this.#readers += 1
    while (this.#reading !== undefined) await this.#reading.catch(() => undefined)
    this.#posting += 1
    try {
      await commit()
    } finally {
      this.forget()
      this.#posting -= 1
      if (this.#posting === 0) this.#postsDone?.resolve()
      this.#readers -= 1
      if (this.#isIdle()) this.#onUse(this, 'idle')
    }
  }

  async #read(at: EpochMillis): Promise<void> {
    if (this.#posting > 0) await (this.#postsDone = Promise.withResolvers<void>()).promise
    const { prices } = this.#parts
    const unknown = [dayOf(at), monthOf(at)].filter(
      (period) => !this.#windows.some((each) => isSame(each.period, period)),
    )
    const read = await Promise.all(
      unknown.map(async (period) => {
        const spends = await Promise.all(prices.segments(period).map((segment) => this.#spentIn(segment)))
        return { period, spent: spends.reduce(plus, NO_SPEND) }
      }),
    )
    const windows = read.map((each) => ({ ...each, held: this.#heldIn(each.period) }))
    // Others are dropped, whatever is open in them: whoever still asks for one has it read again.
    const kept = this.#windows.filter(({ period }) => within(period, at))
    this.#windows = [...kept, ...windows].toSorted(dayFirst)
  }

  /** What the ledger holds of a stretch of time, by the prices of that time. */
  async #spentIn({ book, range }: BookSegment): Promise<Spend> {
    return spendOfSums(await sumOf(this.#parts.ledger, this.tenant, range), book)
  }

  #heldIn(period: Period): Spend {
    return Array.from(this.#holds)
      .filter(({ ticket }) => within(period, ticket.admittedAt))
      .reduce((held, hold) => plus(held, this.#worstCase(hold)), NO_SPEND)
  }

  #worstCase({ ticket, operationsWorth }: RunHold): Spend {
    const { units, worth } = worstCase(ticket, this.#parts.prices.at(ticket.admittedAt))
    return { units, worth: worth + operationsWorth }
  }

  readonly #close = (hold: RunHold, usage: Usage | undefined): void => {
    this.#holds.delete(hold)
    if (this.remembers) {
      const worst = this.#worstCase(hold)
      const spend = usage === undefined ? NO_SPEND : spendOfRun(usage, this.#parts.prices.at(hold.ticket.admittedAt))
      this.#update(hold.ticket, ({ period, spent, held }) => {
        return { period, spent: plus(spent, spend), held: minus(held, worst) }
      })
    }
    if (this.#isIdle()) this.#onUse(this, 'idle')
  }

  #update(ticket: Ticket, change: (window: Window) => Window): void {
    const { admittedAt } = ticket
    this.#windows = this.#windows.map((window) => (within(window.period, admittedAt) ? change(window) : window))
  }

  #isIdle(): boolean {
    return this.#holds.size === 0 && this.#readers === 0
  }
}

function dayFirst(left: Window, right: Window): number {
  return left.period.to - left.period.from - (right.period.to - right.period.from)
}

function isSame(left: Period, right: Period): boolean {
  return left.kind === right.kind && left.from === right.from
}
