import type { TenantId } from '../core/ids.ts'
import { type EpochMillis, epochMillis } from '../core/quantity.ts'
import type { Invoice, InvoiceStore } from '../core/invoices.ts'
import type { LedgerStore } from '../core/stores.ts'
import { type Bill, makeBill } from './bill.ts'
import { sumOf } from './ledger-sum.ts'
import { type Period, monthOf, parsePeriod, periodName } from './period.ts'
import { PriceBooks } from './price-books.ts'
import { parsePriceBooks } from './price-book.ts'

/**
 * How long after its end a month is closed. Longer than any run may take, so that every run that was admitted within
 * the month is in the ledger by then.
 */
const CLOSE_AFTER_MS = 3_600_000
/** Months that are looked at: a host that was off for longer leaves older ones open, and bills them as they are asked for. */
const MONTHS_BACK = 24

interface Parts {
  readonly ledger: LedgerStore
  readonly invoices: InvoiceStore
  readonly prices: PriceBooks
}

/**
 * Bills of months. A month that is over is closed into an invoice: the bytes of its bill with the price books that it was
 * made by, kept for good. Whatever happens to prices, the invoice is what the month cost, and can be made again from
 * the ledger and those books.
 *
 * Invariant: nothing is charged into a closed month. `closedUntil` rises before a month is summed up, every record from
 * then on is dated after it, and the store refuses an invoice whose records are not all there are.
 */
export class Invoices {
  readonly #parts: Parts
  #closedUntil: EpochMillis

  constructor(parts: Parts, closedUntil: EpochMillis) {
    this.#parts = parts
    this.#closedUntil = closedUntil
  }

  /** A moment as the ledger dates it: never within what is closed, even if a clock was set back. */
  dated(at: EpochMillis): EpochMillis {
    return at < this.#closedUntil ? this.#closedUntil : at
  }

  /** The invoice of a closed month, or the bill as it stands. Throws INVALID_PERIOD. */
  async bill(tenant: TenantId, period: Period): Promise<Bill> {
    const invoice = await this.#parts.invoices.find(tenant, periodName(period))
    return invoice === undefined ? this.make(tenant, period) : (JSON.parse(invoice.bill) as Bill)
  }

  /** Whether a month is closed for a tenant: its bill is an invoice. */
  async isClosed(tenant: TenantId, period: Period): Promise<boolean> {
    return (await this.#parts.invoices.find(tenant, periodName(period))) !== undefined
  }

  /** The bill of a month by the ledger and, if none are given, by the price books of now. Throws INVALID_PERIOD. */
  async make(tenant: TenantId, period: Period, prices = this.#parts.prices): Promise<Bill> {
    const segments = await Promise.all(
      prices.segments(period).map(async ({ book, range }) => {
        return { book, range, sums: await sumOf(this.#parts.ledger, tenant, range) }
      }),
    )
    return makeBill(tenant, period, segments)
  }

  /** Closes every month that is over and has charges and no invoice. Resolves with how many it closed. */
  async closeDue(now: EpochMillis): Promise<number> {
    let closed = 0
    let period = monthOf(epochMillis(now - CLOSE_AFTER_MS))
    this.#closedUntil = epochMillis(Math.max(this.#closedUntil, period.from))
    for (let month = 0; month < MONTHS_BACK; month += 1) {
      period = monthOf(epochMillis(period.from - 1))
      if (period.from < this.#parts.prices.since) break
      for (const tenant of await this.#parts.invoices.unbilled(period, periodName(period))) {
        if (await this.#close(tenant, period, now)) closed += 1
      }
    }
    return closed
  }

  /** Makes each invoice again, and names the first month whose bytes are not the same; undefined if there is none. */
  async audit(tenant: TenantId): Promise<string | undefined> {
    for (const invoice of await this.#parts.invoices.list(tenant)) {
      if ((await this.rebuild(invoice)) !== invoice.bill) return invoice.period
    }
    return undefined
  }

  /** The bytes of an invoice, made from the ledger and the price books that it names. */
  async rebuild({ tenant, period, closedAt, books }: Invoice): Promise<string> {
    const parsed = parsePriceBooks(JSON.parse(books))
    if (!parsed.ok) return ''
    return JSON.stringify(await this.make(tenant, parsePeriod(period, closedAt), new PriceBooks(parsed.books)))
  }

  async #close(tenant: TenantId, period: Period, now: EpochMillis): Promise<boolean> {
    const { prices, invoices } = this.#parts
    const bill = await this.make(tenant, period)
    const books = prices.segments(period).map(({ book }) => JSON.parse(book.source) as unknown)
    return invoices.put({
      tenant,
      period: periodName(period),
      from: period.from,
      to: period.to,
      closedAt: now,
      records: bill.records,
      books: JSON.stringify(books),
      bill: JSON.stringify(bill),
    })
  }
}
