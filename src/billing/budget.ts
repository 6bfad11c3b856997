import { LRUCache } from 'lru-cache'
import type { Clock } from '../core/clock.ts'
import type { TenantId } from '../core/ids.ts'
import { epochMillis } from '../core/quantity.ts'
import type { Ticket, Usage } from '../core/run.ts'
import type { Allowance, Budget } from '../core/stores.ts'
import type { SpendNotice } from '../core/webhooks.ts'
import { Account, type AccountParts, type AccountUse, type Window } from './account.ts'
import { type BudgetStatus, budgetExceeded, budgetStatus } from './budget-report.ts'
import type { GrowHold, RunHold } from './hold.ts'
import { type Position, isShort, moneyPosition, unitsPosition } from './position.ts'
import type { PriceBooks } from './price-books.ts'
import { NO_SPEND, type Spend, worstCase } from './spend.ts'
import { BudgetWarnings } from './warnings.ts'

/**
 * Idle accounts whose sums stay in memory, the least recently used going first. Each is under 1 kB, and one that went
 * costs its tenant's next run a read of the ledger.
 */
const IDLE_ACCOUNTS_MAX = 10_000

/** What budgets work with. */
export interface BudgetParts extends AccountParts {
  readonly clock: Clock
  /** The tenant's budget as it is now; asked at each reserve, so a change takes effect at once. */
  readonly budgetOf: (tenant: TenantId) => Budget
  /** Told of what somebody should know soon. */
  readonly notify?: (notice: SpendNotice) => void
}

/**
 * Hard stops by holds. A run starts only if what was spent, what open holds may still spend and the most that its own time can cost
 * all fit, in units and in money, in the UTC day and month in which it was admitted; an operation is made only if its price fits as well.
 *
 * Invariant: spent + held of a period never passes its allowance, whatever the order of reserve, post and void; lowering
 * an allowance below that stops new runs and priced operations, and leaves the time of runs in progress alone. It holds for the runs of this host: other
 * hosts on the same ledger are seen when their records are read.
 */
export class Budgets {
  readonly #parts: BudgetParts
  /**
   * Accounts with an open hold or a read in progress: as many as admission lets tenants have runs. Looked up first, so
   * that a tenant has one account even if the cache lets go of it meanwhile.
   */
  readonly #busy = new Map<TenantId, Account>()
  readonly #warnings: BudgetWarnings
  readonly #idle = new LRUCache<TenantId, Account>({ max: IDLE_ACCOUNTS_MAX })

  constructor(parts: BudgetParts) {
    this.#parts = parts
    this.#warnings = new BudgetWarnings(parts.notify)
  }

  /**
   * Sets the worst case aside or throws BUDGET_EXCEEDED. A promise only while the tenant's sums are being read, which
   * rejects if they cannot be. Without a budget it only notes that the run is open.
   */
  reserve(ticket: Ticket): RunHold | Promise<RunHold> {
    const { tenant } = ticket.request
    const budget = this.#parts.budgetOf(tenant)
    const account = this.#account(tenant)
    if (!isLimited(budget)) {
      // Sums that no budget asks for are not followed: most tenants never pay for the arithmetic.
      account.forget()
      return account.hold(ticket, this.#grow)
    }
    const windows = account.windowsAt(ticket.admittedAt)
    return windows.length > 0
      ? this.#take(ticket, account, { budget, windows })
      : this.#learnAndReserve(ticket, account)
  }

  /** Commits and closes a hold: see {@link Account.post}. */
  async post(hold: RunHold, usage: Usage, commit: () => Promise<void>): Promise<void> {
    const { request, admittedAt } = hold.ticket
    const account = this.#account(request.tenant)
    await account.post(hold, usage, commit)
    const budget = this.#parts.budgetOf(request.tenant)
    if (!isLimited(budget)) return
    const { prices } = this.#parts
    const windows = account.windowsAt(admittedAt)
    this.#warnings.charged(
      request.tenant,
      windows.flatMap((window) => positions(window, budget[window.period.kind], { prices, need: NO_SPEND })),
    )
  }

  /** Commits what is charged without a hold: see {@link Account.append}. */
  append(tenant: TenantId, commit: () => Promise<void>): Promise<void> {
    return this.#account(tenant).append(commit)
  }

  /** What a tenant has left today and this month. Reads the ledger unless it is known. */
  async status(tenant: TenantId): Promise<BudgetStatus> {
    const { clock, budgetOf, prices } = this.#parts
    const now = clock.now()
    for (;;) {
      // Looked up anew after each read: the account may have been put away meanwhile.
      const account = this.#account(tenant)
      const windows = account.windowsAt(now)
      if (windows.length > 0) return budgetStatus(windows, budgetOf(tenant), prices)
      await account.learn(now)
    }
  }

  async #learnAndReserve(ticket: Ticket, account: Account): Promise<RunHold> {
    await account.learn(ticket.admittedAt)
    // From the start: the budget may be another one by now, and the read may have been for another day.
    return this.reserve(ticket)
  }

  #take(ticket: Ticket, account: Account, known: { budget: Budget; windows: readonly Window[] }): RunHold {
    const { clock, prices } = this.#parts
    const need = worstCase(ticket, prices.at(ticket.admittedAt))
    const short = known.windows
      .flatMap((window) => positions(window, known.budget[window.period.kind], { prices, need }))
      .filter(isShort)
    // By the later of both: a clock that was set back must not make the wait longer than the period.
    if (short.length > 0) {
      this.#warnings.refused(ticket.request.tenant, short)
      throw budgetExceeded(short, epochMillis(Math.max(ticket.admittedAt, clock.now())))
    }
    return account.hold(ticket, this.#grow)
  }

  /** Only money is looked at: operations take no units. */
  readonly #grow: GrowHold = (hold, operation, count) => {
    const { request, admittedAt } = hold.ticket
    const { prices, budgetOf } = this.#parts
    const worth = (prices.at(admittedAt).operationWeights.get(operation) ?? 0n) * BigInt(count)
    if (worth === 0n) return true
    const budget = budgetOf(request.tenant)
    const account = this.#account(request.tenant)
    if (isLimited(budget)) {
      const windows = account.windowsAt(admittedAt)
      if (windows.length === 0) {
        return account.learn(admittedAt).then(() => hold.isOpen && this.#grow(hold, operation, count))
      }
      const need = { units: 0n, worth }
      const short = windows
        .map((window) => moneyPosition(window, budget[window.period.kind], { prices, need }))
        .filter(isShort)
      if (short.length > 0) {
        this.#warnings.refused(request.tenant, short)
        return false
      }
    }
    account.extend(hold, worth)
    return true
  }

  #account(tenant: TenantId): Account {
    return this.#busy.get(tenant) ?? this.#idle.get(tenant) ?? new Account(tenant, this.#parts, this.#onUse)
  }

  readonly #onUse = (account: Account, use: AccountUse): void => {
    if (use === 'busy') {
      this.#busy.set(account.tenant, account)
      return
    }
    this.#busy.delete(account.tenant)
    if (account.remembers) this.#idle.set(account.tenant, account)
  }
}

function positions(
  window: Window,
  allowance: Allowance | undefined,
  run: { prices: PriceBooks; need: Spend },
): readonly Position[] {
  if (!limits(allowance)) return []
  return [unitsPosition(window, allowance, run.need), moneyPosition(window, allowance, run)]
}

function isLimited({ day, month }: Budget): boolean {
  return limits(day) || limits(month)
}

function limits(allowance: Allowance | undefined): boolean {
  return allowance?.units !== undefined || allowance?.money !== undefined
}
