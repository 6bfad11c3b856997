import type { TenantId } from '../../src/core/ids.ts'
import { epochMillis } from '../../src/core/quantity.ts'
import type { Invoice, InvoiceStore } from '../../src/core/invoices.ts'
import type { TimeRange } from '../../src/core/stores.ts'
import type { MemoryLedger } from './memory-ledger.ts'

/** Invoices in memory, beside a ledger in memory. */
export class MemoryInvoices implements InvoiceStore {
  readonly all: Invoice[] = []
  readonly #ledger: MemoryLedger

  constructor(ledger: MemoryLedger) {
    this.#ledger = ledger
  }

  async put(invoice: Invoice): Promise<boolean> {
    if ((await this.find(invoice.tenant, invoice.period)) !== undefined) return false
    this.all.push(invoice)
    return true
  }

  find(tenant: TenantId, period: string): Promise<Invoice | undefined> {
    return Promise.resolve(this.all.find((each) => each.tenant === tenant && each.period === period))
  }

  list(tenant: TenantId): Promise<readonly Invoice[]> {
    return Promise.resolve(this.all.filter((each) => each.tenant === tenant))
  }

  unbilled({ from, to }: TimeRange, period: string): Promise<readonly TenantId[]> {
    const tenants = this.#ledger.posted.flatMap(({ tenant, startedAt }) =>
      from <= startedAt && startedAt < to ? [tenant] : [],
    )
    const billed = new Set(this.all.flatMap((each) => (each.period === period ? [each.tenant] : [])))
    return Promise.resolve([...new Set(tenants)].filter((tenant) => !billed.has(tenant)))
  }

  closedUntil() {
    return Promise.resolve(epochMillis(Math.max(0, ...this.all.map(({ to }) => to))))
  }
}
